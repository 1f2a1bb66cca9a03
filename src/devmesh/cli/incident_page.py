"""One incident on a terminal: the first lines say what, where, since when and who is suspected."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import tzinfo
from typing import Any

from devmesh.cli.incidents import STYLES, names
from devmesh.cli.terminal import ago, level_style, many, safe, safe_lines, sparkline, stamp, write

MINUTE_CHARS, CLOCK = len("2026-11-22 13:46"), slice(11, 16)
SUSPECTS, LINES, CHANGES, NOTES = 3, 8, 8, 20
BARS = 90
LABEL = 12
LEDGER = 8


def page(one: dict[str, Any], now_us: int, zone: tzinfo) -> None:
    """All that a person needs first."""
    _head(one, now_us, zone)
    _bars(one["timeline"])
    _found(one, zone)
    _changes(one["changes"], zone)
    _similar(one["similar"], zone)
    _rows("check next", (safe(text) for text in one["next_checks"]))
    _lines(one["evidence"], zone)
    _story(one["notes"], zone)


def _head(one: dict[str, Any], now_us: int, zone: tzinfo) -> None:
    status = one["status"] if one["merged_into"] is None else f"merged into {one['merged_into']}"
    severity = one["severity"] if one["detected_us"] is not None else "too little evidence to be told"
    write(
        (f"incident {one['id']}", "bold"), "  ", (severity, STYLES.get(one["severity"], "")), f"  {status}  ",
        (safe(one["title"]), "bold"),
    )  # fmt: skip
    _rows("where", [f"{_some(one['services'])} on {_some(one['nodes'])}"])
    ended = "" if one["closed_us"] is None else f", closed {stamp(one['closed_us'], zone)[:MINUTE_CHARS]}"
    by = f" by {safe(one['closed_by'])}" if one["closed_by"] else ""
    again = f", reopened {many(one['reopened'], 'time')}" if one["reopened"] else ""
    since = f"{stamp(one['onset_us'], zone)[:MINUTE_CHARS]} ({ago(one['onset_us'], now_us)})"
    _rows("since", [f"{since}, last sign {ago(one['last_us'], now_us)}{ended}{by}{again}"])
    _rows("suspect", _suspects(one))
    report = one["report"] or {}
    if report.get("hypothesis"):
        _rows("why", [safe(report["hypothesis"]["text"])])
    if report.get("chain"):
        _rows("course", [safe(report["chain"]["text"]), *(f"  {safe(one['text'])}" for one in report["course"])])
    _ledger(one, zone)
    if one["detected_us"] is not None:
        told = "told nobody" if one["told_us"] is None else f"told {stamp(one['told_us'], zone)[:MINUTE_CHARS]}"
        _rows("noticed", [f"{stamp(one['detected_us'], zone)[:MINUTE_CHARS]}, {told}"])
    _rows("seen by", [", ".join(map(safe, one["detectors"]))])
    if any(one["votes"].values()):
        _rows("votes", [f"real {one['votes']['real']}, noise {one['votes']['noise']}"])


def _suspects(one: dict[str, Any]) -> list[str]:
    if one["confidence"] is None:
        known = one["merged_into"] is None
        later = "a running server writes the report within seconds" if known else "it went into another one before"
        return [f"not yet known: {later}"]
    sure = "inconclusive; " if one["inconclusive"] else f"{one['confidence']:.0%} sure; "
    return [
        f"{sure if place == 0 else ''}{safe(x['service'])} on {safe(x['node'])}: {'; '.join(map(safe, x['reasons']))}"
        for place, x in enumerate(one["suspects"][:SUSPECTS])
    ] or ["nobody stands out"]


def _ledger(one: dict[str, Any], zone: tzinfo) -> None:
    """Whom the first suspect explains, silenced from when to when, and whom it does not."""
    if one["ledger"] is None:
        return
    explained, rest = one["ledger"]["explained"], one["ledger"]["unexplained"]
    rows = [
        f"{_clock(x['since_us'], zone)} to {_until(x, zone)} {safe(x['node'])}: {safe(x['how'])}" for x in explained
    ]
    _rows("silenced", [*rows[:LEDGER], *([f"… and {len(rows) - LEDGER} more: --json"] if len(rows) > LEDGER else [])])
    _rows("but not", [_some([f"{x['service']} on {x['node']}" for x in rest])] if rest else [])


def _until(one: dict[str, Any], zone: tzinfo) -> str:
    return "now  " if one["until_us"] is None else _clock(one["until_us"], zone)


def _bars(timeline: dict[str, Any]) -> None:
    """Errors and everything else over time; bars are joined where there are more than fit."""
    bars = timeline["bars"]
    step = -(-len(bars) // BARS)
    for name, kinds in (("errors", ("errors",)), ("others", ("warnings", "others"))):
        sums = [sum(bar[kind] for bar in bars[at : at + step] for kind in kinds) for at in range(0, len(bars), step)]
        if any(sums):
            _rows(name, [f"{sparkline(sums)}  a bar is {_width(timeline['step_us'] * step)}"])


def _width(step_us: int) -> str:
    minutes = step_us // 60_000_000
    return many(minutes, "minute") if minutes % 60 else many(minutes // 60, "hour")


def _found(one: dict[str, Any], zone: tzinfo) -> None:
    """What was found that says most."""
    rows, chief = [], set(one["chief"])
    for found in (found for found in one["findings"] if found["id"] in chief):
        said = f": {safe(found['line'])}" if found["line"] and not found["habit"] else ""
        who = f"{safe(found['service'])} on {safe(found['node'])}"
        again = f" ({found['times']} times)" if found["times"] > 1 else ""
        rows.append(f"{_clock(found['at_us'], zone)} {who}, {safe(found['text'])}{again}{said}")
    more = one["findings_in_all"] - len(rows)
    _rows("found", [*rows, *([f"… and {many(more, 'more finding')}: --json"] if more > 0 else [])])


def _changes(changes: list[dict[str, Any]], zone: tzinfo) -> None:
    rows = [f"{_clock(x['at_us'], zone)} {safe(x['node'])}, {x['kind']}: {safe(x['text'])}" for x in changes[:CHANGES]]
    _rows("changed", rows)


def _similar(similar: list[dict[str, Any]], zone: tzinfo) -> None:
    for one in similar:
        when = stamp(one["onset_us"], zone)[:MINUTE_CHARS]
        head = f"incident {one['id']} of {when} is {one['alike']:.0%} like it: {safe(one['title'])}"
        same = [f"  {safe(one['same'])}"] if one.get("same") else []
        _rows("before", [head, *same, *(f"  noted then: {safe(text)}" for text in one["notes"])])


def _lines(evidence: list[dict[str, Any]], zone: tzinfo) -> None:
    if evidence:
        write(("lines", "dim"))
    for one in evidence[:LINES]:
        first, *others = safe_lines(one["message"])
        who = f"{safe(one['node'])} {safe(one['service'])}"
        write((stamp(one["ts_us"], zone), "dim"), " ", (who, "cyan"), " ", (first, level_style(one["priority"])))
        for line in others:
            write(("    │ ", "dim"), line)
    if len(evidence) > LINES:
        write((f"… and {many(len(evidence) - LINES, 'more line')}: --json", "dim"))


def _story(notes: list[dict[str, Any]], zone: tzinfo) -> None:
    rows = []
    for one in notes[-NOTES:]:
        who = safe(one["who"]) or "devmesh"
        text = safe(one["text"]) if one["kind"] == "note" else f"{one['kind']} {safe(one['text'])}".strip()
        rows.append(f"{stamp(one['at_us'], zone)[:MINUTE_CHARS]} {who}: {text}")
    _rows("story", rows)


def _rows(label: str, rows: Iterable[str]) -> None:
    """Safe lines beside a label."""
    for place, row in enumerate(rows):
        write(("" if place else label).ljust(LABEL), row)


def _clock(ts_us: int, zone: tzinfo) -> str:
    return stamp(ts_us, zone)[CLOCK]


def _some(listed: list[str]) -> str:
    return safe(names(listed))
