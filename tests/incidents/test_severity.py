"""Severity is by rule, and the rules stand in the docs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from devmesh.detectors import About, Finding
from devmesh.incidents import Incident
from devmesh.incidents.severity import RULES

ONE = Finding(600, "primitive", "refused", 1, 1, 7, 3.0, False, About.PEER, "connection refused")
DOCS = Path(__file__).parents[2] / "docs" / "rooms" / "incidents.md"


def severity(*some: Finding) -> str:
    """Of an incident of these findings."""
    out = Incident(some[0].minute, some[0].minute)
    for one in some:
        out.add(one, "")
    return out.severity


@pytest.mark.parametrize(
    ("some", "told"),
    [
        ([replace(ONE, weight=1.0)], "info"),
        ([ONE], "warning"),
        ([replace(ONE, critical=True)], "critical"),
        ([ONE, replace(ONE, service=2), replace(ONE, service=3)], "warning"),
        ([ONE, replace(ONE, service=2), replace(ONE, service=3, node=2)], "critical"),
        ([ONE, replace(ONE, service=2, node=2), replace(ONE, service=1, node=3)], "warning"),
        ([ONE, replace(ONE, service=2), replace(ONE, service=3, node=2, minute=631)], "warning"),
        ([ONE, replace(ONE, service=2), replace(ONE, service=3, node=2, weight=0.9)], "warning"),
        ([ONE, replace(ONE, service=2), replace(ONE, service=3, node=2, detector="louder")], "warning"),
    ],
)
def test_severity_is_by_rule(some, told):
    """Thin, told, grave by itself, or many at once: who is only louder, long after, or barely, does not count."""
    assert severity(*some) == told


def test_what_was_critical_once_stays_so():
    """Though the others recover."""
    wide = [ONE, replace(ONE, service=2), replace(ONE, service=3, node=2)]
    assert severity(*wide, replace(ONE, minute=900)) == "critical"


def test_the_rules_stand_in_the_docs():
    """Each with its severity, in the order in which they are asked."""
    told = DOCS.read_text()
    rows = [f"| {rule.severity} | {rule.when} |" for rule in RULES]
    places = [told.find(row) for row in rows]
    assert -1 not in places
    assert places == sorted(places)
