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
    from devmesh.events import Event
    from devmesh.investigations import Change as Changed
    from devmesh.mesh import Mesh

SINCE, AGAINST = "24h", "7d"
LIMIT_DEFAULT, LIMIT_MAX = 20, 1_000
HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
HEARD_H = 48  # who runs where


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
    first. `downstream`: the same of whom needs its service, or its node where nobody declared the service, on other
    nodes, each with its `hops`; None without an inventory that knows it. Raises InvalidInput, NotFound.
    """
    _check(limit)
    zone, now = zone_of(timezone or mesh.settings.timezone), mesh.clock.now_us()
    one = mesh.events.context(event, 0, 0).events[0]
    until_us = parse_when(until, now, zone) if until else one.ts_us + DAY_US
    node_ids = mesh.nodes.node_names.ids([one.node], create=False).values()
    window = Span(one.ts_us, min(until_us, now))
    found = mesh.memory.changes(window, one.ts_us - 7 * DAY_US, node_ids=node_ids)
    strip = mesh.investigations.strip(window.since_us + 1, window.until_us, node_ids)[:limit]
    return {
        **_described(mesh, found, limit),
        "event": {"id": one.id, "ts_us": one.ts_us, "node": one.node, "service": one.service, "message": one.message},
        "strip": _strip(mesh, strip),
        "downstream": _downstream(mesh, one, window, limit),
    }


def _downstream(mesh: Mesh, one: Event, window: Span, limit: int) -> dict[str, Any] | None:
    """What changed in who needs an event's service, the nearest first."""
    ties = mesh.incidents.ties()
    (service,) = mesh.nodes.service_names.ids([one.service], create=False).values()
    (node,) = mesh.nodes.node_names.ids([one.node], create=False).values()
    of = None if ties is None else ties.thing((service, node))
    if ties is None or of is None:
        return None
    heard = mesh.events.speakers(window.since_us // HOUR_US - HEARD_H, window.until_us // HOUR_US)
    near = dict[int, int]()  # hops by service
    nodes = set[int]()
    for other in heard:
        if other[1] != node and (hops := ties.hops(other, (service, node))):
            near[other[0]] = min(hops, near.get(other[0], hops))
            nodes.add(other[1])
    names = mesh.nodes.service_names.names(near)
    by_name = {names.get(number, "?"): hops for number, hops in near.items()}
    out: dict[str, Any] = {"of": of.name, "services": [], "found": 0, "changes": [], "strip": []}
    if not near:
        return out
    found = mesh.memory.changes(window, window.since_us - 7 * DAY_US, node_ids=nodes, service_ids=near.keys())
    strip = mesh.investigations.strip(window.since_us + 1, window.until_us, nodes)
    strip = [x for x in strip if x.service_id in near and x.node_id != node]
    rows = _described(mesh, found, LIMIT_MAX)["changes"]
    out["services"] = [{"service": name, "hops": n} for name, n in sorted(by_name.items(), key=lambda x: (x[1], x[0]))]
    for key, some in (("changes", rows), ("strip", _strip(mesh, strip))):
        out[key] = sorted(({**x, "hops": by_name[x["service"]]} for x in some), key=lambda x: x["hops"])[:limit]
    return {**out, "services": out["services"][:limit], "found": len(found.rows)}


def _strip(mesh: Mesh, some: Sequence[Changed]) -> list[dict[str, Any]]:
    """What people and programs changed, with names."""
    services = mesh.nodes.service_names.names({change.service_id for change in some})
    nodes = mesh.nodes.node_names.names({change.node_id for change in some})
    return [
        {
            "at_us": change.at_us,
            "kind": change.kind,
            "node": nodes.get(change.node_id, "?"),
            "service": services.get(change.service_id, "?"),
            "text": change.text,
            "event": change.event_id,
            "n": change.n,
        }
        for change in some
    ]


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
