"""What a target says: a host and a port, a unit, a socket, a service. Pure; whose it is, `directory.py` knows."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

from devmesh.graph.evidence import MOST_CHARS

# What a scheme means where no port is said (IANA's, but for those that never registered).
SCHEMES: Mapping[str, int] = {
    "http": 80, "ws": 80, "https": 443, "wss": 443, "redis": 6379, "rediss": 6379, "postgres": 5432, "postgresql": 5432,
    "mysql": 3306, "mariadb": 3306, "mongodb": 27017, "amqp": 5672, "amqps": 5671, "ldap": 389, "ldaps": 636,
    "mqtt": 1883, "nats": 4222, "ssh": 22, "sftp": 22, "smtp": 25, "smtps": 465, "imap": 143, "imaps": 993, "ftp": 21,
    "smb": 445, "cifs": 445, "nfs": 2049, "memcached": 11211, "rsync": 873,
}  # fmt: skip
NFS, SMB = 2049, 445
MOST_PORT = 65_535
STUBS = ("127.0.0.11", "127.0.0.53", "127.0.0.54")  # Docker's and systemd's, which ask somebody else
UNIT = re.compile(r"[\w@:.\\-]+\.(?:service|socket)")
NO_SERVICE = re.compile(r"[\w@:.\\-]+\.(?:target|mount|automount|slice|scope|device|path|timer|swap)")
_URL = re.compile(
    r"([a-z][a-z0-9.+-]*)://(?:[^/@\s]*@)?(\[[^\]]*\]|[^/:?#\s]*)(?::(\d{1,5}))?(?=[/?#]|$)", re.IGNORECASE
)
_SOCKET = re.compile(r"(?:(?:[a-z]+://)?unix:/*(?=/)|(?=/(?!/)))(/[\w@%+=./-]+)(?::.*)?", re.IGNORECASE)
_MOUNT = re.compile(r"([A-Za-z0-9][\w.-]*|\[[0-9a-fA-F:.%]+\]):(/\S*)")
_SHARE = re.compile(r"(?://|\\\\)([A-Za-z0-9][\w.-]*)(?:[/\\].*)?")
_PLAIN = re.compile(r"(?:[\w.+-]+@)?(\[[0-9a-fA-F:.%]+\]|[A-Za-z0-9_](?:[\w.-]*\w)?\.?)(?:[:#](\d{1,5}))?")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[\w-]{0,61}\w)?", re.ASCII)


@dataclass(frozen=True)
class Target:
    """One of: a `unit`, the path of a `socket`, or a `host` (an address in its shortest form, or a name in lower case)
    with a `port` (0: none was said).
    """

    host: str = ""
    port: int = 0
    unit: str = ""
    socket: str = ""

    def __str__(self) -> str:
        """The shortest text that means the same to `target_of`: no path, no user, no secret."""
        if self.unit or self.socket:
            return self.unit or f"unix:{self.socket}"
        host = f"[{self.host}]" if ":" in self.host and self.port else self.host
        return f"{host}:{self.port}" if self.port else host


def target_of(said: str) -> Target | None:
    """What a text means as a target; None where it is none."""
    said = said.strip().strip("\"'`")
    if not said or len(said) > MOST_CHARS or any(ord(char) < 32 for char in said):  # noqa: PLR2004 - control characters
        return None
    if UNIT.fullmatch(said):
        return Target(unit=said)
    if NO_SERVICE.fullmatch(said):
        return None
    if found := _SOCKET.fullmatch(said):
        return Target(socket=found[1])
    if found := _URL.match(said):
        scheme = found[1].lower().rpartition("+")[0] or found[1].lower()
        return _at(found[2], int(found[3] or SCHEMES.get(scheme, 0)))
    if found := _SHARE.fullmatch(said):
        return _at(found[1], SMB)
    if found := _MOUNT.fullmatch(said):
        return _at(found[1], NFS)
    bare = address_of(said)
    if bare:
        return Target(bare)
    found = _PLAIN.fullmatch(said)
    return _at(found[1], int(found[2] or 0)) if found else None


def _at(host: str, port: int) -> Target | None:
    host = address_of(host) or host.lower().rstrip(".")
    named = host and len(host) <= 253 and all(map(_LABEL.fullmatch, host.split(".")))  # noqa: PLR2004 - RFC 1035
    if port > MOST_PORT or not (named or address_of(host)):
        return None
    if not address_of(host) and host.replace(".", "").isdigit():
        return None  # a number, or an address with a part too large
    return Target(host, port)


def address_of(text: str) -> str:
    """An IP address in its shortest form, an IPv4 one that IPv6 wraps as such; empty where it is none."""
    try:
        found = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return ""
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


def is_local(host: str) -> bool:
    """Whether it means the machine that says it."""
    if host == "localhost" or host.endswith((".localhost", "localhost.localdomain")):
        return True
    address = address_of(host)
    return bool(address) and (ipaddress.ip_address(address).is_loopback or ipaddress.ip_address(address).is_unspecified)


def is_nobodys(host: str) -> bool:
    """An address that no one machine of a network has: of a group, of all, of a link, of a stub resolver."""
    address = address_of(host)
    if not address:
        return False
    known = ipaddress.ip_address(address)
    reserved = known.version == 4 and known.is_reserved  # noqa: PLR2004 - of IPv6, ::1 is among them
    return known.is_multicast or known.is_link_local or reserved or address in STUBS


def is_outside(host: str) -> bool:
    """An address of the internet at large."""
    address = address_of(host)
    return bool(address) and ipaddress.ip_address(address).is_global
