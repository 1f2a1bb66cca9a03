"""`devmesh detect --replay`: four days of a heartbeat, then a full disk; and questions that are none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli_house import HOSTILE, NOW_US, Runner, fill, line

SPAN = ("--since", "2026-01-16T00:00Z", "--until", "2026-01-20T14:00Z")
FULL_AGO_S = 2 * 3600.0


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """An api on apps that speaks every five minutes; two hours ago its disk was full, and it said hostile things."""
    folder = tmp_path_factory.mktemp("detect")
    lines = [line(f"served {n} requests", 300.0 * n, service="api", node="apps") for n in range(12 * 24 * 4)]
    for n in range(3):
        ago_s = FULL_AGO_S - 60 * n
        lines.append(line("write: No space left on device", ago_s, service="api", node="apps", priority=3))
        lines.append(line(f"ERROR: {HOSTILE}", ago_s, service="api", node="apps", priority=3))
    fill(folder, lines)
    return Runner(folder)


def test_a_full_disk_is_told_with_who_is_to_blame(house):
    """One incident; times, detectors and suspects are those that happened."""
    found = json.loads(house("detect", "--replay", *SPAN, "--json").stdout)
    assert len(found) == 1
    one = found[0]
    assert one["severity"] == "critical"
    assert one["told"] is True
    assert 0 <= one["onset_us"] - (NOW_US - FULL_AGO_S * 1e6) + 60e6 <= 60e6
    assert 0 < one["detected_us"] - (NOW_US - FULL_AGO_S * 1e6) <= 60e6
    assert (one["services"], one["nodes"]) == (["api"], ["apps"])
    assert (one["suspects"][0]["service"], one["suspects"][0]["node"]) == ("api", "apps")
    assert {"primitive", "new"} <= set(one["detectors"])
    assert any(seen["line"] and "No space left" in seen["line"] for seen in one["evidence"])


def test_people_read_when_where_and_what(house):
    """Nothing of a hostile line reaches the terminal as it is."""
    said = house("detect", "--replay", *SPAN).stdout
    assert "critical  on apps" in said
    assert "suspect: api on apps (" in said
    assert "1 incident from 2026-01-18" in said
    assert "\x1b" not in said
    assert "\u202e" not in said


def test_while_it_learns_nothing_is_told(house):
    """With as many hours to learn from as there are, and in a time of which nothing is stored."""
    assert json.loads(house("detect", "--replay", *SPAN, "--learn", "672", "--json").stdout) == []
    assert "It would only learn until" in house("detect", "--replay", *SPAN, "--learn", "672").stdout
    said = house("detect", "--replay", "--since", "2025-01-01", "--until", "2025-01-02").stdout
    assert "Nothing is stored in this time." in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "--replay"),
        (("--replay", "--learn", "0"), "between 1 and 672"),
        (("--replay", "--since", "2026-01-20", "--until", "2026-01-19"), "must begin before it ends"),
        (("--replay", "--since", "nonsense"), "nonsense"),
    ],
)
def test_questions_that_are_none_are_refused_with_what_to_do(house, arguments, says):
    """Exit code 2, as for anything that cannot be read."""
    assert says in house("detect", *arguments, code=2).stderr


def test_an_empty_store_says_so(tmp_path: Path):
    """No store at all is another matter than one that holds nothing."""
    house = Runner(tmp_path / "none")
    house("detect", "--replay", code=4)
