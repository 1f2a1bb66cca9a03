"""The room's verbs: who is to blame for an incident."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

from devmesh.detectors import Finding
from devmesh.events import Events, Filter
from devmesh.investigations import tables  # noqa: F401 - the store knows them by this
from devmesh.investigations.suspects import Fleet, Pair, Ranking, Suspect
from devmesh.nodes import Nodes
from devmesh.templates import Templates

MINUTE_US = 60_000_000
BEFORE_US, AFTER_US = 2 * MINUTE_US, 30 * MINUTE_US
QUOTED, LOOKED_AT = 20, 50
OWN_ADDRESS = re.compile(r"\bDST=(\d{1,3}(?:\.\d{1,3}){3})\b")
SHARED_ADDRESS = re.compile(r"^(?:2(?:2[4-9]|[3-5]\d)\.|127\.|0\.)|\.255$")


class Investigations:
    """Why."""

    def __init__(self, nodes: Nodes, templates: Templates, events: Events) -> None:
        self._nodes, self._templates, self._events = nodes, templates, events

    def ranking(self, pairs: Collection[Pair]) -> Ranking:
        """What ranks suspects in the fleet of these services and nodes."""
        services = self._nodes.service_names.names({service for service, _node in pairs})
        nodes = self._nodes.node_names.names({node for _service, node in pairs})
        return Ranking(Fleet(services, nodes, tuple(pairs), self._addresses(nodes)))

    def suspects(self, findings: Sequence[Finding], ranking: Ranking) -> list[Suspect]:
        """The suspects of an incident's findings, best first."""
        begin_us = findings[0].minute * MINUTE_US
        span = begin_us - BEFORE_US, begin_us + AFTER_US

        def quotes(family: int, node: int) -> list[str]:
            members = tuple(self._templates.member_ids([family]))
            asked = Filter(node_ids=(node,), template_ids=members, since_us=span[0], until_us=span[1])
            return [one.message for one in self._events.query(asked, QUOTED).events]

        return ranking.suspects(findings, quotes)

    def _addresses(self, nodes: Collection[int]) -> dict[str, int]:
        """Whose an address is, by what firewalls say of packets that came in."""
        out = {}
        for node in nodes:
            lines = self._events.query(Filter(node_ids=(node,), contains=" DST="), LOOKED_AT).events
            found = Counter(address for line in lines for address in OWN_ADDRESS.findall(line.message))
            own = [address for address, _n in found.most_common() if not SHARED_ADDRESS.search(address)]
            if own:
                out[own[0]] = node
        return out
