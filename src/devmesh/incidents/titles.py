"""What an incident is called until its report is sure of itself: the gravest thing that was found, and of whom."""

from __future__ import annotations

from collections.abc import Sequence

from devmesh.detectors import About
from devmesh.incidents.grouping import Incident
from devmesh.nodes import Nodes


class Titles:
    """Knows what services and nodes are called."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    def of(self, some: Sequence[Incident]) -> list[str]:
        """The titles of incidents that have a finding."""
        heads = [one.head for one in some if one.head is not None]
        services = self._nodes.service_names.names({head.service for head in heads})
        nodes = self._nodes.node_names.names({head.node for head in heads})
        return [
            f"{nodes.get(head.node, '?')}: {head.text}"
            if head.about is About.NODE
            else f"{services.get(head.service, '?')} on {nodes.get(head.node, '?')}: {head.text}"
            for head in heads
        ]
