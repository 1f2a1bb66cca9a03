"""`inventory.yaml`: services, where they run, what they need; the truth that people own.

In short:

    services:
      shop-api:
        hosts: [web1, web2]     # or [all]: every node that is known
        depends_on: [mariadb]
        type: api
        aliases: [shop.service]
    edges:
      - {from: shop-api, to: ollama, type: CALLS}
    types:                      # of edges, beside DEPENDS_ON, CALLS and PROVIDES_DB_FOR
      MIRRORS: none             # the end that fails with the other one: from, to or none
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import yaml

from devmesh.graph.kinds import DEPENDS_ON, KNOWN, RUNS_ON, Fails
from devmesh.graph.marks import Marks, Node, meant, short
from devmesh.graph.model import Edge, Inventory, Service
from devmesh.intake import clean_name

MOST_SERVICES, MOST_EDGES, MOST_HOSTS, MOST_ALIASES = 20_000, 200_000, 10_000, 100
NAME_CHARS, TYPE_CHARS = 128, 64
EVERYWHERE = "all"
SERVICE_KEYS, EDGE_KEYS = ("hosts", "depends_on", "type", "aliases"), ("from", "to", "type")
FORM = "services: NAME: hosts: [NODE]"
EDGE_FORM = "- {from: A, to: B, type: CALLS}"
_TYPE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_PREFIXES = ("service:", "host:")  # how questions tell a service from a host of the same name


def is_name(text: str) -> bool:
    """Whether a service or a host may be called so."""
    plain = 0 < len(text) <= NAME_CHARS and text.isprintable() and text == text.strip()
    return plain and not text.startswith(_PREFIXES)


def read_inventory(text: str, source: str = "inventory.yaml") -> Inventory:
    """The inventory that `text` holds; `source` is its name in messages. Raises Refused with every fault, TooLarge."""
    marks = Marks(source)
    root = marks.compose(text)
    return _Reader(marks).inventory(root)


class _Reader:
    """Walks the tree; faults are noted and the walk goes on, so that one look shows all of them."""

    def __init__(self, marks: Marks) -> None:
        self._marks = marks
        self._needs: list[tuple[str, str, Node]] = []
        self._named: dict[str, tuple[str, Node]] = {}  # what logs may call a service: which one, and where it is said

    def inventory(self, root: Node | None) -> Inventory:
        """The whole file."""
        top = {name: value for name, _key, value in self._marks.pairs(root, "the file", ("services", "edges", "types"))}
        if not self._marks.faults and "services" not in top:
            self._marks.wrong(root, "There are no services.", FORM)
        services = dict(self._services(top["services"])) if "services" in top else {}
        types = dict(self._types(top["types"])) if "types" in top else {}
        declared = [*self._needed(services)]
        listed = [*self._edges(top["edges"], services, types)] if "edges" in top else []
        self._marks.end()
        return Inventory(services, tuple(dict.fromkeys((*declared, *listed))), types)

    # -- services ------------------------------------------------------------------------------------------------------

    def _services(self, node: Node) -> Iterator[tuple[str, Service]]:
        for number, (name, key, value) in enumerate(self._marks.pairs(node, "services")):
            if number >= MOST_SERVICES:
                self._marks.wrong(key, f"There are more than {MOST_SERVICES:,} services.", "Split the fleet.")
                return
            if self._is_name(name, key):
                self._call(name, name, key)
                yield name, self._service(name, key, value)

    def _service(self, name: str, key: Node, node: Node) -> Service:
        before = len(self._marks.faults)
        said = {word: value for word, _key, value in self._marks.pairs(node, short(name), SERVICE_KEYS)}
        hosts = [*self._hosts(said["hosts"])] if "hosts" in said else []
        if not hosts and len(self._marks.faults) == before:
            self._marks.wrong(said.get("hosts", key), f"{short(name)} runs nowhere.", "hosts: [NODE], or hosts: [all]")
        for need, where in self._marks.texts(said["depends_on"]) if "depends_on" in said else ():
            self._needs.append((name, need, where))
        aliases = [*self._aliases(name, said["aliases"])] if "aliases" in said else []
        kind = self._marks.text(said["type"]) or "" if "type" in said else ""
        if len(kind) > TYPE_CHARS or (kind and not kind.isprintable()):
            self._marks.wrong(said["type"], f"{short(kind)} is no type.", f"A word of {TYPE_CHARS} characters at most.")
        own = tuple(host for host in hosts if host != EVERYWHERE)
        return Service(name, kind, own, EVERYWHERE in hosts, tuple(aliases))

    def _hosts(self, node: Node) -> Iterator[str]:
        for number, (host, where) in enumerate(self._marks.texts(node)):
            if number >= MOST_HOSTS:
                self._marks.wrong(where, f"There are more than {MOST_HOSTS:,} hosts.", "hosts: [all]")
                return
            if self._is_name(host, where):
                yield host

    def _aliases(self, name: str, node: Node) -> Iterator[str]:
        for number, (alias, where) in enumerate(self._marks.texts(node)):
            if number >= MOST_ALIASES:
                self._marks.wrong(where, f"{short(name)} has more than {MOST_ALIASES} aliases.", "Keep those in use.")
                return
            if self._is_name(alias, where) and clean_name(alias) != clean_name(name):
                self._call(alias, name, where)
                yield alias

    def _call(self, word: str, name: str, where: Node) -> None:
        """Note that logs call the service `name` so; two services of one name could not be told apart."""
        known, line = self._named.setdefault(clean_name(word), (name, where))
        if known != name:
            place = f"in line {line.start_mark.line + 1}"
            self._marks.wrong(where, f"{short(word)} names {short(known)} already, {place}.", "Keep one of them.")

    def _is_name(self, text: str, node: Node) -> bool:
        if is_name(text):
            return True
        if text.startswith(_PREFIXES):
            self._marks.wrong(node, f"{short(text)} begins like a question.", "Leave out 'service:' and 'host:'.")
        else:
            self._marks.wrong(node, f"{short(text)} is no name.", f"1 to {NAME_CHARS} visible characters.")
        return False

    # -- edges ---------------------------------------------------------------------------------------------------------

    def _types(self, node: Node) -> Iterator[tuple[str, Fails]]:
        for name, key, value in self._marks.pairs(node, "types"):
            said = self._marks.text(value)
            if name in KNOWN:
                self._marks.wrong(key, f"{name} is known already.", "Take it out.")
            elif not _TYPE.fullmatch(name):
                self._marks.wrong(key, f"{short(name)} is no type.", "Capital letters, digits and _, such as MIRRORS.")
            elif said not in list(Fails):
                self._marks.wrong(value, f"{short(said or '')} is no end.", "The end that fails: from, to or none.")
            else:
                yield name, Fails(said)

    def _needed(self, services: Mapping[str, Service]) -> Iterator[Edge]:
        for name, need, where in self._needs:
            if self._are_ends(name, need, services, (where, where)):
                yield Edge(name, need, DEPENDS_ON)

    def _edges(self, node: Node, services: Mapping[str, Service], types: Mapping[str, Fails]) -> Iterator[Edge]:
        if not isinstance(node, yaml.SequenceNode):
            self._marks.wrong(node, "edges must be a list.", EDGE_FORM)
            return
        seen: dict[Edge, int] = {}
        for one in node.value:
            if len(seen) >= MOST_EDGES:
                self._marks.wrong(one, f"There are more than {MOST_EDGES:,} edges.", "Split the fleet.")
                return
            edge = self._edge(one, services, types)
            if edge is None:
                continue
            if edge in seen:
                self._marks.wrong(one, f"This edge stands twice, first in line {seen[edge]}.", "Keep one of them.")
            else:
                seen[edge] = one.start_mark.line + 1
                yield edge

    def _edge(self, node: Node, services: Mapping[str, Service], types: Mapping[str, Fails]) -> Edge | None:
        said = {word: value for word, _key, value in self._marks.pairs(node, "an edge", EDGE_KEYS)}
        if not {"from", "to"} <= said.keys():
            if isinstance(node, yaml.MappingNode):
                self._marks.wrong(node, "An edge has two ends.", EDGE_FORM)
            return None
        start, end = self._marks.text(said["from"]), self._marks.text(said["to"])
        kind = self._marks.text(said["type"]) if "type" in said else DEPENDS_ON
        if start is None or end is None or kind is None:
            return None
        if kind == RUNS_ON:
            self._marks.wrong(said["type"], "Where a service runs stands with the service.", "hosts: [NODE]")
            return None
        if kind not in KNOWN and kind not in types:
            known = sorted({*KNOWN, *types} - {RUNS_ON})
            right = f"{meant(kind, known)}It may be {', '.join(known)}, or one of your own below types: NAME: from."
            self._marks.wrong(said["type"], f"{short(kind)} is no type of edge.", right)
            return None
        fine = self._are_ends(start, end, services, (said["from"], said["to"]))
        return Edge(start, end, kind) if fine else None

    def _are_ends(self, start: str, end: str, services: Mapping[str, Service], where: tuple[Node, Node]) -> bool:
        if start == end:
            self._marks.wrong(where[1], f"{short(start)} leads to itself.", "Take it out.")
            return False
        missing = [(name, node) for name, node in zip((start, end), where, strict=True) if name not in services]
        for name, node in missing:
            right = f"{meant(name, list(services))}Or write it under services, with its hosts."
            self._marks.wrong(node, f"There is no service {short(name)}.", right)
        return not missing
