"""What changed, as every face shows it: the words of the question turned into a window, the answer with its names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from devmesh.catalogue import describe
from devmesh.errors import InvalidInput
from devmesh.memory import Changes, Span
from devmesh.when import parse_when, zone_of

if TYPE_CHECKING:
    from devmesh.mesh import Mesh

SINCE, AGAINST = "24h", "7d"
LIMIT_DEFAULT, LIMIT_MAX = 20, 1_000
DAY_US = 86_400_000_000


def list_changes(
    mesh: Mesh,
    *,
    since: str = SINCE,
    until: str | None = None,
    against: str | None = None,
    node: Sequence[str] = (),
    service: Sequence[str] = (),
    limit: int = LIMIT_DEFAULT,
    timezone: str = "",
) -> dict[str, Any]:
    """New, gone, louder and quieter families in a window, against the time from `against` to it (a week, if it is not
    said). Raises InvalidInput.
    """
    _check(limit)
    zone, now = zone_of(timezone or mesh.settings.timezone), mesh.clock.now_us()
    since_us, until_us = parse_when(since, now, zone), parse_when(until, now, zone) if until else now
    against_us = parse_when(against, now, zone) if against else since_us - 7 * DAY_US
    found = mesh.memory.changes(
        Span(since_us, until_us),
        against_us,
        node_ids=mesh.nodes.node_names.ids(node, create=False).values() if node else None,
        service_ids=mesh.nodes.service_names.ids(service, create=False).values() if service else None,
    )
    return _described(mesh, found, limit)


def changes_after(
    mesh: Mesh, event: str, *, until: str | None = None, limit: int = LIMIT_DEFAULT, timezone: str = ""
) -> dict[str, Any]:
    """What changed on an event's node after it, up to `until` (a day later, if it is not said): the families as in
    `list_changes`, against the week before the event, and in `strip` what people and programs changed there, newest
    first. Raises InvalidInput, NotFound.
    """
    _check(limit)
    zone, now = zone_of(timezone or mesh.settings.timezone), mesh.clock.now_us()
    one = mesh.events.context(event, 0, 0).events[0]
    until_us = parse_when(until, now, zone) if until else one.ts_us + DAY_US
    node_ids = mesh.nodes.node_names.ids([one.node], create=False).values()
    window = Span(one.ts_us, min(until_us, now))
    found = mesh.memory.changes(window, one.ts_us - 7 * DAY_US, node_ids=node_ids)
    strip = mesh.investigations.strip(window.since_us + 1, window.until_us, node_ids)[:limit]
    services = mesh.nodes.service_names.names({change.service_id for change in strip})
    return {
        **_described(mesh, found, limit),
        "event": {"id": one.id, "ts_us": one.ts_us, "node": one.node, "service": one.service, "message": one.message},
        "strip": [
            {
                "at_us": change.at_us,
                "kind": change.kind,
                "node": one.node,
                "service": services.get(change.service_id, "?"),
                "text": change.text,
                "event": change.event_id,
                "n": change.n,
            }
            for change in strip
        ],
    }


def _check(limit: int) -> None:
    if not 1 <= limit <= LIMIT_MAX:
        raise InvalidInput(f"limit must be between 1 and {LIMIT_MAX}.", hint=f"{LIMIT_DEFAULT} is the default.")


def _described(mesh: Mesh, found: Changes, limit: int) -> dict[str, Any]:
    shown = found.rows[:limit]
    families = mesh.templates.families({one.family_id for one in shown})
    named = {one["id"]: one for one in describe(mesh, families.values())}
    quiet = mesh.nodes.node_names.names(found.quiet_nodes)
    return {
        "window": asdict(found.window),
        "normal": asdict(found.normal),
        "compared": found.compared,
        "quiet_nodes": sorted(quiet.values()),
        "found": len(found.rows),
        "changes": [
            {
                "kind": one.kind,
                "id": f"f{one.family_id}",
                "service": named[f"f{one.family_id}"]["service"],
                "text": named[f"f{one.family_id}"]["text"],
                "n": one.n,
                "expected": round(one.expected, 2),
                "chance": one.chance,
                "doubt": one.doubt,
            }
            for one in shown
        ],
    }
