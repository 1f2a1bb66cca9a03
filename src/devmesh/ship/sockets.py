"""The kernel's tables of sockets, /proc/net/{tcp,tcp6,udp,udp6}: what `ss -tun` shows, for any network namespace.

They are read instead of calling `ss`: they are always there, need no process, and those of a container's namespace can
be read from outside of it. Format: Documentation/networking/proc_net_tcp.rst of Linux.
"""

# Paths are text here, as the command line, os.scandir and systemd's files give them.
# ruff: noqa: PTH123

from __future__ import annotations

import ipaddress
import struct
from itertools import islice
from typing import Iterator, List, NamedTuple, Tuple

PROTOCOLS = ("tcp", "udp")
MOST_LINES = 50_000  # of one table
ESTABLISHED, ASKING, UNCONNECTED, LISTENING = 0x01, 0x02, 0x07, 0x0A
ANY = ("0.0.0.0", "::")  # noqa: S104  compared, not bound
_STATES = {"tcp": (ESTABLISHED, ASKING, LISTENING), "udp": (ESTABLISHED, UNCONNECTED)}
_ADDRESS_DIGITS = (8, 32)


class Socket(NamedTuple):
    """One socket; `state` is ESTABLISHED, ASKING (no answer yet), LISTENING or, of UDP, UNCONNECTED."""

    protocol: str
    local: str
    local_port: int
    remote: str
    remote_port: int
    state: int
    inode: int


def read(net: str) -> List[Socket]:
    """The sockets of the namespace whose `net` folder this is (/proc/net, /proc/PID/net), in the states above."""
    return [one for protocol in PROTOCOLS for family in ("", "6") for one in _table(net, protocol, family)]


def _table(net: str, protocol: str, family: str) -> Iterator[Socket]:
    try:
        with open(f"{net}/{protocol}{family}", encoding="ascii", errors="replace") as file:
            for line in islice(file, 1, MOST_LINES):
                part = line.split()
                state = int(part[3], 16)
                if state in _STATES[protocol]:
                    yield Socket(protocol, *_place(part[1]), *_place(part[2]), state, int(part[9]))
    except (OSError, ValueError, IndexError):  # no IPv6 here, the process of that namespace ended, an unknown format
        return


def _place(text: str) -> Tuple[str, int]:
    """`0100007F:1F90` is 127.0.0.1, 8080: words of four bytes in the machine's own order."""
    digits, _colon, port = text.partition(":")
    if len(digits) not in _ADDRESS_DIGITS:
        raise ValueError(text)
    raw = b"".join(struct.pack("=I", int(digits[at : at + 8], 16)) for at in range(0, len(digits), 8))
    address = ipaddress.ip_address(raw)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address), int(port, 16)
