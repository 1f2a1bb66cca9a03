"""Questions in plain words, as every face answers them: the tools, each thin over what faces call already, and the room
that plans with them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from devmesh.analysis import Found, Kind, Run, tools
from devmesh.asking import make_filter
from devmesh.catalogue import HOUR_US, busiest
from devmesh.changing import list_changes
from devmesh.errors import InvalidInput, NotFound
from devmesh.events import Filter
from devmesh.finding import find_families
from devmesh.incidenting import Wanted, list_incidents, one_incident
from devmesh.investigations import wording
from devmesh.safe import safe
from devmesh.when import parse_when, zone_of

if TYPE_CHECKING:
    from devmesh.analysis import Answer
    from devmesh.mesh import Mesh

SEARCHED, CHANGES = 40, 200
MINUTE_CHARS = len("2026-11-22 13:46")
ERROR, WARNING = 3, 4
INCIDENT_KEYS = ("id", "title", "severity", "status", "onset_us", "last_us", "services", "nodes", "confidence")
EVENT_KEYS = ("id", "ts_us", "node", "service", "priority", "template_id", "message")


def ask(mesh: Mesh, question: str, *, timezone: str = "") -> Answer:
    """The answer to a question; times are read and told in `timezone`, or the server's. Raises InvalidInput for a
    question that is empty or longer than 1,000 characters.
    """
    return mesh.analysis.answer(question, zone_of(timezone or mesh.settings.timezone), runs_of(mesh, timezone))


def as_values(answer: Answer) -> dict[str, Any]:
    """An answer as plain values: what HTTP and `--json` give."""
    asked, named = answer.asked, answer.asked.entities
    parts = [
        {"title": safe(one.title), "statements": [wording.as_fact(said, asked.zone) for said in one.statements]}
        for one in answer.parts
    ]
    cites = dict.fromkeys(cite for part in answer.parts for said in part.statements for cite in said.cites)
    return {
        "question": asked.question,
        "kind": asked.kind.value,
        "understood": {
            **asdict(asked.window),
            "assumed": asked.assumed,
            "nodes": list(named.nodes),
            "services": list(named.services),
            "severity": named.severity,
            "families": list(named.families),
            "incidents": list(named.incidents),
            "content": asked.content,
            "guesses": [asdict(one) for one in named.guesses],
        },
        "enough": answer.enough,
        "text": as_text(answer),
        "parts": parts,
        "notes": list(map(safe, answer.notes)),
        "examples": list(map(safe, answer.examples)),
        "cites": list(cites),
        "tools": [asdict(one) for one in answer.tools],
        "struck": answer.struck,
        "taken_out": answer.taken_out,
        "took_ms": answer.took_ms,
    }


def as_text(answer: Answer) -> str:
    """An answer in plain lines, each safe for a terminal: the statements with what they cite, then notes."""
    asked, out = answer.asked, list[str]()
    if asked.kind is not Kind.UNCLEAR:
        out.append(about(answer))
    for part in answer.parts:
        out += ["", f"{safe(part.title)}:"]
        for one in part.statements:
            out.append(f"  {wording.plain(one, asked.zone)} [{', '.join(one.cites[:4])}]")
    out += ["", *map(safe, answer.notes)] if answer.notes else []
    if answer.examples:
        out += ["You can ask, for example:", *(f"  {safe(one)}" for one in answer.examples)]
    return "\n".join(out).strip("\n")


def about(answer: Answer) -> str:
    """Whom and which time the answer is about."""
    asked, named = answer.asked, answer.asked.entities
    begin, end = (wording.clock(us, asked.zone)[:MINUTE_CHARS] for us in (asked.window.since_us, asked.window.until_us))
    who = safe(", ".join((*named.services, *named.nodes)))
    usual = " (you said no time)" if asked.assumed else ""
    return f"{begin} to {end}{f', {who}' if who else ''}{usual}"


def runs_of(mesh: Mesh, timezone: str = "") -> dict[str, Run]:
    """What each tool does, by its name."""
    desk = _Desk(mesh, timezone)
    return {name: getattr(desk, name) for name in tools.TAKES}


class _Desk:
    """The tools over one house."""

    def __init__(self, mesh: Mesh, timezone: str) -> None:
        self.mesh, self.timezone = mesh, timezone

    def _filter(self, asked: tools.Where, **more: Any) -> Filter:
        where = {"node": asked.node, "service": asked.service, "since": asked.since, "until": asked.until}
        return make_filter(self.mesh, **where, **more, timezone=self.timezone)  # type: ignore[arg-type]

    def search_templates(self, asked: tools.SearchTemplates) -> Found:
        """See `tools.SearchTemplates`."""
        found = find_families(self.mesh, asked.query, SEARCHED)
        rows = [one for one in found["results"] if not asked.service or one["service"] in asked.service]
        window = _hours(self._filter(asked))
        counts = self._by_family(window, rows)
        told = [{**_family(one), "n": counts.get(int(one["id"][1:]), 0)} for one in rows]
        return Found(told[: asked.limit], window.since_us, window.until_us, {"missing": found["missing"]})

    def _by_family(self, window: Filter, rows: list[dict[str, Any]]) -> dict[int, int]:
        homes = self.mesh.templates.families_of_members(int(one["id"][1:]) for one in rows)
        last = None if window.until_us is None else window.until_us - 1
        narrowed = Filter(window.node_ids, window.service_ids, tuple(homes), since_us=window.since_us, until_us=last)
        out: dict[int, int] = {}
        for template, (n, _worst) in self.mesh.events.by_template(narrowed).items():
            out[homes[template]] = out.get(homes[template], 0) + n
        return out

    def query_logs(self, asked: tools.QueryLogs) -> Found:
        """See `tools.QueryLogs`."""
        wanted = self._filter(
            asked, template=asked.template, priority=asked.priority or None, contains=asked.contains or None
        )
        page = self.mesh.events.query(wanted, asked.limit)
        homes = self.mesh.templates.homes({int(one.template_id[1:]) for one in page.events})
        families = [f"f{homes.get(int(one.template_id[1:]), 0)}" for one in page.events]
        rows = [
            {**{key: getattr(one, key) for key in EVENT_KEYS}, "family": family}
            for one, family in zip(page.events, families, strict=True)
        ]
        return Found(rows, wanted.since_us, wanted.until_us, {"more": page.cursor is not None})

    def get_template_stats(self, asked: tools.GetTemplateStats) -> Found:
        """See `tools.GetTemplateStats`."""
        wanted = _hours(self._filter(asked, template=[asked.template]))
        last = (wanted.until_us or self.mesh.clock.now_us()) - 1
        counts = self.mesh.events.hourly(wanted.template_ids, wanted.since_us or 0, last)
        names = self.mesh.nodes.node_names.names(counts["node_id"].unique().to_list())
        counts = counts.filter(
            pl.col("node_id").is_in([key for key in names if not asked.node or names[key] in asked.node])
        )
        rows = [
            {"node": names[node], "hour_us": hour * HOUR_US, "n": n}
            for node, hour, n in counts.group_by("node_id", "hour")
            .agg(pl.col("n").sum())
            .sort("n", descending=True)
            .iter_rows()
        ]
        return Found(rows, wanted.since_us, wanted.until_us, {"n": int(counts["n"].sum())})

    def get_service_overview(self, asked: tools.GetServiceOverview) -> Found:
        """See `tools.GetServiceOverview`."""
        wanted = _hours(self._filter(asked, priority=asked.priority))
        last = None if wanted.until_us is None else wanted.until_us - 1
        whole = Filter(wanted.node_ids, wanted.service_ids, since_us=wanted.since_us, until_us=last)
        loud = busiest(self.mesh, replace(whole, priority=wanted.priority), asked.limit)
        volumes = self.mesh.events.volumes(whole, "node_id")
        sums = {
            "lines": int(volumes["n"].sum()),
            "errors": int(volumes.filter(pl.col("priority") <= ERROR)["n"].sum()),
            "warnings": int(volumes.filter(pl.col("priority") == WARNING)["n"].sum()),
            "loudest": [one["id"] for one in busiest(self.mesh, whole, 1)],
        }
        rows = [{**_family(one), "n": one["spell"], "worst": one["worst"]} for one in loud]
        return Found(rows, wanted.since_us, wanted.until_us, sums)

    def get_log_context(self, asked: tools.GetLogContext) -> Found:
        """See `tools.GetLogContext`."""
        some = self.mesh.events.context(asked.event, asked.before, asked.after).events
        rows = [{key: getattr(one, key) for key in EVENT_KEYS} for one in some]
        return Found(rows, some[0].ts_us, some[-1].ts_us + 1)

    def what_changed(self, asked: tools.WhatChanged) -> Found:
        """See `tools.WhatChanged`."""
        mesh, wanted = self.mesh, self._filter(asked)
        refused = ""
        try:
            found = list_changes(
                mesh, since=asked.since, until=asked.until, node=asked.node, service=asked.service, limit=CHANGES,
                timezone=self.timezone,
            )  # fmt: skip
        except InvalidInput as error:  # what people changed can be told without a time to compare with
            found, refused = {"changes": [], "quiet_nodes": [], "compared": 0}, error.message
        since_us, until_us = wanted.since_us or 0, wanted.until_us or mesh.clock.now_us()
        strip = mesh.investigations.strip(since_us, until_us, wanted.node_ids)
        names = mesh.nodes.service_names.names({one.service_id for one in strip})
        changed = [
            {"kind": one.kind, "event": one.event_id, "service": names.get(one.service_id, "?"), "text": one.text}
            for one in strip
            if not asked.service or names.get(one.service_id) in asked.service
        ]
        sums = {
            "strip": tools.bounded(changed[:10])[0],
            "quiet_nodes": found["quiet_nodes"],
            "compared": found["compared"],
            "refused": refused,
        }
        keys, place = ("kind", "id", "service", "text", "n", "expected"), Counter[str]()
        ranked = []
        for one in found["changes"]:  # of each kind the surest, not twenty of one
            ranked.append((place[one["kind"]], {key: one[key] for key in keys}))
            place[one["kind"]] += 1
        rows = [row for _place, row in sorted(ranked, key=lambda pair: pair[0])[: asked.limit]]
        return Found(rows, since_us, until_us, sums)

    def list_incidents(self, asked: tools.ListIncidents) -> Found:
        """See `tools.ListIncidents`."""
        wanted = Wanted(
            status=asked.status or None, service=asked.service, node=asked.node, since=asked.since, until=asked.until,
            limit=asked.limit, timezone=self.timezone,
        )  # fmt: skip
        rows = list_incidents(self.mesh, wanted)["incidents"]
        zone, now = zone_of(self.timezone or self.mesh.settings.timezone), self.mesh.clock.now_us()
        since, until = (parse_when(one, now, zone) for one in (asked.since, asked.until))
        return Found([{key: one[key] for key in INCIDENT_KEYS} for one in rows], since, until)

    def get_incident(self, asked: tools.GetIncident) -> Found:
        """See `tools.GetIncident`."""
        one = one_incident(self.mesh, asked.number, timezone=self.timezone)
        report = one["report"] or {}
        said = [report["hypothesis"]] if report.get("hypothesis") else []
        texts = [fact["text"] for fact in (*said, *report.get("what", []), *report.get("since", []))]
        suspects = [f"{who['service']} on {who['node']}" for who in one["suspects"]]
        row = {key: one[key] for key in (*INCIDENT_KEYS, "next_checks")} | {"suspects": suspects, "report": texts}
        return Found([row], one["onset_us"], one["last_us"])

    def graph_neighbours(self, asked: tools.GraphNeighbours) -> Found:
        """See `tools.GraphNeighbours`."""
        sides: tuple[tuple[str, Callable[..., Any]], ...] = (
            ("needs", self.mesh.graph.causes), ("fails with it", self.mesh.graph.blast)
        )  # fmt: skip
        rows = [
            {"side": side, "kind": one.kind, "name": one.name, "hops": one.hops}
            for side, walk in sides
            for one in walk(asked.name, asked.limit).rows
        ]
        return Found(sorted(rows, key=lambda one: (one["side"] != "needs", one["hops"])), None, None)


def _hours(asked: Filter) -> Filter:
    """The same over whole hours, which is what is counted for ever: the window that a result names."""
    if asked.since_us is None or asked.until_us is None:
        raise NotFound("A window is wanted.")
    return replace(
        asked, since_us=asked.since_us // HOUR_US * HOUR_US, until_us=-(-asked.until_us // HOUR_US) * HOUR_US
    )


def _family(one: dict[str, Any]) -> dict[str, Any]:
    return {key: one[key] for key in ("id", "service", "text", "level", "first_seen_us", "last_seen_us")}
