"""What `devmesh import` reads of journalctl's own output: the JSON of each entry is its export."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devmesh.cli.history.formats import Item, Reading, export_items, json_items
from devmesh.cli.history.inputs import Headed

REMOTE = Path("/lib/systemd/systemd-journal-remote")
BOOT = "cd" * 16
scalars = st.none() | st.text(max_size=8) | st.integers() | st.floats()


def read(data: bytes, reader=json_items) -> list[Item]:
    """The items of bytes."""
    return list(reader(Headed(io.BytesIO(data)), Reading("/x", 0, node="n1")))


@pytest.mark.parametrize("line", [b"[1]", b"5", b'{"MESSAGE":"\xff"}', b'{"MESSAGE":"\\ud800"}', b"[" * 30_000, b"{"])
def test_a_broken_line_costs_no_neighbour(line):
    """Whatever it is, the entries around it are read, and it is told by its number."""
    good = b'{"MESSAGE":"a"}'
    found = read(b"\n".join((good, line, good)))
    assert [bool(item.reason) for item in found] == [False, True, False]
    assert [item.line for item in found] == [1, 2, 3]


@settings(derandomize=True, max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.text(max_size=6), scalars | st.lists(scalars | st.lists(scalars, max_size=2), max_size=3), max_size=4
    )
)
def test_any_object_is_read_or_told(fields):
    """Any JSON object gives one item, whose event is JSON again, or a reason."""
    (item,) = read(json.dumps(fields).encode() + b"\n")
    assert item.reason or json.loads(item.data)["message"] is not None


@pytest.mark.skipif(not REMOTE.exists() or not shutil.which("journalctl"), reason="needs systemd-journal-remote")
def test_both_formats_of_a_real_journal_say_the_same(tmp_path):
    """One journal, written as JSON and as export by journalctl itself: the same events under the same numbers."""
    odd = [b"plain", b"\x1b[1mcolour", b"\xff\xfe bytes", b"two\nlines", "ünïcode ✓".encode(), b"x" * 20_000, b""]
    data = b"".join(
        f"__REALTIME_TIMESTAMP={1_790_000_000_000_000 + i}\n__MONOTONIC_TIMESTAMP={i}\n_BOOT_ID={BOOT}\n".encode()
        + b"PRIORITY=6\nTAG=a\nTAG=b\nMESSAGE\n"
        + struct.pack("<Q", len(text))
        + text
        + b"\n\n"
        for i, text in enumerate(odd)
    )
    path = tmp_path / "x.journal"
    subprocess.run([str(REMOTE), "-o", str(path), "-"], input=data, check=True, capture_output=True)

    def written(form: str) -> bytes:
        command = ["journalctl", "--file", str(path), "--all", "-o", form]
        return subprocess.run(command, check=True, capture_output=True).stdout

    by_json, by_export = read(written("json")), read(written("export"), export_items)
    assert len(by_json) == len(odd)
    for one, other in zip(by_json, by_export, strict=True):
        assert (one.first, one.x, one.ts_us, one.stream) == (other.first, other.x, other.ts_us, other.stream)
        assert _comparable(one) == _comparable(other)


def _comparable(item: Item) -> dict:
    """The event without the order of repeated fields, which journalctl does not keep."""
    event = json.loads(item.data)
    fields = event["fields"]
    fields["TAG"] = sorted((fields.pop("TAG"), fields.pop("TAG.2")))
    return event
