"""What people ask of the watch in words (names, times, families), turned into what the rooms take."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from devmesh.accounts import COMMAND_LINE
from devmesh.asking import family_id
from devmesh.errors import InvalidInput
from devmesh.incidenting import row_of
from devmesh.watched import describe_mutes, describe_window
from devmesh.when import parse_ahead, zone_of

if TYPE_CHECKING:
    from devmesh.mesh import Mesh

SHOWN = 10


def act(mesh: Mesh, number: int, deed: str, said: Mapping[str, Any], who: str) -> dict[str, Any]:
    """What people do about an incident, by the name and the body of its route; the row of the incident that there is
    then. Raises NotFound, InvalidInput.
    """
    room = mesh.incidents
    deeds: dict[str, Callable[[], int | None]] = {
        "note": lambda: room.note(number, said["text"], who),
        "vote": lambda: room.votes.vote(number, said["verdict"], who),
        "investigate": lambda: room.investigate(number, who),
        "close": lambda: room.close(number, who),
        "reopen": lambda: room.reopen(number, who),
        "merge": lambda: room.merge(number, said["into"], who).id,
        "split": lambda: room.split(number, said["findings"], who).id,
    }
    return row_of(mesh, deeds[deed]() or number)


def mute_family(
    mesh: Mesh,
    number: int,
    *,
    until: str,
    reason: str,
    family: str = "",
    nodes: Sequence[str] = (),
    most_per_hour: int | None = None,
    timezone: str = "",
    who: str = COMMAND_LINE,
) -> dict[str, Any]:
    """Mute a family of an incident (`f12`; empty: its only one) on these nodes, none of them: on all.
    It stands in the incident's story. Raises NotFound, InvalidInput.
    """
    mesh.incidents.get(number)
    muted = mesh.incidents.mutes.mute(
        _family_in(mesh, number, family),
        reason,
        parse_ahead(until, mesh.clock.now_us(), zone_of(timezone or mesh.settings.timezone)),
        who,
        _known_nodes(mesh, nodes),
        most_per_hour,
    )
    mesh.incidents.note(number, f"f{muted.family_id}: {muted.reason}", who, "muted")
    return describe_mutes(mesh, [muted])[0]


def _family_in(mesh: Mesh, number: int, said: str) -> int:
    """The family that is meant. Raises InvalidInput where the incident does not speak of it."""
    weights: dict[int, float] = {}
    for one in mesh.incidents.findings(number):
        if one.finding.family is not None:
            weights[one.finding.family] = max(one.finding.weight, weights.get(one.finding.family, 0.0))
    best = sorted(weights, key=lambda one: -weights[one])
    if not best:
        raise InvalidInput(
            f"Incident {number} speaks of no pattern that could be muted.",
            hint="A maintenance window holds whole services and nodes: devmesh maintenance add",
        )
    listed = ", ".join(f"f{one}" for one in best[:SHOWN])
    if not said and len(best) > 1:
        raise InvalidInput(
            f"Incident {number} speaks of {len(best)} patterns: say which one is harmless.",
            hint=f"devmesh incident show {number} has them; --family one of {listed}",
        )
    wanted = family_id(said) if said else best[0]
    roots = mesh.templates.family_roots([wanted, *best])
    if roots.get(wanted, wanted) not in {roots.get(one, one) for one in best}:
        raise InvalidInput(f"Incident {number} does not speak of f{wanted}.", hint=f"It speaks of {listed}.")
    return wanted


def _known_nodes(mesh: Mesh, names: Sequence[str]) -> list[int]:
    found = mesh.nodes.node_names.ids(names, create=False) if names else {}
    missing = [one for one in names if one not in found]
    if missing:
        raise InvalidInput(f"There is no node {missing[0][:64]!r}.", hint="See: devmesh nodes")
    return list(found.values())


def plan_maintenance(
    mesh: Mesh,
    *,
    until: str,
    reason: str,
    since: str = "now",
    nodes: Sequence[str] = (),
    services: Sequence[str] = (),
    timezone: str = "",
    who: str = COMMAND_LINE,
) -> dict[str, Any]:
    """Plan a maintenance window over nodes and services by glob (none: any). Raises InvalidInput."""
    now, zone = mesh.clock.now_us(), zone_of(timezone or mesh.settings.timezone)
    begin, end = parse_ahead(since, now, zone), parse_ahead(until, now, zone)
    return describe_window(mesh.incidents.maintenance.plan(begin, end, nodes, services, reason, who), now)
