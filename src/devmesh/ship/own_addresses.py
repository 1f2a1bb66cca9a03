"""This machine's own addresses and names: by which others reach it.

Bridges of containers and of virtual machines have the same addresses on each machine, so they are nobody's.
"""

# Paths are text here, as the command line, os.scandir and systemd's files give them.
# ruff: noqa: PTH123

from __future__ import annotations

import ipaddress
import re
import socket
import struct
from typing import Iterator, List, Tuple

MOST = 48
MOST_NAMES = 16
MOST_BYTES = 4 << 20
OWN_NAME = "127.0.1.1"  # where Debian keeps the machine's full name in /etc/hosts
NAME = re.compile(r"[a-z0-9](?:[a-z0-9_.-]{0,251}[a-z0-9])?\Z")
_BRIDGE = re.compile(r"(?:lo|docker|podman|br-|veth|virbr|vnet|cni|lxcbr|lxdbr|flannel|cali|tap)")
_LOCAL = re.compile(r"\|-- (\d+\.\d+\.\d+\.\d+)\n\s+/32 host LOCAL")


def addresses(proc: str = "/proc") -> List[str]:
    """At most 48, IPv4 first; no loopback, no link-local one."""
    found = [*_four(f"{proc}/net"), *_six(f"{proc}/net")]
    plain = [one for one in map(ipaddress.ip_address, found) if not (one.is_loopback or one.is_link_local)]
    return [str(one) for one in dict.fromkeys(plain)][:MOST]


def _four(net: str) -> Iterator[str]:
    links = [*_links(net)]
    for address in dict.fromkeys(_LOCAL.findall(_text(f"{net}/fib_trie"))):
        number = int(ipaddress.IPv4Address(address))
        name = next((link for link, network, mask in links if number & mask == network), "")
        if not _BRIDGE.match(name):
            yield address


def _links(net: str) -> Iterator[Tuple[str, int, int]]:
    """(interface, network, mask) of what is reached without a gateway, the narrowest first; default routes are not."""
    rows = [line.split() for line in _text(f"{net}/route").splitlines()[1:]]
    routes = [(row[0], _number(row[1]), _number(row[7])) for row in rows if len(row) > 7]  # noqa: PLR2004
    return iter(sorted((one for one in routes if one[2]), key=lambda one: -one[2]))


def _number(digits: str) -> int:
    return int.from_bytes(struct.pack("=I", int(digits, 16)), "big")


def _six(net: str) -> Iterator[str]:
    for line in _text(f"{net}/if_inet6").splitlines():
        part = line.split()
        if len(part) == 6 and not _BRIDGE.match(part[5]):  # noqa: PLR2004
            yield str(ipaddress.IPv6Address(bytes.fromhex(part[0])))


def names(own: List[str], hosts: str = "/etc/hosts") -> List[str]:
    """The host name, and the names that /etc/hosts gives these addresses; 16 at most, in lower case."""
    said = [socket.gethostname()]
    for line in _text(hosts).splitlines():
        part = line.partition("#")[0].split()
        if part and part[0] in (OWN_NAME, *own):
            said += part[1:]
    fine = [name for name in dict.fromkeys(one.lower() for one in said) if NAME.match(name)]
    return [name for name in fine if not name.startswith(("localhost", "ip6-"))][:MOST_NAMES]


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(MOST_BYTES)
    except OSError:
        return ""
