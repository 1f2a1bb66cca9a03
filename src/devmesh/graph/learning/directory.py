"""Whom a target means: addresses and names to nodes, ports and sockets to services. Pure, built of what is known now.

It answers with a service, or why there is none; of several that it could be it takes nobody. Where logs and an agent
differ, the agent knows better.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from devmesh.graph.learning.model import ADDRESS, LISTENER, MOUNT, Place
from devmesh.graph.learning.targets import Target, address_of, is_local, is_nobodys, is_outside, target_of
from devmesh.graph.naming import PORTS, SYSTEM

ITSELF, NO_TARGET = "itself", "no target"  # nothing is learned of these
OUTSIDE, UNKNOWN_HOST, UNKNOWN_PORT = "outside of the fleet", "no node is known by this", "nobody is known there"
SHARED, CROWDED, NO_PORT = "several nodes have it", "several services may be there", "no port was said"
MOUNTED = "nfs:"  # the server of the node's one mount
# Domains that no name of the internet ends with.
PRIVATE = (".lan", ".local", ".home", ".internal", ".localdomain", ".intranet", ".private", ".corp", ".home.arpa")
# What a socket's name says of who made it.
SOCKETS: Mapping[str, tuple[str, ...]] = {
    "mysqld.sock": ("mariadb", "mysql"), ".s.pgsql.": ("postgres",), "redis": ("redis", "valkey"),
    "docker.sock": ("docker",), "containerd.sock": ("containerd",), "php": ("php",),
}  # fmt: skip
# Who has such a word in its name is no server of what else it is named after.
AIDES = re.compile(r"export|backup|dump|admin|mountd|idmap|client|proxy|bouncer")
NFS = 2049


@dataclass(frozen=True)
class Whom:
    """The service that a target means; with an empty name `why` there is none."""

    name: str = ""
    why: str = ""

    @property
    def is_nothing(self) -> bool:
        """There is nothing to wait for."""
        return self.why in (ITSELF, NO_TARGET)


@dataclass(frozen=True)
class Directory:
    """`names`: every word for a service (in lower case) to its name; `homes`: the nodes on which each runs; `declared`:
    the services of the inventory; `nodes`: all of them.
    """

    names: Mapping[str, str]
    homes: Mapping[str, Collection[str]]
    declared: Collection[str]
    nodes: Collection[str]
    places: Iterable[Place] = ()
    _owners: dict[str, dict[str, bool]] = field(default_factory=dict, init=False)
    _ports: dict[tuple[str, int], list[Place]] = field(default_factory=dict, init=False)
    _sockets: dict[tuple[str, str], str] = field(default_factory=dict, init=False)
    _mounts: dict[str, set[str]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        """Sort the places by what is asked of them."""
        for one in self.places:
            if one.kind == ADDRESS:
                self._owners.setdefault(one.address.lower(), {})[one.node] = one.reported
            elif one.kind == MOUNT:
                self._mounts.setdefault(one.node, set()).add(one.address)
            elif one.kind == LISTENER and one.port:
                self._ports.setdefault((one.node, one.port), []).append(one)
            elif one.kind == LISTENER and (socket := target_of(one.address)) and socket.socket:
                self._sockets[one.node, socket.socket] = one.service

    # -- names ---------------------------------------------------------------------------------------------------------

    def name_of(self, service: str) -> str:
        """What a service is called today: by the inventory if it knows it, also by an alias, else as logs do; empty for
        what belongs to the system.
        """
        found = self.names.get(service.lower(), "")
        return found or ("" if SYSTEM.fullmatch(service) else service)

    # -- whom ----------------------------------------------------------------------------------------------------------

    def whom(self, service: str, node: str, said: str) -> Whom:
        """Whom `said` means where a service on a node says it."""
        target = self._mounted(node) if said == MOUNTED else target_of(said)
        if isinstance(target, Whom):
            return target
        if target is None or is_nobodys(target.host):
            return Whom(why=NO_TARGET)
        found = self._unit(target) if target.unit else self._of_host(service, node, target)
        return Whom(why=ITSELF) if found.name and found.name == self.name_of(service) else found

    def _mounted(self, node: str) -> Target | Whom:
        servers = self._mounts.get(node, set())
        if len(servers) == 1:
            return Target(next(iter(servers)), NFS)
        return Whom(why=SHARED if servers else UNKNOWN_HOST)

    def _unit(self, target: Target) -> Whom:
        unit = target.unit.removesuffix(".service").removesuffix(".socket")
        found = self.names.get(unit.lower(), "")
        return Whom(found, "" if found else UNKNOWN_PORT)

    def _of_host(self, service: str, node: str, target: Target) -> Whom:
        if target.socket:
            return self._at_socket(node, target.socket)
        if is_local(target.host):
            return self._at_port(node, target)
        nodes = self._nodes_of(target.host, node)
        by_name = "" if address_of(target.host) else self._by_name(service, node, target.host)
        if len(nodes) == 1:
            there = self._at_port(nodes[0], target)
            here = by_name and nodes[0] in self.homes.get(by_name, ())
            return there if there.name or not here else Whom(by_name)
        if by_name:
            return Whom(by_name)
        return Whom(why=SHARED if nodes else OUTSIDE if is_outside(target.host) else UNKNOWN_HOST)

    def _nodes_of(self, host: str, near: str) -> list[str]:
        """The nodes that this may be; the speaker's own, if it is one of them and it is an address."""
        owners = self._owners.get(host, {})
        found = [node for node, reported in owners.items() if reported] or list(owners)
        if found:
            return [near] if near in found else found
        if address_of(host):
            return []
        same = [node for node in self.nodes if node.lower() == host]
        return same or [node for node in self.nodes if _short(node.lower()) == _short(host) and self._local(host, node)]

    def _local(self, host: str, node: str) -> bool:
        """Whether a node's name and a host's are the same but for a domain that is at home here."""
        domains = {_domain(one) for one in (host, node.lower())} - {""}
        known = {_domain(one.lower()) for one in self.nodes}
        return len(domains) <= 1 and all(f".{one}".endswith(PRIVATE) or one in known for one in domains)

    def _by_name(self, service: str, node: str, host: str) -> str:
        """The service, or the container of a composed stack on that node, that a host's name is."""
        if self._local(host, ""):
            host = _short(host)
        found = self.names.get(host, "")
        if found or "." in host:
            return found
        stack = re.compile(rf"(.+)[-_]{re.escape(host)}(?:[-_]\d+)?", re.IGNORECASE)
        named = [(one, stack.fullmatch(one)) for one in self._on(node)]
        mine = [one for one, match in named if match and service.lower().startswith(match[1].lower())]
        return mine[0] if len(mine) == 1 else ""

    # -- who listens ---------------------------------------------------------------------------------------------------

    def _at_socket(self, node: str, path: str) -> Whom:
        known = self._sockets.get((node, path)) or self._sockets.get((node, path.replace("/var/run/", "/run/", 1)))
        if known:
            return self._only({self.name_of(known)} - {""})
        low = path.lower()
        words = next((words for mark, words in SOCKETS.items() if mark in low), ())
        return self._only(self._called(node, words))

    def _at_port(self, node: str, target: Target) -> Whom:
        if not target.port:
            return Whom(why=NO_PORT)
        there = [one for one in self._ports.get((node, target.port), ()) if _hears(one, target.host)]
        for reported in (True, False):
            found = {self.name_of(one.service) for one in there if one.reported is reported} - {""}
            if found:
                return self._only(found)
        return self._only(self._called(node, PORTS.get(target.port, ())))

    def _called(self, node: str, words: Iterable[str]) -> set[str]:
        """Services on a node with such a word in their name; those of the inventory, if it has some of them."""
        sought = tuple(words)
        found = {one for one in self._on(node) if any(word in one.lower() for word in sought)}
        found = {one for one in found if not AIDES.search(one.lower()) or any(AIDES.search(word) for word in sought)}
        return {one for one in found if one in self.declared} or found

    def _on(self, node: str) -> Iterator[str]:
        return (one for one, nodes in self.homes.items() if node in nodes)

    @staticmethod
    def _only(found: Collection[str]) -> Whom:
        if len(found) == 1:
            return Whom(next(iter(found)))
        return Whom(why=CROWDED if found else UNKNOWN_PORT)


def _hears(one: Place, host: str) -> bool:
    """Whether who listens at an address of a node is reached by this one."""
    bound = address_of(one.address) or one.address
    if bound in ("", "*", "0.0.0.0", "::") or not address_of(host):  # noqa: S104 - compared, not bound
        return True
    return is_local(bound) if is_local(host) else bound == host


def _short(name: str) -> str:
    return name.partition(".")[0]


def _domain(name: str) -> str:
    return name.partition(".")[2]
