"""Incidents over HTTP: what people do to them, by whom, and what is refused."""

from __future__ import annotations

import json

import pytest
from asgi import STRANGER

from bodies import NOW_US, line, run_whole, take
from devmesh.api import incidents
from devmesh.api.auth import COOKIE
from devmesh.incidents import Cited
from opened import MINUTE_US, found, open_incident

NOW_MIN = NOW_US // MINUTE_US
HOSTILE = "\x1b[2J<img src=x onerror=alert(1)> \u202egnp.exe \x00" + "x" * 9_900
PASSWORD = "correct horse battery"  # noqa: S105 - of nobody


@pytest.fixture
def told(call):
    """Three incidents' numbers: the first of two families on two nodes, the others of one each."""
    mesh = call.mesh
    body = line("unit failed", service="mariadb", ts_us=NOW_US, node="store") + line(
        "cannot ask", service="api", ts_us=NOW_US, node="apps"
    )
    take(mesh, body, "relay", may_name_nodes=True)
    run_whole(mesh, "assign-families")
    homes = {mesh.templates.family(one).text: one for one in (1, 2)}
    first = [
        found(mesh, NOW_MIN - 10, "mariadb", "store", family=homes["unit failed"]),
        found(mesh, NOW_MIN - 9, "api", "apps", family=homes["cannot ask"], weight=1.0),
    ]
    return [
        open_incident(mesh, first),
        open_incident(mesh, [found(mesh, NOW_MIN - 5, "dns", "store")]),
        open_incident(mesh, [found(mesh, NOW_MIN - 4, "dns", "apps")]),
    ]


def test_the_list_is_filtered_and_paged(call, told):
    """As the other lists are; the newest onset first."""
    shown = call("GET", "/incidents?status=active&limit=2").json()
    assert [one["id"] for one in shown["incidents"]] == told[:0:-1]
    rest = call("GET", f"/incidents?status=active&limit=2&cursor={shown['cursor']}").json()
    assert ([one["id"] for one in rest["incidents"]], rest["cursor"]) == ([told[0]], None)
    assert [one["id"] for one in call("GET", "/incidents?service=api&node=apps").json()["incidents"]] == [told[0]]
    for asked in ("status=dead", "severity=x", "since=someday", "limit=0", "cursor=x", "stat=open"):
        answer = call("GET", f"/incidents?{asked}")
        assert (answer.status_code, bool(answer.json()["hint"])) == (422, True), asked


def test_an_incident_is_looked_into_closed_and_opened_again(call, told):
    """Each step is answered with the incident as it is now, and stands in its story and in the audit."""
    call.mesh.accounts.people.add("ben", PASSWORD, "operate")
    ben = {"Cookie": f"{COOKIE}={call.mesh.accounts.people.sign_in('ben', PASSWORD, 'x')}"}
    path = f"/incidents/{told[0]}"
    for verb, status in (("investigate", "investigating"), ("close", "closed"), ("reopen", "open")):
        answer = call("POST", f"{path}/{verb}", peer=STRANGER, host="mesh.example:8000", headers=ben)
        assert (answer.status_code, answer.json()["status"]) == (200, status)
        again = call("POST", f"{path}/{verb}", peer=STRANGER, host="mesh.example:8000", headers=ben)
        assert again.status_code == (200 if verb == "investigate" else 422)
    assert call("POST", f"{path}/note", headers=ben, json={"text": "the pump was off"}).status_code == 200
    assert call("POST", f"{path}/vote", headers=ben, json={"verdict": "real"}).json()["votes"] == {
        "real": 1,
        "noise": 0,
    }
    notes = call("GET", path, headers=ben).json()["notes"]
    assert {one["who"] for one in notes} == {"", "ben"}
    assert [one["kind"] for one in notes] == ["told", *["investigating"] * 2, "closed", "reopened", "note"]
    deeds = [one.did for one in call.mesh.accounts.audit.list().rows if one.who == "ben"]
    assert {"looks into", "closed", "reopened", "noted", "voted"} <= set(deeds)


def test_findings_are_split_off_and_merged_again(call, told):
    """The answer is the incident that is there now; what makes no sense is 422, what is not there 404."""
    path = f"/incidents/{told[0]}"
    findings = call("GET", path).json()["findings"]
    other = call("POST", f"{path}/split", json={"findings": [findings[1]["id"]]}).json()
    assert (other["services"], call("GET", path).json()["services"]) == (["api"], ["mariadb"])
    assert call("POST", f"/incidents/{other['id']}/merge", json={"into": told[0]}).json()["id"] == told[0]
    assert call("GET", f"/incidents/{other['id']}").json()["merged_into"] == told[0]
    assert call("POST", f"{path}/merge", json={"into": told[0]}).status_code == 422
    assert call("POST", f"{path}/merge", json={"into": 2**70}).status_code == 404
    assert call("POST", f"{path}/split", json={"findings": []}).status_code == 422
    assert call("POST", f"{path}/split", json={"findings": [2**70]}).status_code == 422


def test_a_family_is_muted_until_a_time_and_heard_again(call, told):
    """Which one must be said where it speaks of several; only what the incident speaks of, on nodes that there are."""
    path = f"/incidents/{told[0]}/mute"
    said = {"until": "7d", "reason": "known, a ticket is open"}
    several = call("POST", path, json=said)
    assert (several.status_code, "say which one" in several.text) == (422, True)
    family = next(
        x["family"] for x in call("GET", f"/incidents/{told[0]}").json()["findings"] if x["line"] == "unit failed"
    )
    said["family"] = family
    muted = call("POST", path, json=said).json()
    assert (muted["line"], muted["service"], muted["nodes"], muted["active"]) == ("unit failed", "mariadb", [], True)
    assert muted["until_us"] == call.mesh.clock.now_us() + 7 * 24 * 60 * MINUTE_US
    assert call("GET", f"/incidents/{told[0]}").json()["notes"][-1]["text"].startswith(f"{muted['family']}: known")
    other = call("POST", path, json={**said, "family": "f2", "nodes": ["apps"], "most_per_hour": 5}).json()
    assert (other["nodes"], other["most_per_hour"]) == (["apps"], 5)
    assert [one["id"] for one in call("GET", "/mutes").json()["mutes"]] == [other["id"], muted["id"]]
    assert [one["id"] for one in call("POST", f"/mutes/{muted['id']}/end").json()["mutes"]] == [other["id"]]
    (ended,) = [one for one in call("GET", "/mutes?ended=true").json()["mutes"] if one["id"] == muted["id"]]
    assert (ended["active"], ended["ended_why"]) == (False, "ended by this machine")
    for wrong in ({"family": "f99"}, {"family": "t1"}, {"nodes": ["nobody"]}, {"until": "2h ago"}, {"until": "91d"},
                  {"reason": " "}, {"reason": "x" * 501}, {"most_per_hour": 0}, {"until": "someday"}):  # fmt: skip
        answer = call("POST", path, json=said | wrong)
        assert (answer.status_code, bool(answer.json()["hint"])) == (422, True), wrong
    none = call("POST", f"/incidents/{told[1]}/mute", json=said)
    assert none.status_code == 422
    assert "maintenance" in none.json()["hint"]


def test_a_maintenance_window_is_planned_and_ended(call):
    """`2h` lies ahead; globs are kept as they are given; what is over is only shown when asked for."""
    said = {"since": "1h", "until": "3h", "nodes": ["web-*"], "services": ["nginx"], "reason": "new disks"}
    made = call("POST", "/maintenance", json=said).json()
    assert (made["state"], made["nodes"], made["services"], made["who"]) == (
        "planned", ["web-*"], ["nginx"], "this machine",
    )  # fmt: skip
    assert made["until_us"] - made["since_us"] == 120 * MINUTE_US
    assert [one["id"] for one in call("GET", "/maintenance").json()["maintenance"]] == [made["id"]]
    assert call("POST", f"/maintenance/{made['id']}/end").json() == {"maintenance": []}
    assert call("GET", "/maintenance?ended=true").json()["maintenance"][0]["state"] == "over"
    for wrong in ({"until": "30m"}, {"until": "2h ago"}, {"until": "32d"}, {"reason": ""}, {"nodes": ["a", ""]}):
        assert call("POST", "/maintenance", json=said | wrong).status_code == 422, wrong


@pytest.mark.parametrize("number", ["0", "99", str(2**31), str(2**63), "9" * 40])
def test_numbers_that_nobody_has_are_404(call, number):
    """However large, for every route."""
    bodies = {
        "note": {"text": "x"}, "vote": {"verdict": "real"}, "investigate": None, "close": None, "reopen": None,
        "merge": {"into": 1}, "split": {"findings": [1]}, "mute": {"until": "1h", "reason": "x"},
    }  # fmt: skip
    for verb, body in bodies.items():
        assert call("POST", f"/incidents/{number}/{verb}", json=body).status_code == 404, verb
    for path in (f"/mutes/{number}/end", f"/maintenance/{number}/end"):
        assert call("POST", path).status_code == 404
    assert call("GET", f"/incidents/{number}").status_code == 404


@pytest.mark.parametrize("text", ["", " \n ", "x" * 10_001, "half \ud800 a character"])
def test_notes_that_say_nothing_or_too_much_are_refused(call, told, text):
    """So are votes that are none; nothing is stored of them."""
    body = json.dumps({"text": text}).encode()
    answer = call("POST", f"/incidents/{told[0]}/note", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert call("POST", f"/incidents/{told[0]}/vote", json={"verdict": "maybe"}).status_code == 422
    assert [one["kind"] for one in call("GET", f"/incidents/{told[0]}").json()["notes"]] == ["told"]


def test_hostile_text_goes_through_as_data(call):
    """In titles, names, lines, notes and reasons: stored and answered as it was said."""
    mesh, name = call.mesh, "<b>\x1b[31m' OR 1=1 --"
    one = found(mesh, NOW_MIN, name, name, text=HOSTILE)
    cited = Cited(f"{NOW_US}-1", NOW_US, one.node, one.service, 0, 1, 3, HOSTILE)
    number = open_incident(mesh, [one], title=HOSTILE[:400], lines=[cited])
    assert call("POST", f"/incidents/{number}/note", json={"text": HOSTILE}).status_code == 200
    whole = call("GET", f"/incidents/{number}").json()
    assert (whole["title"], whole["services"], whole["nodes"]) == (HOSTILE[:400], [name], [name])
    assert whole["notes"][-1]["text"] == whole["evidence"][0]["message"] == whole["findings"][0]["text"] == HOSTILE
    found_again = call("GET", "/incidents", params={"service": name, "node": name})
    assert [row["id"] for row in found_again.json()["incidents"]] == [number]
    body = b'{"until": "1h", "reason": "x", "nodes": ["half \\ud800"]}'
    for path in (f"/incidents/{number}/mute", "/maintenance"):
        answer = call("POST", path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422


def test_the_watch_says_how_it_stands(call, told):
    """Detectors, blind times, and a look at the past, one at a time."""
    (primitive,) = [one for one in call("GET", "/detectors").json()["detectors"] if one["name"] == "primitive"]
    assert primitive["findings_24h"] == 4
    assert call("GET", "/blind?since=1d&node=store").json() == {"blind": []}
    assert call("GET", "/detect?since=1d&learn=1").json()["incidents"] == []
    assert call("GET", "/detect?learn=0").status_code == 422
    with incidents._looking:
        answer = call("GET", "/detect?since=1d")
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
