"""Reports as they are written: from real lines through the watch, confirmed by the store, harmless in every case."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from bodies import line, rows
from broken_fleet import BROKE_US, MINUTE_US, broken, ordinary, watch
from devmesh.detectors import About
from devmesh.errors import DevMeshError
from devmesh.incidenting import one_incident
from devmesh.investigations import queries
from devmesh.memory import BlindInterval

HOSTILE = (
    "ERROR: mariadb at db01: refused ` **bold** [click](https://evil.example) <script>alert(1)</script> @everyone "
    "\u202e\x1b[31m | # head ~~gone~~ {0} {1} www.evil.example"
)


def written(mesh):
    """The report of the one incident."""
    mesh.runner.once("write-reports")
    (case,) = mesh.incidents.list().rows
    report = mesh.investigations.report(case.id)
    assert report is not None
    assert report.version == case.version
    return report


def test_a_report_says_what_where_since_when_who_and_what_to_do(troubled):
    """With evidence for and against, the change just ahead, and the node that saw nothing; all of it confirmed."""
    mesh = troubled()
    report = written(mesh)
    timeline = one_incident(mesh, report.incident_id)["timeline"]
    assert sum(one["errors"] for one in timeline["bars"]) == 5
    assert {"finding", "change", "told"} <= {one["kind"] for one in timeline["marks"]}
    assert report.title == "mariadb on db01 failed; api affected"
    assert (report.inconclusive, report.facts["struck"], report.facts["taken_out"]) == (False, 0, {})
    assert report.hypothesis.startswith("mariadb on db01 failed: mariadb.service: Failed with result")
    assert report.hypothesis.endswith("upgrade mariadb-server:amd64 11.8.5 11.8.6")
    first, second = report.facts["suspects"]
    assert (first["service"], first["node"], second["service"]) == ("mariadb", "db01", "api")
    assert any("api on apps names it" in one["text"] for one in first["for"])
    assert second["against"][0]["text"] == "api on apps came 20 s after mariadb on db01."
    assert report.facts["movers"][1]["lead_s"] == 20
    assert report.facts["changes"][0]["text"] == "upgrade mariadb-server:amd64 11.8.5 11.8.6"
    assert [one["node"] for one in report.facts["elsewhere"]] == ["nas"]
    assert "On db01: systemctl status mariadb" in report.next_checks
    assert [one["text"].split(" said ")[0] for one in report.facts["what"]] == ["mariadb on db01", "api on apps"]
    assert all(one["cites"] for part in ("what", "since", "order", "impact") for one in report.facts[part])
    assert 0.3 < report.confidence <= 0.95


@pytest.mark.sqlite_only
def test_of_a_node_that_could_not_be_seen_it_says_no_data(troubled, monkeypatch):
    """The other node was blind meanwhile: "no data", never that there were no errors."""
    mesh = troubled()
    nas = mesh.nodes.node_names.ids(["nas"], create=False)["nas"]
    gone = BlindInterval(1, nas, BROKE_US, None, "unheard", "no heartbeat", False, BROKE_US, None, False)
    monkeypatch.setattr(mesh.memory, "blind", lambda *_span: [gone])
    (said,) = written(mesh).facts["others"]
    assert said["text"].startswith("nas could not be seen for a part of this time: no data.")
    assert "errors" not in said["text"]


@pytest.mark.sqlite_only
def test_blind_time_is_no_silence(troubled, monkeypatch):
    """A family that could not be seen is not gone, nor new in the day; what was seen is said, with "no data" beside it.
    A blind time whose lines came after all changes nothing.
    """
    mesh = troubled()
    db01 = mesh.nodes.node_names.ids(["db01"], create=False)["db01"]
    spans = {
        "seen": [],
        "filled": [BlindInterval(1, db01, BROKE_US - 90 * MINUTE_US, None, "behind", "", True, None, None, False)],
        "day": [
            BlindInterval(1, db01, BROKE_US - 9 * 60 * MINUTE_US, BROKE_US - 60 * MINUTE_US, "", "", False, 1, 1, False)
        ],
        "now": [BlindInterval(1, db01, BROKE_US + MINUTE_US, None, "unheard", "", False, 1, None, False)],
    }
    reports = {}
    for name, blind in spans.items():
        monkeypatch.setattr(mesh.memory, "blind", lambda *_span, found=blind: found)
        (case,) = mesh.incidents.list().rows
        reports[name] = mesh.investigations.investigate(case, mesh.incidents.findings(case.id))[0].facts
    assert reports["filled"] == reports["seen"]
    gone = {name: [one["line"] for one in facts["families"] if one["why"] == "gone"] for name, facts in reports.items()}
    assert gone == {"seen": (was := ["checkpoint <n> done"]), "filled": was, "day": was, "now": []}
    first = {name: facts["what"][0]["text"] for name, facts in reports.items()}
    assert first["seen"].endswith(": 5 lines; in the day up to it no lines.")
    assert first["day"].endswith(": 5 lines; of the day up to it a part was not seen: no data.")
    assert {one["day_before"] for one in reports["day"]["families"]} == {None}
    assert {one["day_before"] for one in reports["now"]["families"]} != {None}


@pytest.mark.sqlite_only
def test_what_is_blamed_is_told_before_its_victims(troubled):
    """However much more the victims say, and louder; what stands there is not said again under the suspect."""
    wails = b"".join(
        line(f"ERROR: {what} failed for user {n}", service="api", ts_us=BROKE_US + n * 20_000_000, node="apps")
        for n in range(1, 15)
        for what in ("login", "search", "upload", "export", "import")
    )
    report = written(troubled(broken() + wails))
    who = [one["text"].split(" said ")[0] for one in report.facts["what"]]
    assert who[0] == "mariadb on db01"
    assert who == sorted(who, key=lambda one: one != "mariadb on db01")
    assert "api on apps" in who
    first = report.facts["what"][0]["text"]
    assert first in [one["text"] for one in report.facts["suspects"][0]["for"]]
    assert report.markdown.count("mariadb on db01 said `mariadb.service: Failed") == 2  # what was found, and since when


@pytest.mark.sqlite_only
def test_who_began_is_said_by_its_first_line_however_light(troubled):
    """A slow statement of the database weighs less than its end some seconds later, and came first."""
    said = (
        (1, "ERROR: canceling a statement after its time"),
        (9, "mariadbd[412]: segfault at 0 ip 00007f"),
        (10, "mariadb.service: Main process exited, code=dumped, status=6/ABRT"),
        (11, "mariadb.service: Failed with result 'core-dump'."),
    )
    body = b"".join(
        line(text, service="mariadb", ts_us=BROKE_US + after * 1_000_000, node="db01") for after, text in said
    )
    body += line("ERROR: mariadb at db01: connection refused", service="api", ts_us=BROKE_US + 5_000_000, node="apps")
    first, second = written(troubled(body)).facts["movers"]
    assert (first["service"], first["at_us"], second["service"]) == ("mariadb", BROKE_US + 1_000_000, "api")


@pytest.mark.sqlite_only
def test_a_node_that_is_lost_is_told_by_its_last_line_and_not_by_anothers(troubled):
    """Who complains of it is a witness; the node is called by its name alone, and nobody asks for its unit."""
    mesh = troubled()
    (case,) = mesh.incidents.list().rows
    joined = mesh.incidents.findings(case.id)
    kernel = mesh.nodes.service_names.ids(["kernel"])["kernel"]
    db01 = mesh.nodes.node_names.ids(["db01"])["db01"]
    gone = replace(
        joined[0].finding, detector="silence", kind="node silent", service=kernel, node=db01, family=None, weight=9.0,
        critical=True, about=About.NODE,
    )  # fmt: skip
    refused = [one for one in joined if one.finding.node != db01]
    report, _context = mesh.investigations.investigate(case, [replace(joined[0], finding=gone), *refused])
    assert report.title == "db01 fell silent as a whole; api affected"
    assert report.hypothesis.startswith("db01 fell silent as a whole, heard last at 2025-11-21 11:04:00")
    assert report.facts["what"][0]["text"].startswith("db01 was heard last at 2025-11-21 11:04:00; no data")
    assert "kernel" not in "".join(report.next_checks)


@pytest.mark.sqlite_only
def test_an_incident_of_a_whole_night_asks_no_more_than_a_small_one(troubled, monkeypatch):
    """Three hundred services in trouble: lines are read of 60 families and of the 24 that began first."""
    mesh = troubled()
    (case,) = mesh.incidents.list().rows
    joined = mesh.incidents.findings(case.id)
    names = [f"svc-{one}" for one in range(300)]
    found = [
        replace(
            joined[n % 2], finding=replace(joined[n % 2].finding, service=service, minute=BROKE_US // MINUTE_US + n)
        )
        for n, service in enumerate(sorted(mesh.nodes.service_names.ids(names).values()))
    ]
    asked, real = [], mesh.events.query
    monkeypatch.setattr(mesh.events, "query", lambda *some, **more: asked.append(some) or real(*some, **more))
    report, _context = mesh.investigations.investigate(case, [*joined, *found])
    assert len(asked) < 200
    assert report.facts["suspects"][0]["service"] == "mariadb"


@pytest.mark.sqlite_only
def test_where_a_line_is_no_trouble_is_not_where_the_trouble_is(troubled):
    """A sort of line that another node says all the time is found on one node: that one alone is named."""
    elsewhere = line("mariadb.service: Failed with result 'core-dump'.", service="mariadb", ts_us=BROKE_US, node="nas")
    mesh = troubled(broken() + elsewhere)
    (case,) = mesh.incidents.list().rows
    db01 = mesh.nodes.node_names.ids(["db01"])["db01"]
    found = [one for one in mesh.incidents.findings(case.id) if one.finding.node == db01]
    (where,) = mesh.investigations.investigate(case, found)[0].facts["where"]
    assert where["text"] == "It shows in the lines of 1 service on 1 node."


@pytest.mark.sqlite_only
def test_who_says_more_began_too_where_it_had_said_nothing(troubled):
    """A program that says by far more, of a sort that nobody calls bad, was first: its first line says so."""
    said = b"".join(
        line("lease table grew once more", service="dhcp", ts_us=BROKE_US - 30_000_000 + n * 2_000_000, node="db01")
        for n in range(200)
    )
    first = written(troubled(broken() + said)).facts["movers"][0]
    assert (first["service"], first["at_us"]) == ("dhcp", BROKE_US - 30_000_000)
    assert first["event"]


def test_what_a_hostile_line_says_does_nothing(troubled):
    """T8: it stands in a code span that it cannot leave, on one line, with nothing that hides."""
    report = written(troubled(broken(error=HOSTILE)))
    for text in report.markdown.splitlines():
        outside = "".join(text.split("`")[::2])
        assert text.count("`") % 2 == 0
        for bad in ("<script", "](", "**bold", "@everyone", "://", "www.", "\u202e", "\x1b", "~~gone"):
            assert bad not in outside, text
    assert "\u202e" not in report.markdown + report.hypothesis + report.title
    assert "\x1b" not in report.markdown + report.hypothesis + report.title


def test_a_hostile_name_is_no_command(troubled):
    """What to type next quotes names that are more than a name."""
    body = broken().replace(b"mariadb at", b"x; reboot at").replace(b'"service": "mariadb"', b'"service": "x; reboot"')
    report = written(troubled(body))
    assert any("'x; reboot'" in one for one in report.next_checks)
    assert not any("status x; reboot" in one for one in report.next_checks)


def test_a_report_follows_its_incident_and_the_oldest_go(troubled, monkeypatch):
    """One for each version, three of them stay here; nothing is written while nothing changed."""
    monkeypatch.setattr(queries, "KEPT", 3)
    mesh = troubled()
    report = written(mesh)
    assert mesh.runner.once("write-reports") == 0
    for n in range(5):
        (mesh.incidents.close if n % 2 == 0 else mesh.incidents.reopen)(report.incident_id, "alice")
        mesh.runner.once("write-reports")
    newest = mesh.investigations.report(report.incident_id)
    assert newest.version == mesh.incidents.get(report.incident_id).version
    assert rows(mesh, "SELECT COUNT(*) FROM incident_reports") == [(3,)]


def test_one_that_cannot_be_written_holds_up_no_other(troubled, monkeypatch):
    """It is tried again a minute later."""
    mesh = troubled()
    real, fails = mesh.investigations.investigate, [True]

    def investigate(case, joined):
        if fails[0]:
            raise DevMeshError("a family of which nobody knows")
        return real(case, joined)

    monkeypatch.setattr(mesh.investigations, "investigate", investigate)
    assert mesh.runner.once("write-reports") == 1
    assert mesh.runner.once("write-reports") == 0
    (case,) = mesh.incidents.list().rows
    assert mesh.investigations.report(case.id) is None
    fails[0] = False
    mesh.clock.advance(61)
    assert mesh.runner.once("write-reports") == 1
    assert mesh.investigations.report(case.id) is not None


def test_what_was_seen_before_comes_with_what_people_wrote(troubled):
    """A day later the same breaks again; two who say that it does not help outvote it."""
    mesh = troubled()
    first = written(mesh)
    mesh.incidents.note(first.incident_id, "zpool clear tank", "alice")
    again_us = BROKE_US + 24 * 60 * MINUTE_US
    mesh.clock.advance(24 * 3600)
    watch(mesh, ordinary(BROKE_US + 60 * MINUTE_US, again_us + 60 * MINUTE_US, dies_us=again_us), broken(again_us))
    mesh.runner.once("write-reports")
    second = mesh.incidents.list().rows[0]
    assert second.id != first.incident_id
    (seen,) = mesh.investigations.report(second.id).facts["similar"]
    assert (seen["id"], seen["notes"]) == (first.incident_id, ["zpool clear tank"])
    assert seen["title"] == first.title
    assert "zpool clear tank" in mesh.investigations.report(second.id).markdown
    for who in ("bob", "carol"):
        mesh.incidents.votes.vote(first.incident_id, "noise", who)
    again = mesh.investigations.investigate(second, mesh.incidents.findings(second.id))[0]
    assert again.facts["similar"] == []


def test_lines_that_expired_are_still_evidence(troubled):
    """The incident keeps copies; the report cites them."""
    mesh = troubled()
    (case,) = mesh.incidents.list().rows
    with mesh.db.write() as connection:
        connection.exec_driver_sql("DELETE FROM log_events")
    report = mesh.investigations.investigate(case, mesh.incidents.findings(case.id))[0]
    cited = {one.event_id for one in mesh.incidents.cited(case.id)}
    assert cited
    judge = mesh.investigations.investigate(case, mesh.incidents.findings(case.id))[1].ledger
    assert all(judge.event(one) is not None for one in cited)
    assert report.facts["struck"] == 0


@pytest.mark.sqlite_only
@pytest.mark.mariadb_only
def test_reports_are_the_same_on_both_stores(troubled):
    """Written, read, replaced."""
    mesh = troubled()
    report = written(mesh)
    assert report.facts["title"] == "mariadb on db01 failed; api affected"
    assert report.evidence[0].startswith("f")
    (case,) = mesh.incidents.list().rows
    started = time.process_time()
    again, _context = mesh.investigations.investigate(case, mesh.incidents.findings(case.id))
    assert time.process_time() - started < 2
    assert replace(again, created_us=0, facts={}) == replace(report, created_us=0, facts={})
