"""Who a file and a machine are: names that stay the same whoever reads, under whatever path.

A text log is a stream named `<n>-<hash of its first n bytes, decompressed>`; n is fixed when the file is first seen, so
log, log.1 and log.1.gz are one stream, and a file that has grown is still itself (design, section 4). A leaf: imports
nothing of the agent, and rooms may import it.
"""

# Paths are text here, as the command line, os.scandir and systemd's files give them.
# ruff: noqa: PTH123

from __future__ import annotations

import hashlib
import math
import socket
from typing import Dict, Iterable, Optional, Set

IDENTITY_MIN_BYTES = 256
IDENTITY_MAX_BYTES = 1024
LINE_HASH_WINDOW_BYTES = 4096
EACH_TELLS_BYTES = 2048
MARKS_A_REQUEST = 96  # a header that proxies take, 8 KiB


def file_identity(prefix: bytes, n: int) -> str:
    """The identity of a file that begins with `prefix` (at least n bytes), by its first n bytes."""
    return f"{n}-{hashlib.blake2b(prefix[:n], digest_size=16).hexdigest()}"


def choose_length(prefix: bytes, *, settled: bool) -> Optional[int]:
    """How many first bytes name the file: whole lines, 256 bytes to 1 KiB; None while it is too short to say.

    `prefix` is its first 1,024 bytes, or all it has; `settled`: it is finished or was short for 60 s, so its whole
    lines have to do (all of it, if it has no line end at all).
    """
    line_end = prefix.find(b"\n", IDENTITY_MIN_BYTES - 1, IDENTITY_MAX_BYTES)
    if line_end >= 0:
        return line_end + 1
    if len(prefix) >= IDENTITY_MAX_BYTES:
        return IDENTITY_MAX_BYTES
    if not settled or not prefix:
        return None
    return (prefix.rfind(b"\n") + 1) or len(prefix)


def match_identity(prefix: bytes, known: Iterable[str]) -> Optional[str]:
    """The identity among `known` that these first bytes have, the longest n first; others than files' are skipped."""
    lengths: Dict[int, Set[str]] = {}
    for identity in known:
        head, dash, _hash = identity.partition("-")
        if dash and head.isdigit():
            lengths.setdefault(int(head), set()).add(identity)
    for n in sorted(lengths, reverse=True):
        if 0 < n <= len(prefix):
            identity = file_identity(prefix, n)
            if identity in lengths[n]:
                return identity
    return None


def identify(prefix: bytes, known: Iterable[str] = (), *, settled: bool = True) -> Optional[str]:
    """The identity of a file by its first 1,024 decompressed bytes: one the node has already, else a new one, else
    None.
    """
    found = match_identity(prefix, known)
    if found is not None:
        return found
    n = choose_length(prefix, settled=settled)
    return None if n is None else file_identity(prefix, n)


def line_hash(window: bytes) -> str:
    """X of a file's range: hash and length of the line that ends where `window` ends, by at most its last 4,096 bytes.

    The length tells where the line begins: a file that has a line end in between is another one.
    """
    window = window[-LINE_HASH_WINDOW_BYTES:]
    before = window.rfind(b"\n", 0, max(len(window) - 1, 0))
    line = window[before + 1 :]
    return f"{hashlib.blake2b(line, digest_size=8).hexdigest()}.{len(line)}"


def tells(first: int, last: int) -> bool:
    """Whether the line at bytes first..last is one to leave a mark of, so that a file is told from another one that
    begins like it: each line that begins in the first 2 KiB, and one whenever the file is a quarter longer.
    """
    return first < EACH_TELLS_BYTES or int(math.log(first, 1.25)) != int(math.log(last + 1, 1.25))


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.readline().strip()
    except OSError:
        return ""


def node_name() -> str:
    """This machine's name as a node: the host name without its domain, in lower case."""
    return socket.gethostname().split(".")[0].lower() or "localhost"


def machine_id() -> str:
    """Systemd's machine id, or an empty string where there is none."""
    return _first_line("/etc/machine-id") or _first_line("/var/lib/dbus/machine-id")


def boot_id() -> str:
    """The kernel's id of this boot, 32 hex digits, or an empty string."""
    return _first_line("/proc/sys/kernel/random/boot_id").replace("-", "")
