"""Where a message may be sent by HTTP (T9): an address is read strictly, looked up once, and judged before it is used.

A URL comes from the settings, but what a name means comes from a DNS server. So every address of the name must be a
public one, unless the channel says `private`; and the connection goes to the very address that was judged. Addresses
that hold another one inside (IPv4 mapped, NAT64, 6to4, Teredo) count as what they hold, or not at all; those of clouds'
metadata never pass.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from devmesh.errors import ConfigError
from devmesh.notifications.model import NotSent

Resolve = Callable[[str, int], list[str]]
Address = IPv4Address | IPv6Address

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[1-9]\d{0,4}))?"
    r"(?P<path>/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?P<query>\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?",
    re.ASCII,
)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*", re.ASCII)  # a last label like this makes browsers and libc read an address
_DISCORD = re.compile(
    r"https://(?:(?:ptb|canary)\.)?discord(?:app)?\.com(?P<path>/api/(?:v\d{1,2}/)?webhooks/\d{1,20}/[A-Za-z0-9_-]{1,200})"
    r"(?:\?thread_id=\d{1,20})?",
    re.ASCII,
)
_HOME = tuple(
    ip_network(one)
    for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "100.64.0.0/10", "::1/128", "fc00::/7")
)
_NEVER = tuple(
    ip_network(one)
    for one in (
        "100.100.100.200/32", "168.63.129.16/32", "fd00:ec2::254/128", "192.0.0.0/24",  # metadata of clouds
        "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96", "fec0::/10",  # IPv4 inside; of old
    )
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """An address that was read: what to ask for, and where."""

    url: str
    scheme: str
    host: str
    port: int
    told: str  # the host as the Host header has it


def read(url: str, *, what: str, private: bool = False) -> Place:
    """The parts of a URL in its one plain spelling. Raises ConfigError; its message never shows the URL."""
    match = _URL.fullmatch(url)
    if match is None:
        raise ConfigError(f"The URL of {what} cannot be used.", hint="It looks like https://host/path, without a name.")
    scheme, host = match["scheme"], match["host"].lower()
    port = int(match["port"] or (443 if scheme == "https" else 80))
    if scheme == "http" and not private:
        raise ConfigError(f"The URL of {what} is not https.", hint="Only a channel with private = true may go without.")
    if not _is_host(host) or port > 65_535:  # noqa: PLR2004 - the last port
        raise ConfigError(f"The host of {what} cannot be used.", hint="A name such as hooks.example.org; no short IP.")
    told = f":{match['port']}" if match["port"] else ""
    path = f"{match['path'] or '/'}{match['query'] or ''}"
    return Place(f"{scheme}://{host}{told}{path}", scheme, host, port, host + told)


def read_discord(url: str, *, what: str) -> Place:
    """The URL of a Discord webhook: of Discord's hosts alone. Raises ConfigError."""
    if _DISCORD.fullmatch(url) is None:
        raise ConfigError(
            f"The URL of {what} is no Discord webhook.",
            hint="Copy it in Discord: channel settings, Integrations, Webhooks; https://discord.com/api/webhooks/…",
        )
    return read(url, what=what)


def _is_host(host: str) -> bool:
    if host.startswith("["):
        return isinstance(_parsed(host[1:-1]), IPv6Address)
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _parsed(host) is not None
    return all(_LABEL.fullmatch(label) for label in labels)


def _parsed(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def look_up(host: str, port: int) -> list[str]:
    """The addresses of a name, as the machine knows them. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def addresses(place: Place, *, private: bool, resolve: Resolve = look_up) -> list[str]:
    """Where to connect to, looked up once; all of them may be used. Raises NotSent."""
    try:
        found = resolve(place.host.strip("[]"), place.port)
    except (OSError, UnicodeError) as error:
        raise NotSent(f"the name {place.host} cannot be looked up") from error
    if not found:
        raise NotSent(f"the name {place.host} has no address")
    for text in found:
        refused = why_not(text, private=private, plain=place.scheme == "http")
        if refused:
            raise NotSent(f"{place.host} is {text}, {refused}", gone=True)
    return found


def why_not(text: str, *, private: bool, plain: bool = False) -> str:
    """Why this address may not be used; empty if it may. With `private`, those at home may, and they alone `plain`."""
    address = _parsed(text)
    if address is None or getattr(address, "scope_id", None):
        return "which is no plain address"
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address in net for net in _NEVER if net.version == address.version) and not address.is_loopback:
        return "which is reserved"
    if any(address in net for net in _HOME if net.version == address.version):
        return "" if private else "which is private: private = true allows it"
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_link_local:
        return "which is reserved"
    return "http goes to private addresses alone: use https" if plain else ""
