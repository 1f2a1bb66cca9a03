"""Incidents, detectors and blind times as the faces show them: the same dicts for the pages, HTTP and the commands."""

from __future__ import annotations

import pytest

from bodies import NOW_US, line, run_whole, take
from devmesh.charting import BARS_MAX, DAY_US, HOUR_US, STEPS_US, span_of, step_of
from devmesh.detectors import About, Finding, Habit
from devmesh.errors import InvalidInput, NotFound
from devmesh.incidenting import Wanted, chief, list_incidents, one_incident
from devmesh.incidents import Cited, Joined, queries
from devmesh.watched import list_blind, list_detectors
from opened import MINUTE_US, found, open_incident

NOW_MIN = NOW_US // MINUTE_US
NIGHT = NOW_MIN // 1440 * 1440
ROW = {
    "id", "version", "status", "severity", "title", "onset_us", "told_us", "detected_us", "last_us", "closed_us",
    "closed_by", "reopened", "merged_into", "detectors", "services", "nodes", "suspects", "confidence", "inconclusive",
    "votes", "eased_us",
}  # fmt: skip
WHOLE = ROW | {
    "report", "report_md", "findings", "findings_in_all", "chief", "timeline", "evidence", "similar", "notes",
    "verdicts", "changes", "next_checks", "ledger",
}  # fmt: skip


@pytest.fixture
def told(mesh):
    """The number of an incident of a database and an api, ten minutes ago; lines of both are stored."""
    at_us = NOW_US - 10 * MINUTE_US
    take(mesh, line("mariadb.service: failed", service="mariadb", ts_us=at_us, node="store", priority=3), "relay",
         may_name_nodes=True)  # fmt: skip
    take(mesh, line("cannot ask the database", service="api", ts_us=at_us + 1, node="apps", priority=4), "relay",
         may_name_nodes=True)  # fmt: skip
    take(mesh, line("served", service="api", ts_us=at_us + 2, node="apps"), "relay", may_name_nodes=True)
    take(mesh, line("nobody asked for this", service="dns", ts_us=at_us, node="other"), "relay", may_name_nodes=True)
    run_whole(mesh, "assign-families")
    some = [
        found(mesh, NOW_MIN - 10, "mariadb", "store", family=1, critical=True),
        found(mesh, NOW_MIN - 9, "api", "apps", detector="new", kind="new warning", weight=0.8),
    ]
    cited = Cited(f"{at_us}-1", at_us, some[0].node, some[0].service, 1, 1, 3, "mariadb.service: failed")
    return open_incident(mesh, some, lines=[cited])


def test_a_row_names_who_has_a_part_and_counts_the_votes(mesh, told):
    """As the contract of the list has it; who looked into it, and what people said."""
    mesh.incidents.votes.vote(told, "real", "ada")
    mesh.incidents.votes.vote(told, "noise", "ben")
    (row,) = list_incidents(mesh, Wanted())["incidents"]
    assert row.keys() == ROW
    assert (row["services"], row["nodes"], row["detectors"]) == (
        ["api", "mariadb"],
        ["apps", "store"],
        ["new", "primitive"],
    )
    assert (row["severity"], row["status"], row["votes"]) == ("critical", "open", {"real": 1, "noise": 1})
    assert (row["detected_us"], row["told_us"]) == (NOW_US, None)


def test_the_ledger_keeps_whom_the_first_suspect_explains(mesh, told):
    """As the report had it by the inventory of then: from when to when, and what is left; without one there is none."""
    minute = lambda ago: (NOW_MIN - ago) * MINUTE_US  # noqa: E731
    inventory = "services:\n  mariadb: {hosts: [store]}\n  api: {hosts: [apps], depends_on: [mariadb]}\n"
    mesh.runner.once("write-reports")
    assert one_incident(mesh, told)["ledger"] is None
    mesh.graph.load(inventory)
    mesh.incidents.investigate(told, "ada")
    mesh.runner.once("write-reports")
    api = {
        "service": "api", "node": "apps", "since_us": minute(9), "last_us": minute(9), "until_us": None,
        "how": "api needs mariadb",
    }  # fmt: skip
    assert one_incident(mesh, told)["ledger"] == {"explained": [api], "unexplained": []}
    mesh.graph.load("services:\n  mariadb: {hosts: [store]}\n")
    mesh.incidents.close(told, "ada")
    assert one_incident(mesh, told)["ledger"] == {"explained": [{**api, "until_us": NOW_US}], "unexplained": []}
    mesh.runner.once("write-reports")
    left = {key: api[key] for key in ("service", "node", "since_us", "last_us")}
    assert one_incident(mesh, told)["ledger"] == {"explained": [], "unexplained": [left]}


def test_the_list_takes_names_and_words(mesh, told):
    """Names that nobody has match nothing; times are words; what is no status is an error."""
    shown = lambda **asked: [one["id"] for one in list_incidents(mesh, Wanted(**asked))["incidents"]]  # noqa: E731
    assert shown(service=["api"], node=["store"], status="active", severity="critical") == [told]
    assert shown(service=["nobody"]) == shown(node=["nobody"]) == shown(status="closed") == shown(until="1h") == []
    mesh.incidents.close(told, "ada")
    assert shown(since="1h") == [told]
    assert shown(since="5m") == shown(status="active") == []
    with pytest.raises(InvalidInput):
        shown(status="dead")
    with pytest.raises(InvalidInput):
        shown(since="someday")


@pytest.mark.parametrize("which", ["node", "service"])
def test_too_many_names_are_refused(mesh, which):
    """More names than are looked for at once: an error for whoever asked, that says how many may be."""
    with pytest.raises(InvalidInput, match=f"{which}: 101 names"):
        list_incidents(mesh, Wanted(**{which: ["n"] * 101}))
    assert list_incidents(mesh, Wanted(**{which: ["n"] * 100}))["incidents"] == []


def test_one_incident_shows_findings_lines_story_and_a_timeline(mesh, told):
    """Bars count only lines of who has a part in it; marks are what was found, told and done."""
    mesh.incidents.note(told, "the pump was off", "ada")
    whole = one_incident(mesh, told)
    assert whole.keys() == WHOLE
    assert [(one["service"], one["node"], one["family"], one["line"]) for one in whole["findings"]] == [
        ("mariadb", "store", "f1", "mariadb.service: failed"), ("api", "apps", None, None),
    ]  # fmt: skip
    assert whole["findings"][0]["at_us"] == whole["onset_us"]
    assert [one["reason"] for one in whole["findings"]] == ["opened it", "the same service"]
    (cited,) = whole["evidence"]
    assert (cited["node"], cited["service"], cited["family"], cited["priority"]) == ("store", "mariadb", "f1", 3)
    assert [(one["who"], one["kind"]) for one in whole["notes"]] == [("", "told"), ("ada", "note")]
    bars = whole["timeline"]["bars"]
    assert whole["timeline"]["step_us"] == MINUTE_US
    assert [sum(one[kind] for one in bars) for kind in ("errors", "warnings", "others")] == [1, 1, 1]
    assert {one["t_us"] for one in bars if one["errors"]} == {whole["onset_us"]}
    assert [one["kind"] for one in whole["timeline"]["marks"]] == ["finding", "told", "finding"]


def test_what_the_report_says_is_shown(mesh, told):
    """Nobody is suspected until one is written; then the list and the incident name the same suspects."""
    assert one_incident(mesh, told)["report"] is None
    run_whole(mesh, "write-reports")
    (row,), whole = list_incidents(mesh, Wanted())["incidents"], one_incident(mesh, told)
    assert row["suspects"] == whole["suspects"]
    assert (row["suspects"][0]["service"], row["suspects"][0]["node"]) == ("mariadb", "store")
    assert (row["title"], row["confidence"]) == (whole["report"]["title"], whole["report"]["confidence"])
    assert whole["report_md"].startswith("# ")
    assert whole["next_checks"] == whole["report"]["next_checks"] != []


def test_what_is_found_again_and_again_is_shown_once(mesh):
    """With the words of the weightiest, since when, until when, and how often; of very many sorts the weightiest."""
    some = [found(mesh, NOW_MIN - 600, "api", "apps", detector="new", weight=0.5)]
    some += [found(mesh, NOW_MIN - 599 + n, "api", "apps", weight=3.0 + (n == 7)) for n in range(520)]
    whole = one_incident(mesh, open_incident(mesh, some))
    assert [(one["detector"], one["times"], one["weight"]) for one in whole["findings"]] == [
        ("new", 1, 0.5), ("primitive", 520, 4.0),
    ]  # fmt: skip
    last = whole["findings"][1]
    assert (last["at_us"], last["last_us"]) == ((NOW_MIN - 599) * MINUTE_US, (NOW_MIN - 80) * MINUTE_US)
    many = [found(mesh, NOW_MIN - 700 + n, "api", "apps", kind=f"kind {n}", weight=1.0 + n) for n in range(510)]
    whole = one_incident(mesh, open_incident(mesh, many))
    assert (len(whole["findings"]), whole["findings_in_all"]) == (500, 510)
    assert whole["findings"][0]["kind"] == "kind 10"


def test_a_line_that_did_not_come_is_told_by_the_clock_of_who_reads(mesh):
    """The numbers of its plan are stored with the finding; its text as stored, and the title, are by UTC."""
    habit = Habit(1440, NIGHT + 190, NIGHT + 220, 6, 41, 42, "Finished borg")
    text = "`Finished borg` normally comes at 03:10 ±6 min (41 of 42 days); not seen by 03:40 UTC"
    late = found(mesh, habit.due, "borg", "nas", detector="overdue", kind="overdue", text=text, habit=habit)
    number = open_incident(mesh, [late], title=text)
    (shown,) = one_incident(mesh, number, timezone="Asia/Kolkata")["findings"]
    assert shown["text"].endswith("comes at 08:40 ±6 min (41 of 42 days); not seen by 09:10 IST")
    assert shown["habit"] == {
        "line": "Finished borg", "period_min": 1440, "at_us": habit.at * MINUTE_US,
        "until_us": habit.due * MINUTE_US, "spread_min": 6,
        "seen": 41, "expected": 42,
    }  # fmt: skip
    (shown,) = one_incident(mesh, number, timezone="UTC")["findings"]
    assert shown["text"] == text
    with mesh.db.read() as connection:
        (kept,) = queries.growing(connection, 0)
    assert kept.head == late


@pytest.mark.parametrize("number", [0, -1, 99, 2**31, 2**63, 2**70])
def test_what_is_no_incident_is_not_found(mesh, number):
    """Numbers that no table holds, too."""
    with pytest.raises(NotFound):
        one_incident(mesh, number)


@pytest.mark.parametrize("days", [0, 0.1, 0.5, 2, 20, 200, 2_000])
def test_a_timeline_has_a_bounded_number_of_bars(days):
    """However long the incident lasted; short ones are shown by minute."""
    begin = NOW_US - round(days * DAY_US)
    since, until = span_of(begin, NOW_US, NOW_US)
    step = step_of(since, until, NOW_US)
    assert (until - since) / step <= BARS_MAX
    assert (step in STEPS_US) == (until - since < 15 * HOUR_US)


def test_a_long_incident_is_drawn_by_hour(mesh):
    """Its bars come from the counts by hour, with the same sums."""
    take(mesh, line("no", service="api", ts_us=NOW_US - 30 * HOUR_US, node="apps", priority=3), may_name_nodes=True)
    some = [found(mesh, NOW_MIN - 30 * 60, "api", "apps"), found(mesh, NOW_MIN, "api", "apps", kind="other")]
    timeline = one_incident(mesh, open_incident(mesh, some))["timeline"]
    assert timeline["step_us"] == HOUR_US
    assert sum(one["errors"] for one in timeline["bars"]) == 1


def test_detectors_learn_first_and_are_judged_by_votes(mesh, told):
    """With no watch yet all of them learn; findings are counted; the share of real ones is theirs."""
    before = {one["name"]: one for one in list_detectors(mesh)["detectors"]}
    assert before["primitive"]["learning"]
    assert (before["primitive"]["findings_24h"], before["louder"]["findings_30d"]) == (1, 0)
    assert (before["primitive"]["incidents_30d"], before["louder"]["incidents_30d"]) == (1, 0)
    assert before["primitive"]["precision"] is None
    mesh.incidents.votes.vote(told, "real", "ada")
    after = {one["name"]: one for one in list_detectors(mesh)["detectors"]}
    assert (after["primitive"]["real"], after["primitive"]["precision"], after["louder"]["precision"]) == (1, 1.0, None)
    assert 0 < after["primitive"]["at_least"] < 1


def test_a_fleet_that_was_always_seen_has_no_blind_times(mesh):
    """And a span that ends before it begins is no question."""
    assert list_blind(mesh) == {"blind": []}
    with pytest.raises(InvalidInput):
        list_blind(mesh, since="1h", until="2h")


def test_what_says_most_comes_first():
    """Eight at most: the gravest of each service on each node before a second of any, no line twice, bad news ahead of
    what is loud; in order of time.
    """

    def seen(number, minute, service, family, weight, detector="louder", *, critical=False):
        found = Finding(minute, detector, "x", service, 1, family, weight, critical, About.SELF, "text")
        return Joined(number, found, 0, minute, 1, "first", by_hand=False)

    loud = [seen(n, n, 1, n, 3.5) for n in range(1, 10)]
    failed = [seen(20, 30, 2, 40, 3.0, "primitive"), seen(21, 29, 2, 41, 5.0)]
    twice = [seen(30, 12, 3, 50, 2.0), seen(31, 13, 3, 50, 3.0)]
    shown = chief([*loud, *failed, *twice])
    assert shown == [1, 2, 3, 4, 5, 31, 21, 20]
    assert chief([*loud, seen(40, 99, 1, 60, 1.0, critical=True)])[-1] == 40
