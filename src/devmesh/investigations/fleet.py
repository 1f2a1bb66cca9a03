"""Who runs where and whose an address is, as far as the counts and the firewalls' lines say."""

from __future__ import annotations

from collections.abc import Collection

from devmesh.events import Events
from devmesh.graph import OWN_ADDRESS, SHARED_ADDRESS, addresses_of
from devmesh.incidents import Ties
from devmesh.investigations.accusing import Fleet, Pair
from devmesh.investigations.advice import KERNEL
from devmesh.nodes import Nodes
from devmesh.templates import Templates

__all__ = ["OWN_ADDRESS", "SHARED_ADDRESS", "fleet_of"]


def fleet_of(
    nodes: Nodes, templates: Templates, events: Events, pairs: Collection[Pair], ties: Ties | None = None
) -> Fleet:
    """What is known by name of these services and nodes, the kernel among them."""
    services = nodes.service_names.names({service for service, _node in pairs})
    names = nodes.node_names.names({node for _service, node in pairs})
    kernel = nodes.service_names.ids([KERNEL], create=False).values()
    services = {**services, **dict.fromkeys(kernel, KERNEL)}
    return Fleet(services, names, tuple(pairs), addresses_of(nodes, templates, events, names), ties)
