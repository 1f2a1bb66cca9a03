"""The file systems that this machine has over the network, and from whom: /proc/self/mountinfo, proc(5)."""

# Paths are text here, as the command line, os.scandir and systemd's files give them.
# ruff: noqa: PTH123

from __future__ import annotations

import re
from typing import List, NamedTuple, Optional

MOST_BYTES = 4 << 20
MOST_MOUNTS = 100
KINDS = {"nfs": "nfs", "nfs4": "nfs", "cifs": "smb", "smb3": "smb", "fuse.sshfs": "ssh", "fuse.glusterfs": "glusterfs"}
_OCTAL = re.compile(r"\\([0-7]{3})")
_ADDRESS = re.compile(r"(?:^|,)addr=([0-9A-Fa-f:.]{2,45})(?:,|$)")
# nas:/export  [fd00::1]:/export  //nas/share  anna@nas:/home
_SERVER = re.compile(r"(?://|(?:[^@/:]*@)?)(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9][A-Za-z0-9._-]{0,252}))(?:[:/]|\Z)")


class Mount(NamedTuple):
    """A mount: where, of which kind, and whose: the address where the kernel says it, else the name."""

    point: str
    kind: str
    server: str


def read(proc: str = "/proc") -> List[Mount]:
    """The network mounts, 100 at most."""
    try:
        with open(f"{proc}/self/mountinfo", encoding="utf-8", errors="replace") as file:
            lines = file.read(MOST_BYTES).splitlines()
    except OSError:
        return []
    return [mount for mount in map(_mount, lines) if mount is not None][:MOST_MOUNTS]


def _mount(line: str) -> Optional[Mount]:
    before, _dash, after = line.partition(" - ")
    where, what = before.split(" "), after.split(" ")
    if len(where) < 5 or len(what) < 3 or what[0] not in KINDS:  # noqa: PLR2004
        return None
    server, address = _SERVER.match(_plain(what[1])), _ADDRESS.search(what[2])
    name = address[1] if address else (server[1] or server[2]) if server else ""
    return Mount(_plain(where[4]), KINDS[what[0]], name) if name else None


def _plain(text: str) -> str:
    return _OCTAL.sub(lambda found: chr(int(found[1], 8)), text)
