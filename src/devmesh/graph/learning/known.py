"""What a directory is built of: the inventory, who was heard where, and places that agents and lines told of. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from devmesh.graph.evidence import Address, Listener
from devmesh.graph.learning.directory import Directory
from devmesh.graph.learning.model import ADDRESS, LISTENER, Place
from devmesh.graph.learning.targets import MOST_PORT, address_of, is_local, is_nobodys, target_of
from devmesh.graph.model import Inventory
from devmesh.graph.naming import SYSTEM
from devmesh.intake import clean_name

MOST_WORD = 128


def directory_of(
    inventory: Inventory, nodes: Iterable[str], heard: Iterable[tuple[str, str]], places: Iterable[Place]
) -> Directory:
    """Who is where. `heard`: (service, node) that spoke."""
    present = sorted({*nodes, *(host for one in inventory.services.values() for host in one.hosts)})
    names: dict[str, str] = {}
    homes: dict[str, set[str]] = defaultdict(set)
    for one in inventory.services.values():
        names |= {clean_name(word).lower(): one.name for word in (*one.aliases, one.name)}
        homes[one.name].update(present if one.everywhere else one.hosts)
    for service, node in sorted(heard):
        name = names.get(service.lower(), "")
        if not name and not SYSTEM.fullmatch(service):
            name = names[service.lower()] = service
        if name:
            homes[name].add(node)
    return Directory(names, homes, inventory.services.keys(), present, tuple(places))


def firewall_places(addresses: Mapping[str, int], names: Mapping[int, str], now_us: int) -> list[Place]:
    """Whose addresses are, as the firewalls' lines say (`addresses_of`)."""
    known = ((address, names[node]) for address, node in addresses.items() if node in names)
    return [Place(ADDRESS, node, address, last_us=now_us) for address, node in known]


def places_of(addresses: Iterable[Address], listeners: Iterable[Listener], now_us: int) -> list[Place]:
    """What an agent reports as places; what is none is left out."""
    found = []
    for one in addresses:
        address = address_of(one.address) or one.address.lower().rstrip(".")
        target = target_of(address)
        if one.node and target is not None and target.host and not is_local(address) and not is_nobodys(address):
            found.append(Place(ADDRESS, one.node, address, reported=True, last_us=now_us))
    for two in listeners:
        address = address_of(two.address) or two.address
        fits = 0 <= two.port <= MOST_PORT and len(address) <= MOST_WORD and 0 < len(two.service) <= MOST_WORD
        if two.node and fits:
            found.append(Place(LISTENER, two.node, address, two.port, two.service, reported=True, last_us=now_us))
    return found
