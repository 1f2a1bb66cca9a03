"""Who speaks: every program on every node of an inventory, and what is fixed about each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

import numpy as np

from devmesh.simulate.inventory import Inventory, Service
from devmesh.simulate.programs import Program, generic, programs
from devmesh.simulate.slots import Random

EVERYWHERE, CONTAINER, DEFAULT_PORT = "everywhere", "container", "8080"
NODES_A_NET = 230


@dataclass(frozen=True)
class Peer:
    """A service on a node that another one talks to."""

    service: str
    node: str
    ip: str
    port: str

    def slots(self) -> dict[str, str]:
        """What texts call it."""
        return {"peer": self.node, "peer_name": self.service, "peer_ip": self.ip, "peer_port": self.port}


@dataclass(frozen=True, eq=False)
class Source:
    """One speaker. `service` is the name that the store will give it; `about`: PID 1 speaking about a unit."""

    index: int
    node: str
    service: str
    program: Program
    unit: str
    identifier: str
    about: bool
    needs: tuple[Peer, ...]
    fixed: Mapping[str, str]
    key: int

    @property
    def transport(self) -> str:
        """How its lines come to the journal: syslog, stdout, journal, kernel or container."""
        return self.program.head.get("transport", "syslog")


class Fleet:
    """All speakers of an inventory, in a fixed order."""

    def __init__(self, inventory: Inventory, seed: int, *, calls: bool = False) -> None:
        """`calls`: programs log whom they call, as many do once their level or their access log says so."""
        self.inventory, self.seed, self.calls = inventory, seed, calls
        self.sources: list[Source] = []
        self._at: dict[tuple[str, str], Source] = {}
        self._about: dict[int, Source] = {}
        self._ips = {node: _ip(n) for n, node in enumerate(inventory.nodes)}
        for service in inventory.services.values():
            program = _program_of(service)
            for host in service.hosts:
                self._add(host, program, service)
        containers = {one.node for one in self.sources if one.transport == CONTAINER}
        for node in inventory.nodes:
            types = {one.type for one in inventory.services.values() if node in one.hosts}
            for program in programs().values():
                if (node, program.name) not in self._at and _belongs(program, types, containers=node in containers):
                    self._add(node, program, None)

    def at(self, node: str, program: str) -> Source | None:
        """The speaker of a program on a node; of several the first."""
        return self._at.get((node, program))

    def of(self, service: str) -> list[Source]:
        """The speakers of an inventory's service, in the order of its hosts."""
        return self._by_service.get(service, [])

    def on(self, node: str) -> list[Source]:
        """Everybody on a node."""
        return self._by_node[node]

    def about(self, source: Source) -> Source:
        """PID 1 of its node speaking about its unit."""
        return self._about[source.index]

    def speaker(self, source: Source, who: str) -> Source | None:
        """Whom a saying of `source` means by `who`; None if the node has no such program."""
        if not who:
            return source
        return self._about.get(source.index) if who == "unit" else self.at(source.node, who)

    def random(self, *key: int | str) -> Random:
        """Chance that depends on the seed and on `key` alone."""
        return np.random.Generator(np.random.PCG64([self.seed, *(_number(one) for one in key)]))

    def ip(self, node: str) -> str:
        """A node's address."""
        return self._ips[node]

    @cached_property
    def _by_service(self) -> dict[str, list[Source]]:
        found: dict[str, list[Source]] = {}
        for one in self.sources:
            if not one.about and one.service in self.inventory.services:
                found.setdefault(one.service, []).append(one)
        return found

    @cached_property
    def _by_node(self) -> dict[str, list[Source]]:
        return {node: [one for one in self.sources if one.node == node] for node in self.inventory.nodes}

    def _peers(self, names: tuple[str, ...]) -> tuple[Peer, ...]:
        out = []
        for name in names:
            other = self.inventory.services[name]
            port = _program_of(other).head.get("port", DEFAULT_PORT)
            out += [Peer(name, host, self._ips[host], port) for host in other.hosts]
        return tuple(out)

    def _add(self, node: str, program: Program, service: Service | None) -> None:
        head = program.head
        unit = f"{service.name}.service" if service else head.get("unit", "-")
        if service and head.get("unit") == "-":
            unit = "-"
        name = service.name if service else _stored(unit, head.get("identifier", program.name))
        needs = self._peers(self.inventory.needs[service.name]) if service else ()
        users = self._peers(self.inventory.needed_by(service.name)) if service else ()
        peer = (needs or users or (Peer("home.example", node, self._ips[node], DEFAULT_PORT),))[0]
        fixed = {
            "node": node, "ip": self._ips[node], "service": name, "unit": unit, "comm": head.get("comm", name)[:15],
            "description": head.get("about", name), **peer.slots(),
        }  # fmt: skip
        identifier = head.get("identifier", head.get("comm", name))
        source = self._append(node, name, program, unit, identifier, fixed, needs, about=False)
        self._at.setdefault((node, program.name), source)
        if unit != "-" and source.transport != CONTAINER and unit != "init.scope":
            self._about[source.index] = self._append(
                node, name, programs()["systemd"], unit, "systemd", fixed, needs, about=True
            )

    def _append(
        self, node: str, name: str, program: Program, unit: str, identifier: str, fixed: Mapping[str, str],
        needs: tuple[Peer, ...], *, about: bool,
    ) -> Source:  # fmt: skip
        key = _number(f"{node}/{name}/{program.name}/{about}")
        source = Source(len(self.sources), node, name, program, unit, identifier, about, needs, fixed, key)
        self.sources.append(source)
        return source


def _number(key: int | str) -> int:
    return key if isinstance(key, int) else int.from_bytes(blake2b(key.encode(), digest_size=4).digest(), "big")


def _ip(n: int) -> str:
    return f"192.168.{10 + n // NODES_A_NET}.{11 + n % NODES_A_NET}"


def _stored(unit: str, identifier: str) -> str:
    return identifier if unit in {"-", "init.scope"} else unit.removesuffix(".service")


def _program_of(service: Service) -> Program:
    """By its name, else by its type, else one that speaks like any."""
    known = programs().values()
    by_name = (one for one in known if service.name in one.words("names"))
    by_type = (one for one in known if service.type and service.type in one.words("types"))
    return next(by_name, None) or next(by_type, None) or generic()


def _belongs(program: Program, types: set[str], *, containers: bool) -> bool:
    """Whether a program runs on a node without being named in the inventory."""
    runs = program.words("runs")
    if not runs:
        return False
    return runs[0] == EVERYWHERE or (CONTAINER in runs and containers) or bool(types & set(runs[1:]))
