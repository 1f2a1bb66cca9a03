"""What slowly changes over weeks, as every face shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devmesh.detectors import LEAST_DAYS
from devmesh.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Collection

    from devmesh.detectors import Drift, Together
    from devmesh.mesh import Mesh

DAY_US = 86_400_000_000
LIMIT_DEFAULT, LIMIT_MAX = 20, 1_000

Names = dict[int, str]


def list_drift(mesh: Mesh, *, limit: int = LIMIT_DEFAULT) -> dict[str, Any]:
    """Patterns that rise or fall slowly, the surest first, of each service on a node the surest (`alike`: how many
    more of it do so); and patterns that came to move together. Raises InvalidInput.
    """
    if not 1 <= limit <= LIMIT_MAX:
        raise InvalidInput(f"limit must be between 1 and {LIMIT_MAX}.", hint=f"{LIMIT_DEFAULT} is the default.")
    weeks = mesh.detectors.drift(mesh.clock.now_us())
    groups = weeks.together[:limit]
    said = _Said(
        mesh, [(one.family, one.node) for one in weeks.drifts] + [who for group in groups for who in group.members]
    )
    alike: dict[tuple[str, int, int], list[Drift]] = {}
    for one in weeks.drifts:
        alike.setdefault((one.kind, said.service_of(one.family), one.node), []).append(one)
    shown = list(alike.values())[:limit]
    return {
        "since_us": weeks.first * DAY_US,
        "until_us": weeks.until * DAY_US,
        "days": weeks.until - weeks.first,
        "least_days": LEAST_DAYS + 1,  # the first of a pattern does not count
        "compared": weeks.compared,
        "pairs": weeks.pairs,
        "found": len(alike),
        "drifts": [_drift(some, said) for some in shown],
        "together": [_group(one, said) for one in groups],
    }


class _Said:
    """Families and nodes by number, with their names."""

    def __init__(self, mesh: Mesh, some: Collection[tuple[int, int]]) -> None:
        self._families = mesh.templates.families({family for family, _node in some})
        self._services = mesh.nodes.service_names.names({one.service_id for one in self._families.values()})
        self._nodes = mesh.nodes.node_names.names({node for _family, node in some})

    def service_of(self, family: int) -> int:
        """The number of a family's service."""
        return self._families[family].service_id

    def who(self, family: int, node: int) -> dict[str, Any]:
        """Its id, its service, its node and its text."""
        one = self._families[family]
        service, name = self._services.get(one.service_id, "?"), self._nodes.get(node, "?")
        return {"id": f"f{one.id}", "service": service, "node": name, "text": one.text}


def _drift(some: list[Drift], said: _Said) -> dict[str, Any]:
    one = some[0]
    return {
        "kind": one.kind,
        **said.who(one.family, one.node),
        "before": round(one.before, 2),
        "now": round(one.now, 2),
        "since_us": one.since * DAY_US,
        "doubt": one.doubt,
        "alike": len(some) - 1,
        "days": one.days,
    }


def _group(one: Together, said: _Said) -> dict[str, Any]:
    return {
        "members": [said.who(family, node) for family, node in one.members],
        "before": round(one.before, 2),
        "now": round(one.now, 2),
        "doubt": one.doubt,
    }
