"""`devmesh incidents`, `incident`, `mutes`, `maintenance`, `detectors`, `blind`: with a server and without."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import pytest
from cli_house import HOSTILE, Runner

from bodies import line, request, run_whole
from devmesh.clock import FakeClock
from devmesh.detectors import Habit
from devmesh.incidents import Cited
from devmesh.mesh import open_mesh
from devmesh.settings import load_settings
from opened import MINUTE_US, found, open_incident
from processes import serving

NOW_US = 1_795_400_000_000_000
RAW = ("\x1b", "\x07", "\x9b", "\x00", "\u202e", "\u200b")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Path:
    """A store with two incidents: of a database and an api, with a report; and one whose every word is hostile."""
    folder = tmp_path_factory.mktemp("incidents")
    shutil.copy(empty_store, folder / "devmesh.db")
    mesh = open_mesh(load_settings(data_dir=folder, embedding_provider="off"), clock=FakeClock(NOW_US))
    mesh.intake.start()
    now = NOW_US // MINUTE_US
    body = line("unit failed", service="mariadb", ts_us=NOW_US - 1, node="store", priority=3)
    mesh.intake.take(request(body, "relay", may_name_nodes=True, received_us=NOW_US), 30)
    run_whole(mesh, "assign-families")
    some = [found(mesh, now, "mariadb", "store", family=1), found(mesh, now, "api", "apps", detector="new", kind="new")]
    event = f"{NOW_US - 1}-1"
    number = open_incident(mesh, some, lines=[Cited(event, NOW_US - 1, some[0].node, 1, 1, 1, 3, "unit failed")])
    run_whole(mesh, "write-reports")
    bad = found(mesh, now - 60, HOSTILE, HOSTILE, text=HOSTILE, kind="x")
    said = Cited("1-1", NOW_US, bad.node, bad.service, 0, 1, 3, HOSTILE + "\n" + HOSTILE * 100)
    other = open_incident(mesh, [bad], title=HOSTILE, lines=[said])
    mesh.incidents.note(other, HOSTILE, "ada")
    assert (number, other) == (1, 2)
    mesh.close()
    return folder


@pytest.fixture
def house(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """A copy of it that a test may change, at the time of the incidents."""
    monkeypatch.setattr("devmesh.mesh.SystemClock", lambda: FakeClock(NOW_US))
    monkeypatch.setenv("DEVMESH_EMBEDDING_PROVIDER", "off")
    shutil.copytree(kept, tmp_path / "data")
    return Runner(tmp_path / "data")


def test_the_list_says_what_where_since_when_and_who(house):
    """The newest first; conditions leave out; what is none is an error that says what there is."""
    rows = house("incidents").stdout.splitlines()
    assert rows[1].split()[:3] == ["1", "warning", "open"]
    assert "mariadb on store" in rows[1]
    shown = lambda *asked: [one["id"] for one in house.json("incidents", *asked)["incidents"]]  # noqa: E731
    assert shown() == [1, 2]
    assert shown("--service", "api", "--node", "store") == shown("--limit", "1") == [1]
    assert shown("--status", "closed") == shown("--severity", "critical") == shown("--until", "2h") == []
    assert "No incident" in house("incidents", "--node", "nobody").stderr
    assert "--cursor" in house("incidents", "--limit", "1").stderr
    for wrong in (("--status", "dead"), ("--severity", "x"), ("--since", "someday"), ("--cursor", "x")):
        assert "hint:" in house("incidents", *wrong, code=2).stderr


def test_one_incident_tells_first_what_one_needs_first(house):
    """Title, where, since when, suspect; then what was found, what to check, the lines, the story; or its report."""
    said = house("incident", "show", "1").stdout.splitlines()
    assert said[0].startswith("incident 1  warning  open  ")
    assert said[1].split() == ["where", "api,", "mariadb", "on", "apps,", "store"]
    assert said[2].startswith("since       2026-11-23 02:13")
    assert said[3].startswith("suspect  ")
    assert said[3].endswith("; mariadb on store: unit failed, never before")
    heads = [row.split("  ")[0] for row in said if not row.startswith(" ")]
    assert [one for one in heads if one in ("found", "check next", "lines", "story")] == [
        "found", "check next", "lines", "story",
    ]  # fmt: skip
    assert house("incident", "show", "1", "--report").stdout.startswith("# ")
    assert "No report" in house("incident", "show", "2", "--report").stderr
    assert house.json("incident", "show", "1")["suspects"][0]["service"] == "mariadb"


def test_a_line_that_did_not_come_is_told_by_the_viewers_clock(house, monkeypatch):
    """When it comes, how surely, and by when it was not seen; the line is not said twice."""
    day = NOW_US // MINUTE_US // 1440 * 1440
    habit = Habit(1440, day + 190, day + 220, 6, 41, 42, "Finished borg")
    with contextlib.closing(open_mesh(load_settings(data_dir=house.data_dir), clock=FakeClock(NOW_US))) as mesh:
        late = found(mesh, day + 220, "borg", "nas", detector="overdue", kind="overdue", family=1, habit=habit)
        number = open_incident(mesh, [late])
    monkeypatch.setenv("DEVMESH_TIMEZONE", "Asia/Kolkata")  # of the server; the viewer's is UTC
    (said,) = (row for row in house("incident", "show", str(number)).stdout.splitlines() if "normally" in row)
    assert said.endswith(
        "borg on nas, `Finished borg` normally comes at 03:10 ±6 min (41 of 42 days); not seen by 03:40 UTC"
    )


def test_hostile_words_stay_words(house):
    """In names, titles, lines, notes: nothing that a terminal obeys or hides comes out, also in the lists."""
    for command in (("incidents",), ("incident", "show", "2"), ("incident", "show", "2", "--json")):
        said = house(*command).stdout
        assert not [raw for raw in RAW if raw in said], command
    reason = "\x1b[2Jx" * 20
    muted = house("incident", "mute", "1", "--until", "1h", "--reason", reason).stdout
    listed = (
        house("mutes").stdout + house("maintenance", "add", "--until", "1h", "--reason", reason, "-n", reason).stdout
    )
    assert "\x1b" not in muted + listed + house("maintenance", "list").stdout


def test_what_people_do_without_a_server_stands_in_story_and_audit(house):
    """Each deed says what happened, as a sentence or as the row of the incident."""
    assert "looked into" in house("incident", "investigate", "1").stdout
    assert "Noted" in house("incident", "note", "1", "the pump was off").stdout
    assert house.json("incident", "vote", "1", "noise")["votes"] == {"real": 0, "noise": 1}
    assert house.json("incident", "close", "1")["status"] == "closed"
    assert "hint:" in house("incident", "close", "1", code=2).stderr
    assert house.json("incident", "reopen", "1")["reopened"] == 1
    fresh = house.json("incident", "split", "1", "--service", "api")
    assert fresh["services"] == ["api"]
    assert "went into 1" in house("incident", "merge", str(fresh["id"]), "--into", "1").stdout
    assert "Nothing to split off" in house("incident", "split", "1", code=2).stderr
    story = house.json("incident", "show", "1")["notes"]
    assert {one["who"] for one in story} == {"", "command line"}
    deeds = {one["did"] for one in house.json("audit")["audit"]}
    assert {"looks into", "noted", "voted", "closed", "reopened", "split", "merged"} <= deeds


@pytest.mark.parametrize("number", ["0", "99", str(2**63), "9" * 40])
def test_numbers_that_nobody_has_end_with_4(house, number):
    """Whatever is asked of them."""
    for verb in (("show",), ("note", "x"), ("vote", "real"), ("close",), ("merge", "--into", "1")):
        house("incident", verb[0], number, *verb[1:], code=4)
    house("mutes", "end", number, code=4)
    house("maintenance", "end", number, code=4)


def test_mutes_and_maintenance_are_made_listed_and_ended(house):
    """What is over is shown when asked for; times to come are said as one speaks."""
    assert "Mute 1: f1 on all nodes" in house("incident", "mute", "1", "--until", "7d", "--reason", "known").stdout
    assert "unit failed" in house("mutes").stdout
    assert house.json("mutes", "end", "1") == {"mutes": []}
    assert "ended by command line" in house("mutes", "--ended").stdout
    house("incident", "mute", "1", "--until", "91d", "--reason", "x", code=2)
    house("incident", "mute", "1", "--until", "1d", "--reason", "x", "--family", "f9", code=2)
    added = house("maintenance", "add", "--node", "web-*", "--until", "tomorrow 04:00", "--reason", "new disks").stdout
    assert "2026-11-24 04:00: nobody is told of all services on web-*" in added
    assert "active" in house("maintenance", "list").stdout
    assert house.json("maintenance", "end", "1") == {"maintenance": []}
    assert "over" in house("maintenance", "list", "--ended").stdout


def test_detectors_and_blind_times_are_told(house):
    """With a word where there is nothing."""
    said = house("detectors")
    assert "primitive" in said.stdout
    assert "Nothing is watched yet." in said.stderr
    assert [one["name"] for one in house.json("detectors")["detectors"]][:2] == ["primitive", "new"]
    assert "was seen" in house("blind").stderr
    assert house.json("blind", "--since", "7d", "--node", "store") == {"blind": []}
    house("blind", "--since", "1h", "--until", "2h", code=2)


def test_deeds_go_to_the_server_that_holds_the_store(kept, tmp_path):
    """The same commands while it runs; what it refuses ends with the same code and words."""
    shutil.copytree(kept, tmp_path / "data")
    cli = Runner(tmp_path / "data")
    cli("incident", "close", "1")  # what is open and so old the server would close by itself
    with serving(tmp_path / "data") as server:
        assert "open again" in cli("incident", "reopen", "1").stdout
        assert "looked into" in cli("incident", "investigate", "1").stdout
        assert cli.json("incident", "note", "1", "over HTTP")["id"] == 1
        assert cli.json("incident", "vote", "1", "real")["votes"]["real"] == 1
        fresh = cli.json("incident", "split", "1", "--service", "api")["id"]
        assert cli.json("incident", "merge", str(fresh), "--into", "1")["id"] == 1
        assert "Mute 1" in cli("incident", "mute", "1", "--until", "7d", "--reason", "known").stdout
        assert cli.json("mutes", "end", "1") == {"mutes": []}
        window = cli.json("maintenance", "add", "--until", "2h", "--reason", "x")["id"]
        assert cli.json("maintenance", "end", str(window)) == {"maintenance": []}
        by = cli.json("incident", "close", "1")["closed_by"]
        assert by == server.get("/incidents/1")["closed_by"] != ""
        assert "closed already" in cli("incident", "close", "1", code=2).stderr
        cli("incident", "note", "99", "x", code=4)
