"""Families and templates as every face shows them: totals, names, history, values, examples joined into one answer."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import polars as pl

from devmesh.asking import parse_id
from devmesh.events import Filter
from devmesh.paging import LIMIT_DEFAULT, Page, check_limit, first_of, number_in
from devmesh.templates import OVERFLOW_TEXT, REST_TEXT, Family

if TYPE_CHECKING:
    from devmesh.mesh import Mesh

HISTORY_HOURS = 24 * 7
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
MEMBERS_SHOWN = 100
TREND_US, TREND_BARS = 6 * HOUR_US, 28


def list_families(
    mesh: Mesh, *, service: Sequence[str] = (), sort: str = "count", limit: int = 100, offset: int = 0
) -> list[dict[str, Any]]:
    """Families with their service's name and rate, as plain values."""
    ids = mesh.nodes.service_names.ids(service, create=False).values() if service else None
    found = mesh.templates.list_families(service_ids=ids, sort=sort, limit=limit, offset=offset)
    return describe(mesh, found)


def list_services(mesh: Mesh, *, limit: int = LIMIT_DEFAULT, cursor: str | None = None) -> Page[dict[str, Any]]:
    """Services with their events of all time, the busiest first. Raises InvalidInput.

    Events that come between two pages may move a service from the one to the other.
    """
    check_limit(limit)
    totals = mesh.events.by_service()
    listed = [{**asdict(one), "events": totals.get(one.id, 0)} for one in mesh.nodes.services()]
    listed.sort(key=_place)
    if cursor:
        after = (-number_in(cursor), cursor.partition("-")[2])
        listed = listed[bisect_right(listed, after, key=_place) :]
    return first_of(listed, limit, lambda one: f"{one['events']}-{one['name']}")


def _place(service: dict[str, Any]) -> tuple[int, str]:
    return -service["events"], service["name"]


def describe(mesh: Mesh, families: Iterable[Family]) -> list[dict[str, Any]]:
    """Families as plain values: public id, service name, totals, events a day."""
    listed = list(families)
    services = mesh.nodes.service_names.names({family.service_id for family in listed})
    return [_described(family, services.get(family.service_id, "?")) for family in listed]


def busiest(mesh: Mesh, asked: Filter, limit: int) -> list[dict[str, Any]]:
    """Families with the most events of a question that reads no text: how many (`spell`), and the most severe of them
    (`worst`).
    """
    by_template = mesh.events.by_template(asked)
    # A family may have many templates: the busiest templates tell the busiest families, but for the last few.
    loudest = sorted(by_template, key=lambda template: -by_template[template][0])[: limit * 25]
    sums: dict[int, tuple[int, int]] = {}
    for template in mesh.templates.templates(loudest):
        if template.family_id is not None:
            n, worst = by_template[template.id]
            before = sums.get(template.family_id, (0, 7))
            sums[template.family_id] = before[0] + n, min(before[1], worst)
    top = sorted(sums, key=lambda family: -sums[family][0])[:limit]
    families = mesh.templates.families(top)
    found = [(families[one], *sums[one]) for one in top if one in families]
    told = describe(mesh, [family for family, _n, _worst in found])
    return [{**one, "spell": n, "worst": worst} for one, (_family, n, worst) in zip(told, found, strict=True)]


def with_trends(mesh: Mesh, listed: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Families as `describe` gives them, each with its last week: `trend` (28 counts of 6 hours), `nodes` that said it
    and the most severe priority (`worst`).
    """
    shown = list(listed)
    now = mesh.clock.now_us()
    first = now // TREND_US - TREND_BARS + 1
    homes = mesh.templates.families_of_members(int(one["id"][1:]) for one in shown)
    home = pl.DataFrame(list(homes.items()), schema={"template_id": pl.Int64, "family": pl.Int64}, orient="row")
    counts = mesh.events.hourly(homes, first * TREND_US, now).join(home, on="template_id")
    bar = pl.col("hour") * HOUR_US // TREND_US - first
    bars = counts.group_by("family", bar.alias("bar")).agg(pl.col("n").sum())
    trends: dict[int, dict[int, int]] = {}
    for family, number, n in bars.iter_rows():
        trends.setdefault(family, {})[number] = n
    sums = counts.group_by("family").agg(pl.col("node_id").n_unique(), pl.col("priority").min())
    said = {family: (nodes, worst) for family, nodes, worst in sums.iter_rows()}
    told = []
    for one in shown:
        number = int(one["id"][1:])
        nodes, worst = said.get(number, (0, one["level"]))
        trend = [trends.get(number, {}).get(place, 0) for place in range(TREND_BARS)]
        told.append({**one, "trend": trend, "nodes": nodes, "worst": worst})
    return told


def show(mesh: Mesh, public_id: str) -> dict[str, Any]:
    """Everything about a family or a template. Raises InvalidInput, NotFound."""
    kind, number = parse_id(public_id)
    if kind == "t":
        head, member_ids = _template(mesh, number)
        values = mesh.templates.values(member_ids)
    else:
        family = mesh.templates.family(number)
        member_ids = mesh.templates.member_ids([family.id])
        head = describe(mesh, [family])[0]
        values = mesh.templates.values_of_text(family.text, member_ids)
    nodes = mesh.events.nodes_of(member_ids)
    names = mesh.nodes.node_names.names(nodes)
    members = mesh.templates.templates(member_ids)[:MEMBERS_SHOWN]
    return {
        **head,
        "nodes": [
            {"node": names.get(node, "?"), "events": n} for node, n in sorted(nodes.items(), key=lambda pair: -pair[1])
        ],
        "history": history(mesh, member_ids),
        "days": [{"day_us": day * DAY_US, "n": n} for day, n in mesh.events.daily(member_ids)],
        "values": [asdict(value) for value in values],
        "examples": _examples(mesh, member_ids),
        "members": [{"id": f"t{one.id}", "text": one.text, "events": one.events} for one in members],
    }


def _template(mesh: Mesh, number: int) -> tuple[dict[str, Any], list[int]]:
    """A template's own part of the answer, and the ids whose counts and examples belong to it.

    One that was folded or migrated shows its own text and the sums of the template that it went into.
    """
    template = mesh.templates.template(number)
    home = mesh.templates.template(template.merged_into) if template.merged_into is not None else template
    services = mesh.nodes.service_names.names([template.service_id])
    head: dict[str, Any] = {
        "id": f"t{number}",
        "merged_into": f"t{home.id}" if home.id != number else None,
        "text": template.text,
        "explained": _explained(home.text),
        "events": home.events + (template.events if home.id != number else 0),
        "first_seen_us": template.first_seen_us,
        "last_seen_us": home.last_seen_us or template.last_seen_us,
        "service": services.get(template.service_id, "?"),
    }
    family_id = home.family_id
    head["family"] = describe(mesh, [mesh.templates.family(family_id)])[0] if family_id else None
    return head, sorted({number, home.id})


def history(mesh: Mesh, template_ids: Iterable[int], hours: int = HISTORY_HOURS) -> list[dict[str, int]]:
    """Events by hour of the last week, hours with none left out."""
    now = mesh.clock.now_us()
    counts = mesh.events.hourly(template_ids, now - hours * HOUR_US, now)
    rows = counts.group_by("hour").agg(pl.col("n").sum()).sort("hour")
    return [{"hour_us": hour * HOUR_US, "n": n} for hour, n in rows.iter_rows()]


def _examples(mesh: Mesh, member_ids: Iterable[int]) -> list[dict[str, Any]]:
    samples = mesh.templates.samples(member_ids)
    names = mesh.nodes.node_names.names({sample.node_id for sample in samples})
    return [{"ts_us": one.ts_us, "node": names.get(one.node_id, "?"), "message": one.message} for one in samples]


def _explained(text: str) -> str:
    """What a template that stands for others means; empty for one that stands for itself."""
    if text == OVERFLOW_TEXT:
        return "This service made more new templates than its bound allows; the events beyond it are counted here."
    if text == REST_TEXT:
        return "Templates of this family that were rare and have been silent for 30 days."
    return ""


def _described(family: Family, service: str) -> dict[str, Any]:
    span = (family.last_seen_us or 0) - (family.first_seen_us or 0)
    return {
        "id": f"f{family.id}",
        "text": family.text,
        "service": service,
        "level": family.level,
        "events": family.events,
        "templates": family.templates,
        "first_seen_us": family.first_seen_us,
        "last_seen_us": family.last_seen_us,
        "created_us": family.created_us,
        "events_per_day": round(family.events * DAY_US / max(span, DAY_US), 1),
        "label": family.label,
        "explained": _explained(family.text),
        "note": family.note,
    }
