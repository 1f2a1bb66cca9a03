"""Whose an address is, as far as the firewalls' lines say: what came in at a node was sent to its own address."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from devmesh.events import Events, Filter
from devmesh.nodes import Nodes
from devmesh.templates import Templates

KERNEL = "kernel"
OWN_ADDRESS = re.compile(r"\bDST=(\d{1,3}(?:\.\d{1,3}){3})\b")
SHARED_ADDRESS = re.compile(r"^(?:2(?:2[4-9]|[3-5]\d)\.|127\.|0\.)|\.255$")
PACKET = ("<packet>", " DST=")  # as families have it, whole or in parts
LOOKED_AT, MOST_FAMILIES = 50, 1_000


def addresses_of(nodes: Nodes, templates: Templates, events: Events, node_ids: Iterable[int]) -> dict[str, int]:
    """{address: node} of these nodes; those whose kernel logs no packets are not in it."""
    kernel = nodes.service_names.ids([KERNEL], create=False).values()
    said = templates.list_families(service_ids=kernel, limit=MOST_FAMILIES)
    members = tuple(templates.member_ids(one.id for one in said if any(mark in one.text for mark in PACKET)))
    addresses = {}
    for node in node_ids if members else ():
        found = events.query(Filter(node_ids=(node,), template_ids=members), LOOKED_AT).events
        named = Counter(address for one in found for address in OWN_ADDRESS.findall(one.message))
        own = [address for address, _n in named.most_common() if not SHARED_ADDRESS.search(address)]
        if own:
            addresses[own[0]] = node
    return addresses
