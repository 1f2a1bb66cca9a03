"""Real journal files for tests: hand-made entries through Debian's systemd-journal-remote."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

REMOTE = Path("/lib/systemd/systemd-journal-remote")
BOOT_1, BOOT_2 = b"1" * 32, b"2" * 32
START_US = 1_763_700_000_000_000


def need_journals() -> None:
    """Skip where real journals cannot be made; in CI that is a failure."""
    if REMOTE.exists():
        return
    reason = "systemd-journal-remote is not installed"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def entry(
    number: int, message: bytes | None, *more: tuple[bytes, bytes], boot: bytes = BOOT_1, at_us: int | None = None
) -> bytes:
    """One entry in export form; `number` gives its times."""
    at_us = START_US + number if at_us is None else at_us
    fields = [(b"_MACHINE_ID", b"a" * 32), (b"_HOSTNAME", b"n1"), (b"PRIORITY", b"6"), *more]
    if message is not None:
        fields.append((b"MESSAGE", message))
    head = b"__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=%s\n" % (at_us, 1_000_000 + number, boot)
    return head + b"".join(_field(name, value) for name, value in fields) + b"\n"


def _field(name: bytes, value: bytes) -> bytes:
    if all(byte >= 32 or byte == 9 for byte in value):
        return name + b"=" + value + b"\n"
    return name + b"\n" + struct.pack("<Q", len(value)) + value + b"\n"


def write_journal(path: Path, entries: Iterable[bytes]) -> Path:
    """Append entries to the journal file at `path` (made if need be), as journal-remote does."""
    done = subprocess.run(
        [str(REMOTE), "--output", str(path), "--split-mode=none", "-"],
        input=b"".join(entries), capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return path


def lines(first: int, last: int, boot: bytes = BOOT_1) -> list[bytes]:
    """Entries whose messages are `entry <number>`."""
    return [entry(number, b"entry %d" % number, boot=boot) for number in range(first, last + 1)]
