"""What a value of a configuration file means as a target: scheme, host, port, or a socket; no user, no password.

Whatever is not plainly one of these is none: a value may hold a secret, and half of it may look like a host.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from devmesh.graph.marks import Fault, Refused

MOST_CHARS = 255
_HOST = r"\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?"
_URL = re.compile(r"(?:jdbc:)?([A-Za-z][A-Za-z0-9+.-]{0,30})://([^/?#\s]*)([^\s]*)")
_PLACE = re.compile(rf"({_HOST})(?::(\d{{1,5}}))?")
_SOCKET = re.compile(r"(?:[a-z]+://)?(?:unix:/*(?=/)|(?=/run/|/var/run/))(/[A-Za-z0-9_@%+=./-]{1,107})(?::.*)?")
_OWN = ("0.0.0.0", "[::]", "*")  # noqa: S104 - what one listens at is no target


@dataclass(frozen=True)
class Wanted:
    """A service wants a target, says the file in this line (from 1). `service`: empty for whom the file is of."""

    service: str
    target: str
    line: int


def refuse(source: str, line: int, what: str, right: str = "") -> Refused:
    """The error for what cannot be read there."""
    return Refused(source, [Fault(line, 1, what, right)])


def urls(text: str) -> list[str]:
    """The targets of a URL, several where it names several hosts (`mongodb://a,b/x`), without what else is in it."""
    found = _URL.fullmatch(text)
    if found is None or "@" in found[3]:  # a password with / or ? in it: nobody knows where it ends
        return []
    scheme, hosts = found[1], found[2].rpartition("@")[2].split(",")
    return [f"{scheme}://{place}" for place in map(place_of, hosts) if place]


def place_of(text: str) -> str:
    """`host`, `host:port` or `[::1]:port`; empty for anything else."""
    found = _PLACE.fullmatch(text)
    return text if found and found[1] not in _OWN and len(text) <= MOST_CHARS else ""


def socket_of(text: str) -> str:
    """`unix:/run/x.sock`; empty for anything else."""
    found = _SOCKET.fullmatch(text)
    return f"unix:{found[1]}" if found else ""


def targets_of(text: str) -> list[str]:
    """Whatever of these a value is."""
    one = socket_of(text) or ("" if "://" in text else place_of(text))
    return [one] if one else urls(text)
