"""What an incident is called until its report is sure of itself: the gravest thing that was found, and of whom."""

from __future__ import annotations

from collections.abc import Sequence

from devmesh.detectors import About
from devmesh.incidents.grouping import Incident
from devmesh.nodes import Nodes

NAMED = 8  # of those who are named in one sentence


class Titles:
    """Knows what services and nodes are called."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    def left(self, one: Incident) -> str:
        """Who is well again, and who of those that need it is not."""
        tops = sorted(one.signs.tops - one.signs.left)
        what = "is" if len(tops) == 1 else "are"
        return f"{self._some(tops)} {what} well again; still in trouble: {self._some(sorted(one.signs.left))}."

    def _some(self, pairs: Sequence[tuple[int, int]]) -> str:
        services = self._nodes.service_names.names({service for service, _node in pairs})
        nodes = self._nodes.node_names.names({node for _service, node in pairs})
        shown = [f"{services.get(service, '?')} on {nodes.get(node, '?')}" for service, node in pairs]
        more = f" and {len(shown) - NAMED} more" if len(shown) > NAMED else ""
        return ", ".join(shown[:NAMED]) + more

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
