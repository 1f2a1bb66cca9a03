"""The graph over HTTP: loaded whole or not at all, errors as data, the same answers as the command line's."""

from __future__ import annotations

from bodies import line, take
from devmesh.api import graph
from devmesh.graph import Listener, Seen

CACHE = Listener("h1", "", 6379, "cache")
TEXT = "services:\n  db: {hosts: [h1], aliases: [mysqld]}\n  api: {hosts: [h2], depends_on: [db]}\n"


def load(call, text, **more):
    """The answer to a new inventory."""
    return call("POST", "/graph/inventory", json={"text": text, **more})


def test_an_inventory_is_loaded_and_asked(call):
    """A dry run changes nothing; names are services, aliases or hosts."""
    assert load(call, TEXT, dry_run=True).json()["applied"] is False
    assert call("GET", "/graph").json() == {"services": [], "cursor": None}
    said = load(call, TEXT).json()
    assert (said["version"], said["services"], said["edges"], said["applied"]) == (1, 2, 1, True)
    assert call("GET", "/graph?limit=1").json()["cursor"] == "api"
    found = call("GET", "/graph/blast", params={"of": "mysqld.service"}).json()
    assert (found["of"]["name"], found["total"], found["by_hops"]) == ("db", 1, [1])
    assert found["rows"][0]["way"] == [{"who": "api", "types": ["DEPENDS_ON"], "what": "db"}]
    assert call("GET", "/graph/causes", params={"of": "api"}).json()["total"] == 3
    assert len(call("GET", "/graph/path", params={"start": "api", "end": "host:h1"}).json()["ways"]) == 1
    assert call("GET", "/graph/risks").json()["points"] == [{"kind": "host", "name": "h1", "type": "", "ends": 2}]
    assert call("GET", "/graph/proposal").json()["text"].startswith("# A draft of 0 services")


def test_one_inventory_is_proposed_at_a_time(call):
    """Each reads lines of every service: many at once would keep the others from asking."""
    with graph._proposing:
        answer = call("GET", "/graph/proposal")
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    assert call("GET", "/graph/proposal").status_code == 200


def test_every_error_of_a_file_is_told_as_data(call):
    """Line, column, what, and what would be right; nothing is changed."""
    load(call, TEXT)
    refused = load(call, "services:\n  a: {}\n  b: {hosts: [h], depends_on: [c]}\n", source="mine.yaml")
    assert refused.status_code == 422
    assert refused.json()["message"] == "mine.yaml:2:3: 'a' runs nowhere. And 1 more."
    assert [(one["line"], one["column"]) for one in refused.json()["faults"]] == [(2, 3), (3, 32)]
    assert len(call("GET", "/graph").json()["services"]) == 2


def test_who_is_unknown_is_not_found(call):
    """With a near name; a name that is none is no fault of ours."""
    load(call, TEXT)
    missing = call("GET", "/graph/blast", params={"of": "apj"})
    assert (missing.status_code, "Did you mean api?" in missing.json()["hint"]) == (404, True)
    for query in ("of=", "of=" + "x" * 300, "of=api&limit=0", "of=%00", "name=api"):
        assert call("GET", f"/graph/blast?{query}").status_code in {404, 422}


def test_learned_edges_are_decided_by_name_or_id(call):
    """The proposal as it is afterwards; what nobody saw is not found, what a file declares is a conflict."""
    load(call, TEXT + "  cache: {hosts: [h1]}\n")
    now, day = call.mesh.clock.now_us(), 86_400_000_000
    times = [now - n * day for n in (4, 3, 2, 1)]
    call.mesh.graph.learn([Seen("api", "h2", "h1:6379", "network", at, at, 9) for at in times], (), [CACHE])
    [one] = call("GET", "/graph/proposals").json()["proposals"]
    assert (one["start"], one["end"], one["evidence"], one["told"][0]["target"]) == ("api", "cache", 36, "h1:6379")
    done = call("POST", f"/graph/proposals/{one['id']}/accept")
    assert (done.status_code, done.json()["decision"]) == (200, "accepted")
    assert call("GET", "/graph/proposals").json()["proposals"] == []
    assert len(call("GET", "/graph/proposals?everything=true").json()["proposals"]) == 1
    refuse = {"start": "api", "end": "cache", "decision": "refuse"}
    assert call("POST", "/graph/proposals", json=refuse).json()["decision"] == "refused"
    assert call("POST", "/graph/proposals", json={**refuse, "end": "db"}).status_code == 409
    assert call("POST", "/graph/proposals", json={**refuse, "start": "cache"}).status_code == 404
    assert call("POST", "/graph/proposals/0123456789ab/refuse").status_code == 404
    assert call("GET", "/graph/stale").json() == {"edges": []}
    assert call("GET", "/graph/unresolved").json() == {"unresolved": []}


def test_a_file_is_read_as_evidence(call):
    """As a plan nothing is taken; errors are data with their line; nothing of a secret comes back."""
    take(call.mesh, line("up", service="shop"), "h1")
    said = {"source": "/opt/shop.env", "node": "h1", "service": "shop", "text": "DB_URL=postgres://u:hunter2@db1/x\n"}
    plan = call("POST", "/graph/read", json={**said, "plan": True}).json()
    found = {"service": "shop", "target": "postgres://db1", "line": 1, "whom": "", "why": "no node is known by this"}
    assert plan == {"format": "env", "found": [found], "learned": None}
    assert call.mesh.graph.learning.unresolved() == []
    assert call("POST", "/graph/read", json=said).json()["learned"] == {"taken": 0, "unresolved": 1, "ignored": 0}
    assert "hunter2" not in call("GET", "/graph/unresolved").text
    wrong = call("POST", "/graph/read", json={**said, "text": "A=1\nhunter2 hunter2\n"})
    assert (wrong.status_code, wrong.json()["faults"][0]["line"]) == (422, 2)
    assert "hunter2" not in wrong.text
    assert call("POST", "/graph/read", json={**said, "node": "h2"}).status_code == 404
    assert call("POST", "/graph/read", json={**said, "text": "x" * (1 << 20)}).status_code == 422
    assert call("POST", "/graph/read", json={**said, "text": "x" * (3 << 20)}).status_code == 413
