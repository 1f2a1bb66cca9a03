"""The fleet as people write it down: services, the nodes they run on, and who needs whom.

The form is that of `inventory.yaml`. Errors name the line and what would be right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import yaml

from devmesh.simulate.errors import SimulationError

MOST_CHARS, MOST_NODES, MOST_SERVICES = 1 << 20, 500, 2_000
EVERY_NODE = "all"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@:-]{0,62}")
KEYS = ("hosts", "depends_on", "type", "aliases")
EDGE_KEYS = ("from", "to", "type")
NEEDS, FEEDS = ("DEPENDS_ON", "CALLS"), ("PROVIDES_DB_FOR",)
_Node = yaml.Node


@dataclass(frozen=True)
class Service:
    """One service: where it runs and what it says it needs."""

    name: str
    type: str
    hosts: tuple[str, ...]
    depends_on: tuple[str, ...]


@dataclass(frozen=True)
class Inventory:
    """Nodes and services; `needs` maps a service to those that it fails without, edges included."""

    nodes: tuple[str, ...]
    services: Mapping[str, Service]
    needs: Mapping[str, tuple[str, ...]]

    def needed_by(self, name: str) -> tuple[str, ...]:
        """The services that need `name` themselves."""
        return tuple(one for one, needs in self.needs.items() if name in needs)

    def downstream(self, name: str) -> dict[str, int]:
        """Every service that fails when `name` does, nearest first, with its distance in hops."""
        found, front, hops = {name: 0}, [name], 0
        while front:
            hops += 1
            front = list(dict.fromkeys(user for one in front for user in self.needed_by(one) if user not in found))
            found.update(dict.fromkeys(front, hops))
        del found[name]
        return found


def default_inventory() -> Inventory:
    """Eight nodes of a home: databases, an API, inference, a proxy, DNS, storage, backup, monitoring."""
    return read_inventory((files("devmesh.simulate") / "inventory.yaml").read_text("utf-8"), "inventory.yaml")


def read_inventory(text: str, source: str) -> Inventory:
    """The inventory that `text` (YAML) describes; `source` is its name in messages. Raises SimulationError."""
    if len(text) > MOST_CHARS:
        raise SimulationError(f"{source} is larger than an inventory can be (1 MiB).", "Is it the right file?")
    try:
        root = yaml.compose(text, yaml.SafeLoader)
    except RecursionError:
        raise SimulationError(f"{source} is nested too deeply.", "services: NAME: hosts: [NODE]") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{source}:{mark.line + 1}" if mark else source
        what = getattr(error, "problem", None) or "a character that YAML does not allow"
        raise SimulationError(f"{where} is no YAML: {what}.") from None
    return _Reader(source).inventory(root)


class _Reader:
    """Walks the document's nodes, which know their lines."""

    def __init__(self, source: str) -> None:
        self._source = source

    def wrong(self, node: _Node | None, what: str, hint: str = "") -> SimulationError:
        line = node.start_mark.line + 1 if node is not None else 1
        return SimulationError(f"{self._source}:{line}: {what}", hint)

    def inventory(self, root: _Node | None) -> Inventory:
        top = dict(self.pairs(root, "the file", ("services", "edges")))
        if "services" not in top:
            raise self.wrong(root, "there are no services.", "services: NAME: hosts: [NODE]")
        read: dict[str, tuple[_Node, Service]] = {}
        for name, pair in self.pairs(top["services"][1], "services", None):
            if len(read) >= MOST_SERVICES:
                raise self.wrong(pair[0], f"more than {MOST_SERVICES:,} services.", "Split the fleet.")
            read[name] = (pair[1], self.service(name, *pair))
        nodes = self.nodes(read, top["services"][0])
        services = {name: _placed(one, nodes) for name, (_node, one) in read.items()}
        needs = {name: list(one.depends_on) for name, one in services.items()}
        for name, (node, one) in read.items():
            for other in one.depends_on:
                self.known(other, services, node, name)
        for first, second in self.edges(top.get("edges"), services):
            if second not in needs[first]:
                needs[first].append(second)
        return Inventory(nodes, services, {name: tuple(some) for name, some in needs.items()})

    def nodes(self, read: Mapping[str, tuple[_Node, Service]], where: _Node) -> tuple[str, ...]:
        nodes = tuple(dict.fromkeys(host for _n, one in read.values() for host in one.hosts if host != EVERY_NODE))
        if not nodes:
            raise self.wrong(where, "no service names a node.", "hosts: [NODE]; 'all' means those that others name.")
        if len(nodes) > MOST_NODES:
            raise self.wrong(where, f"more than {MOST_NODES} nodes.", "Split the fleet.")
        return nodes

    def service(self, name: str, key: _Node, node: _Node) -> Service:
        self.name(name, key)
        said = dict(self.pairs(node, name, KEYS))
        if "hosts" not in said:
            raise self.wrong(key, f"{name} runs nowhere.", "hosts: [NODE], or hosts: [all]")
        kind = self.text(said["type"][1]) if "type" in said else ""
        hosts = self.names(said["hosts"][1])
        if not hosts:
            raise self.wrong(said["hosts"][1], f"{name} runs nowhere.", "hosts: [NODE], or hosts: [all]")
        needs = self.names(said["depends_on"][1]) if "depends_on" in said else ()
        if name in needs:
            raise self.wrong(said["depends_on"][1], f"{name} depends on itself.", "Take it out of depends_on.")
        return Service(name, kind, hosts, needs)

    def edges(self, found: tuple[_Node, _Node] | None, services: Mapping[str, Service]) -> Iterator[tuple[str, str]]:
        """Pairs (who needs, what is needed)."""
        if found is None:
            return
        if not isinstance(found[1], yaml.SequenceNode):
            raise self.wrong(found[1], "edges is no list.", "edges: - {from: A, to: B, type: CALLS}")
        for node in found[1].value:
            said = {key: self.text(one[1]) for key, one in self.pairs(node, "an edge", EDGE_KEYS)}
            if said.keys() < {"from", "to"}:
                raise self.wrong(node, "an edge needs both ends.", "{from: A, to: B, type: CALLS}")
            first, second, kind = said["from"], said["to"], said.get("type", NEEDS[0])
            if kind in NEEDS + FEEDS:
                self.known(first, services, node, "an edge")
                self.known(second, services, node, "an edge")
                if first == second:
                    raise self.wrong(node, f"an edge leads from {first} to itself.", "Take it out.")
                yield (first, second) if kind in NEEDS else (second, first)

    def pairs(
        self, node: _Node | None, what: str, allowed: tuple[str, ...] | None
    ) -> Iterator[tuple[str, tuple[_Node, _Node]]]:
        if not isinstance(node, yaml.MappingNode):
            raise self.wrong(node, f"{what} is no mapping.", "KEY: VALUE, one a line")
        seen = set()
        for key, value in node.value:
            name = self.text(key)
            if name in seen:
                raise self.wrong(key, f"{name} stands twice in {what}.", "Keep one of them.")
            if allowed is not None and name not in allowed:
                raise self.wrong(key, f"{what} has no {name!r}.", f"It may have {', '.join(allowed)}.")
            seen.add(name)
            yield name, (key, value)

    def text(self, node: _Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise self.wrong(node, "a word is wanted here.")
        return str(node.value)

    def names(self, node: _Node) -> tuple[str, ...]:
        if not isinstance(node, yaml.SequenceNode):
            raise self.wrong(node, "a list is wanted here.", "[ONE, OTHER]")
        return tuple(dict.fromkeys(self.name(self.text(one), one) for one in node.value))

    def name(self, text: str, node: _Node) -> str:
        if not NAME.fullmatch(text):
            hint = "Letters, digits and _.@:-, up to 63, a letter or digit first."
            raise self.wrong(node, f"{text[:80]!r} is no name.", hint)
        return text

    def known(self, name: str, services: Mapping[str, Any], node: _Node, who: str) -> None:
        if name not in services:
            raise self.wrong(node, f"{who} names {name[:80]!r}, which is no service.", "Write it under services.")


def _placed(one: Service, nodes: tuple[str, ...]) -> Service:
    """With `all` written out."""
    return Service(one.name, one.type, nodes if EVERY_NODE in one.hosts else one.hosts, one.depends_on)
