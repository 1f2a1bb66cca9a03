"""What crosses the door of the room graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from devmesh.graph.kinds import Fails

INVENTORY = "inventory"  # the source of what people declared
LEARNED = "learned"  # of what nobody declared, but somebody accepted


@dataclass(frozen=True)
class Service:
    """A service as people declared it; `everywhere`: it runs on every node that is known."""

    name: str
    type: str = ""
    hosts: tuple[str, ...] = ()
    everywhere: bool = False
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, order=True)
class Edge:
    """Something between two services; its type says which end fails when the other does."""

    start: str
    end: str
    type: str


@dataclass(frozen=True)
class Inventory:
    """What people say of their fleet: services by name, edges in order, and the types of edges of their own."""

    services: Mapping[str, Service] = field(default_factory=dict)
    edges: tuple[Edge, ...] = ()
    types: Mapping[str, Fails] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One difference between two inventories: `did` is added, removed or changed; `what` a service, edge or type."""

    did: str
    what: str
    name: str
    detail: str = ""


@dataclass(frozen=True)
class Loaded:
    """What loading an inventory did, or would do: differences, and names that no log holds yet."""

    changes: tuple[Change, ...]
    services: int
    edges: int
    hosts: int
    version: int
    applied: bool
    unheard_services: tuple[str, ...] = ()
    unheard_hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shown:
    """A service as lists show it: `edges` such as `CALLS ollama`."""

    name: str
    type: str
    hosts: tuple[str, ...]
    aliases: tuple[str, ...]
    edges: tuple[str, ...]
