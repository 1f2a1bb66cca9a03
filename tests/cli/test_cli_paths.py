"""What an inventory adds on a terminal: the course of an incident, its ledger, and what changed downstream."""

from __future__ import annotations

from datetime import UTC

from devmesh.cli.changes import _write_downstream
from devmesh.cli.incident_page import LEDGER, _ledger

HOUR_US = 3_600_000_000
BAD = "a\x1b[31m\u202epi"


def test_the_ledger_says_from_when_to_when_and_is_cut(capsys):
    """Eight are shown and the others counted; what lasts has no end; names are data."""
    explained = [
        {"service": f"s{n}", "node": BAD, "how": f"s{n} needs nas", "since_us": HOUR_US, "until_us": end}
        for n, end in enumerate([2 * HOUR_US, *[None] * (LEDGER + 2)])
    ]  # fmt: skip
    _ledger({"ledger": {"explained": explained, "unexplained": [{"service": "cron", "node": "web"}]}}, UTC)
    said = capsys.readouterr().out
    lines = said.splitlines()
    assert lines[0].startswith("silenced    01:00 to 02:00 ")
    assert lines[1].strip().startswith("01:00 to now ")
    assert lines[LEDGER].strip() == "… and 3 more: --json"
    assert lines[LEDGER + 1].startswith("but not     cron on web")
    assert "\x1b" not in said
    assert "\u202e" not in said


def test_without_an_inventory_no_line_is_made_up(capsys):
    """Neither a ledger nor a downstream."""
    _ledger({"ledger": None}, UTC)
    _write_downstream(None, UTC)
    assert capsys.readouterr().out == ""


def test_downstream_stands_apart_by_hops(capsys):
    """Who needs it, what changed there, what is left out; where nobody does, that."""
    row = {
        "kind": "new",
        "id": "f5",
        "service": "api",
        "text": BAD,
        "n": 5,
        "expected": 0,
        "chance": None,
        "doubt": None,
    }
    strip = {"at_us": HOUR_US, "kind": "reloaded", "node": "apps", "service": "api", "text": "Reloaded api", "n": 1}
    some = [{"service": f"s{n}", "hops": n + 1} for n in range(14)]
    below = {
        "of": "mariadb",
        "services": some,
        "found": 3,
        "changes": [{**row, "hops": 1}],
        "strip": [{**strip, "hops": 1}],
    }
    _write_downstream(below, UTC)
    out, err = capsys.readouterr()
    assert "Downstream, needing mariadb: s0 (1 hop), s1 (2 hops), " in out
    assert " and 2 more\n" in out
    assert "reloaded      api on apps: Reloaded api" in out
    assert "5  1 hop   new     f5    api  " in out
    assert "\x1b" not in out
    assert "2 more downstream" in err
    _write_downstream({"of": "mariadb", "services": []}, UTC)
    assert capsys.readouterr().out.endswith("By the inventory nobody on another node needs mariadb.\n")
