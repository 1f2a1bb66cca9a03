"""Whom this machine's services hold connections to, in one bounded summary; how it is sent: docs/protocol.md.

Who connected to whom is decided, not guessed: a connection came in where its own port is listened on here; it went out
where nobody answered yet, where the other end is listened on here, or where the own port is one of those that the
kernel gives to callers and the other is not. What is neither is only counted. No command line, no user's program, no
path and no content is in it.
"""

# Paths are text here, as the command line, os.scandir and systemd's files give them.
# ruff: noqa: PTH115, PTH123

from __future__ import annotations

import ipaddress
import os
from collections import Counter
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Set, Tuple
from typing import Counter as Counts

from devmesh.ship import containers, mounts, own_addresses, sockets, units
from devmesh.ship.owners import CONTAINER, NAME, Owner, Walk, walk
from devmesh.ship.sockets import ANY, ASKING, LISTENING, UNCONNECTED, Socket

MOST_CONNECTIONS, MOST_LISTENERS, MOST_USES = 1_000, 500, 200
MOST_SPACES = 256
EPHEMERAL = (32_768, 60_999)  # Linux's own, where its setting cannot be read
ENGINE = "docker.service"  # its proxies take for containers what comes in at the machine's ports

Port = Tuple[str, str, int]  # protocol, address, port


class Target(NamedTuple):
    """One service's connections to one place."""

    unit: str
    protocol: str
    address: str
    port: int


class Space(NamedTuple):
    """A network namespace: its sockets, the addresses by which the machine reaches it (a container's), the owners of
    processes in it; the machine's own has neither.
    """

    sockets: List[Socket]
    addresses: Tuple[str, ...] = ()
    inside: bool = False


class Look:
    """One look at the machine; `said` is the summary."""

    def __init__(
        self, *, deep: bool, proc: str = "/proc", engines: Iterable[str] = containers.SOCKETS, hosts: str = "/etc/hosts"
    ) -> None:
        self._mounts = mounts.read(proc)
        self._walk = walk(proc, [one.point for one in self._mounts])
        self._known = containers.ask(tuple(engines)) if self._walk.containers else {}
        self._range = _ephemeral(proc)
        self._of_containers = {address for one in self._known.values() for address in one.addresses}
        self._found: Counts[Target] = Counter()
        self._failed: Counts[Target] = Counter()
        self._listeners: Dict[Port, str] = {}
        self._inside: Dict[Port, str] = {}  # those of containers' networks, which mean nothing elsewhere
        self._unnamed = self._undecided = 0
        for space in _spaces(proc, self._walk, self._known):
            self._look_at(space)
        self._publish()
        self.said = self._summary(own_addresses.addresses(proc), hosts, units.needs() if deep else {})

    def _name(self, owner: Optional[Owner]) -> str:
        """By which name the journal's lines of this owner come; empty where there is none."""
        if owner is None or owner.kind != CONTAINER:
            return owner.name if owner else ""
        known = self._known.get(owner.name)
        return known.name if known is not None and NAME.match(known.name) else ""

    # -- sockets

    def _look_at(self, space: Space) -> None:
        listening = {(one.protocol, one.local, one.local_port) for one in space.sockets if self._listens(one)}
        here = {one.local for one in space.sockets} - set(ANY)
        for one in space.sockets:
            name = self._name(self._walk.sockets.get(one.inode))
            if self._listens(one):
                self._listen(one, name, space)
            elif one.state != UNCONNECTED and _leads_elsewhere(one, space):
                went_out = self._went_out(one, listening, here)
                self._undecided += went_out is None
                if went_out:
                    self._count(one, name)

    def _listens(self, one: Socket) -> bool:
        return one.state == LISTENING or (one.state == UNCONNECTED and not self._is_callers(one.local_port))

    def _is_callers(self, port: int) -> bool:
        return self._range[0] <= port <= self._range[1]

    def _went_out(self, one: Socket, listening: Set[Port], here: Set[str]) -> Optional[bool]:
        """Whether this end asked; None where nothing tells."""
        if one.state == ASKING:
            return True
        if any((one.protocol, address, one.local_port) in listening for address in (one.local, *ANY)):
            return False
        if one.remote in here and any((one.protocol, at, one.remote_port) in listening for at in (one.remote, *ANY)):
            return True
        return True if self._is_callers(one.local_port) and not self._is_callers(one.remote_port) else None

    def _count(self, one: Socket, name: str) -> None:
        if not name:
            self._unnamed += 1
        if not name or (name == ENGINE and one.remote in self._of_containers):
            return
        target = Target(name, one.protocol, one.remote, one.remote_port)
        self._found[target] += 1
        self._failed[target] += one.state == ASKING

    def _listen(self, one: Socket, name: str, space: Space) -> None:
        address = "" if one.local in ANY else one.local
        if not name or (space.inside and ipaddress.ip_address(one.local).is_loopback):
            return
        if not space.inside:
            self._listeners.setdefault((one.protocol, address, one.local_port), name)
            return
        for place in [address] if address else space.addresses:
            self._inside.setdefault((one.protocol, place, one.local_port), name)

    def _publish(self) -> None:
        """Ports of the machine that are a container's: the proxy that listens there for it is not meant."""
        for one in self._known.values():
            if NAME.match(one.name):
                for address, port, protocol in one.published:
                    self._listeners[protocol, address, port] = one.name

    # -- the summary

    def _summary(self, own: List[str], hosts: str, needs: Dict[str, List[str]]) -> Dict[str, Any]:
        most = self._found.most_common(MOST_CONNECTIONS)
        ports = sorted(self._listeners.items())[:MOST_LISTENERS]
        return {
            "addresses": own,
            "names": own_addresses.names(own, hosts),
            "connections": [
                {
                    **target._asdict(),
                    "count": count,
                    "unanswered": self._failed[target],
                    "to": self._inside.get(target[1:], ""),
                }
                for target, count in sorted(most)
            ],
            "listeners": [
                {"unit": name, "protocol": protocol, "address": address, "port": port}
                for (protocol, address, port), name in ports
            ],
            "needs": [{"unit": unit, "needs": some} for unit, some in sorted(_services_alone(needs).items())],
            "mounts": [
                {"unit": unit, "kind": kind, "server": server}
                for unit, kind, server in sorted(self._uses(needs))[:MOST_USES]
            ],
            "left_out": len(self._found) - len(most) + len(self._listeners) - len(ports),
            "unnamed": self._unnamed,
            "undecided": self._undecided,
            "closed": self._walk.closed,
        }

    def _uses(self, needs: Dict[str, List[str]]) -> Set[Tuple[str, str, str]]:
        """(unit, kind, server): who has files open on a network mount, was given a folder of it, or needs its unit."""
        uses = set()
        for one in self._mounts:
            users = {self._name(owner) for owner, point in self._walk.uses if point == one.point}
            below = one.point + "/"
            users |= {
                known.name
                for known in self._known.values()
                if NAME.match(known.name) and any((folder + "/").startswith(below) for folder in known.folders)
            }
            users |= {unit for unit, wanted in needs.items() if units.mount_unit(one.point) in wanted}
            uses |= {(user, one.kind, one.server) for user in users if user}
        return uses


def _leads_elsewhere(one: Socket, space: Space) -> bool:
    """Whether this is a connection to another service: what a container says to itself is not, nor is what means
    something else on each link.
    """
    address = ipaddress.ip_address(one.remote)
    if address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    return not (space.inside and (address.is_loopback or one.remote == one.local))


def _services_alone(needs: Dict[str, List[str]]) -> Dict[str, List[str]]:
    some = {unit: [one for one in wanted if one.endswith(".service")] for unit, wanted in needs.items()}
    return {unit: wanted for unit, wanted in some.items() if wanted}


def _spaces(proc: str, found: Walk, known: Dict[str, containers.Container]) -> Iterable[Space]:
    """The machine's own network namespace, and those of its containers."""
    yield Space(sockets.read(f"{proc}/net"))
    own = _namespace(f"{proc}/self")
    seen: Dict[str, List[str]] = {}
    for name, pid in found.containers.items():
        link = _namespace(f"{proc}/{pid}")
        if link and link != own:
            seen.setdefault(link, []).append(name)
    for some in list(seen.values())[:MOST_SPACES]:
        addresses = [address for name in some if name in known for address in known[name].addresses]
        yield Space(sockets.read(f"{proc}/{found.containers[some[0]]}/net"), tuple(addresses), inside=True)


def _namespace(process: str) -> str:
    try:
        return os.readlink(f"{process}/ns/net")
    except OSError:
        return ""


def _ephemeral(proc: str) -> Tuple[int, int]:
    """The ports that the kernel gives to those who connect: ip(7), ip_local_port_range."""
    try:
        with open(f"{proc}/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
            low, high = map(int, file.read().split())
    except (OSError, ValueError):
        return EPHEMERAL
    return low, high
