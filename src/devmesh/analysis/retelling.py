"""The statements of a stored report, made claims again: what is told of it today is what the store says today."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from devmesh.investigations import Claim, Metric, Report, Statement
from devmesh.memory import Span

Sections = Sequence[tuple[str, Sequence[Statement]]]
SECTIONS = (
    ("since", "Since when"), ("what", "What was found"), ("changed", "What was changed"), ("impact", "Impact"),
)  # fmt: skip
EDGES = {Metric.FIRST, Metric.LAST}
AROUND_US = 3_600_000_000
MOST_EACH, MOST_SUSPECTS = 6, 2


def near(report: Report) -> Span:
    """The time that a report speaks of by the minute."""
    window = report.facts["window"]
    return Span(window["since_us"] - AROUND_US, window["until_us"] + AROUND_US)


def sections(report: Report) -> Iterator[tuple[str, list[Statement]]]:
    """Its statements by heading: what probably happened, what speaks for the first suspects, and the rest."""
    facts = report.facts
    title = "Perhaps" if report.inconclusive else "What probably happened"
    yield title, [_statement(one) for one in (facts.get("hypothesis"),) if one]
    for one in facts.get("suspects", [])[:MOST_SUSPECTS]:
        yield f"What speaks for {one['service']} on {one['node']}", [_statement(x) for x in one["for"][:MOST_EACH]]
    for name, title in SECTIONS:
        yield title, [_statement(one) for one in facts.get(name, [])[:MOST_EACH]]


def _statement(fact: Mapping[str, Any]) -> Statement:
    return Statement(fact["form"], tuple(_claim(one) for one in fact["claims"]))


def _claim(one: Mapping[str, Any]) -> Claim:
    metric, cites = Metric(one["metric"]), list(one["cites"])
    if metric in EDGES and cites:
        del cites[0]  # the line that it says is the first or last
    value = one["truth"] if metric is Metric.LINE else one["value"]
    return Claim(
        metric, value, tuple(int(x[1:]) for x in cites if x[0] == "f"), tuple(int(x[1:]) for x in cites if x[0] == "t"),
        tuple(x for x in cites if x[0].isdecimal()), one["node"], one["service"], one["since_us"], one["until_us"],
    )  # fmt: skip
