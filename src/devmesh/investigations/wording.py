"""Statements in words: values as people read them, lines and names so that nothing obeys them (T8).

In Markdown, what came from outside (names, lines, notes) is escaped, or stands in a code span that it cannot leave.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Any

from devmesh.investigations.claims import EDGES, Claim, Metric, Value
from devmesh.investigations.lock import PLACE, Checked, Locked
from devmesh.safe import safe
from devmesh.when import length

SPECIAL = re.compile(r"([\\`*_{}\[\]#|<>~@&!]|:(?=//)|(?<=www)\.)", re.IGNORECASE)
LINE_CHARS, NAME_CHARS, KEPT_CHARS = 180, 100, 1_000
EVENT = re.compile(r"(\d{1,18})-\d+")
UNITS = {Metric.EVENTS: "line", Metric.ERRORS: "error", Metric.NODES: "node", Metric.SERVICES: "service"}


def escaped(text: str, chars: int = LINE_CHARS) -> str:
    """Text that Markdown shows as it is, on one line: no link, no mention, no HTML."""
    return SPECIAL.sub(r"\\\1", cut(safe(text), chars))


def code(text: str, chars: int = LINE_CHARS) -> str:
    """A code span that its text cannot leave: back-ticks become apostrophes."""
    return "`" + (cut(safe(text), chars).replace("`", "'").strip() or " ") + "`"


def cut(text: str, chars: int) -> str:
    """At most so many characters."""
    return text if len(text) <= chars else text[: chars - 1] + "…"


def clock(ts_us: int, zone: tzinfo) -> str:
    """`2026-01-20 14:03:12`; what no calendar has is written as a number."""
    try:
        return datetime.fromtimestamp(ts_us // 1_000_000, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return str(ts_us)


def shown(claim: Claim, value: Value, zone: tzinfo) -> str:
    """A claim's value, or another in its place, as people read it, with the unit and the order; plain text."""
    metric = claim.metric
    if metric is Metric.LEAD and isinstance(value, int) and value:
        return f"{length(abs(value))} {'before' if value > 0 else 'after'}"
    if metric is Metric.LEAD or (metric is Metric.ORDER and value == "same time"):
        return "at the same time as"
    if metric in EDGES and (at := EVENT.fullmatch(str(value))):
        return f"{metric.value} at {clock(int(at[1]), zone)}"
    if metric is Metric.INCIDENT:
        return cut(safe(f"incident {claim.incident}: {value}"), LINE_CHARS)
    if isinstance(value, str):
        return cut(safe(value), LINE_CHARS if metric is Metric.LINE else NAME_CHARS)
    if metric in (Metric.TIME, Metric.ONSET):
        return clock(value, zone)
    unit = UNITS.get(metric, "")
    return f"{value:,} {unit}{'' if value == 1 else 's'}" if value else f"no {unit}s"


def plain(locked: Locked, zone: tzinfo) -> str:
    """A statement on one line; what did not hold stands between ~~ before the truth."""
    return _filled(locked, lambda text: text, lambda one: _told(one, zone, lambda _claim, text: text))


def markdown(locked: Locked, zone: tzinfo) -> str:
    """The same as Markdown, with what it cites at its end."""

    def safely(claim: Claim, text: str) -> str:
        return code(text) if claim.metric is Metric.LINE else escaped(text)

    said = _filled(locked, lambda text: escaped(text, 1_000), lambda one: _told(one, zone, safely))
    return f"{said} [{', '.join(locked.cites[:6])}]"


def as_fact(locked: Locked, zone: tzinfo) -> dict[str, Any]:
    """A statement as plain values: its text, and its claims each with value, truth and what it cites."""
    return {
        "text": plain(locked, zone),
        "form": locked.text,
        "cites": list(locked.cites),
        "claims": [
            {
                "metric": one.claim.metric.value,
                "shown": shown(one.claim, one.claim.value, zone),
                "value": _kept(one.claim.value),
                "truth": _kept(one.truth),
                "truth_shown": shown(one.claim, one.truth, zone),
                "holds": one.holds,
                "cites": list(one.claim.cites),
                "node": one.claim.node,
                "service": one.claim.service,
                "since_us": one.claim.since_us,
                "until_us": one.claim.until_us,
            }
            for one in locked.claims
        ],
    }


def _kept(value: Value) -> Value:
    """A value as it is stored: the head of a line that is very long."""
    return cut(value, KEPT_CHARS) if isinstance(value, str) else value


def _told(one: Checked, zone: tzinfo, safely: Callable[[Claim, str], str]) -> str:
    said = safely(one.claim, shown(one.claim, one.claim.value, zone))
    return said if one.holds else f"~~{said}~~ {safely(one.claim, shown(one.claim, one.truth, zone))}"


def _filled(locked: Locked, prose: Callable[[str], str], value: Callable[[Checked], str]) -> str:
    parts = PLACE.split(locked.text)
    return "".join(value(locked.claims[int(one)]) if place % 2 else prose(one) for place, one in enumerate(parts))
