"""What agents tell of connections: who may, what is refused whole, and that a report counts once."""

from __future__ import annotations

import json

import pytest
from asgi import STRANGER
from hypothesis import given, settings
from hypothesis import strategies as st

from bodies import NOW_US, line, take
from devmesh.api.report import parse_report
from devmesh.errors import InvalidInput

PATH = "/ingest/connections"
SHOP = {"unit": "shop.service", "protocol": "tcp", "address": "10.0.0.5", "port": 5432, "count": 2, "unanswered": 1}
DB = {"unit": "postgresql.service", "protocol": "tcp", "address": "", "port": 5432}


def told(call, said, **more):
    """The answer to a report of the node web."""
    call.mesh.clock.advance(60)
    head = {"DevMesh-Node": more.pop("node", "web")}
    body = said if isinstance(said, bytes) else json.dumps({"since_us": NOW_US, "until_us": NOW_US, **said}).encode()
    return call("POST", PATH, content=body, headers=head, **more)


def seen(mesh):
    """(service, node, target, n, failures) of all that was taken or waits."""
    waiting = [(one.service, one.node, one.target, one.n, one.failures) for one in mesh.graph.learning.unresolved()]
    taken = [
        (proposal.start, one.node, one.target, one.n, one.failures)
        for proposal in mesh.graph.learning.proposals(everything=True).rows
        for one in proposal.told
    ]
    return sorted([*waiting, *taken])


def test_both_ends_make_a_proposal(call):
    """Who connects, told by one node, and who listens there, told by another: an edge is proposed, and nothing more."""
    take(call.mesh, line("up", service="shop"), "web")
    take(call.mesh, line("up", service="postgresql"), "db1")
    assert told(call, {"addresses": ["10.0.0.5"], "listeners": [DB]}, node="db1").json()["code"] == "ok"
    answer = told(call, {"connections": [SHOP]}).json()
    assert (answer["taken"], answer["unresolved"], answer["ignored"]) == (1, 0, 0)
    (proposal,) = call.mesh.graph.learning.proposals(everything=True).rows
    assert (proposal.start, proposal.end, proposal.evidence, proposal.failures) == ("shop", "postgresql", 2, 1)
    assert call("GET", "/graph").json()["services"] == []


def test_a_report_that_comes_again_counts_once(call):
    """As after a lost answer; also in another process, for it is the store that remembers."""
    for _time in range(3):
        assert told(call, {"connections": [SHOP]}).status_code == 200
    assert seen(call.mesh) == [("shop", "web", "10.0.0.5:5432", 2, 1)]
    assert told(call, {"connections": [SHOP], "until_us": NOW_US + 5}).status_code == 200
    assert seen(call.mesh) == [("shop", "web", "10.0.0.5:5432", 4, 2)]


def test_units_of_one_name_are_one_service(call):
    """What the service rule calls alike is added up, not taken for a repeat."""
    more = [{**SHOP, "unit": f"job@abc{n}ef.service"} for n in (1, 2)] + [
        {**SHOP, "protocol": "udp", "unit": "job@9abcde"}
    ]
    assert told(call, {"connections": more}).status_code == 200
    assert seen(call.mesh) == [("job@*", "web", "10.0.0.5:5432", 6, 3)]


def test_units_and_mounts_are_needs(call):
    """A unit that requires another, a unit that uses a server's files, a container on the node itself."""
    said = {
        "needs": [{"unit": "shop.service", "needs": ["redis.service"]}],
        "mounts": [{"unit": "media", "kind": "nfs", "server": "fd00::7"}],
        "connections": [{**SHOP, "address": "172.18.0.3", "to": "shop-db"}],
    }
    assert told(call, said).status_code == 200
    assert [one[:3] for one in seen(call.mesh)] == [
        ("media", "web", "[fd00::7]:2049"), ("shop", "web", "redis.service"), ("shop", "web", "shop-db"),
    ]  # fmt: skip


def test_a_node_token_tells_of_its_node_alone(call):
    """Another node's name is refused; without a name the token's counts; who only reads may not tell."""
    token, reader = call.mesh.accounts.create_token("node", "web"), call.mesh.accounts.create_token("read")
    body = json.dumps({"since_us": NOW_US, "until_us": NOW_US, "connections": [SHOP]}).encode()
    answer = call("POST", PATH, peer=STRANGER, token=token, content=body, headers={"DevMesh-Node": "db1"})
    assert answer.status_code == 403
    assert call("POST", PATH, peer=STRANGER, token=reader, content=body).status_code == 403
    assert call("POST", PATH, peer=STRANGER, content=body).status_code == 401
    assert seen(call.mesh) == []
    assert call("POST", PATH, peer=STRANGER, token=token, content=body).status_code == 200
    assert [one[1] for one in seen(call.mesh)] == ["web"]


def test_one_in_five_seconds(call):
    """The next one hears when; other nodes are not held up."""
    assert told(call, {}).status_code == 200
    head = {"DevMesh-Node": "web"}
    answer = call("POST", PATH, content=b"{}", headers=head)
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (429, "quota_exceeded", "5")
    assert call("POST", PATH, content=b"{}", headers={"DevMesh-Node": "db1"}).status_code == 422


HOSTILE = {
    "no json": b"\0\xff",
    "a list": b"[]",
    "too deep": b"[" * 100_000,
    "no span": b"{}",
    "text for a number": {"since_us": "1"},
    "NaN": b'{"since_us": NaN, "until_us": 1}',
    "half of a pair": b'{"since_us": 1, "until_us": 1, "names": ["\\ud800"]}',
    "a span of another year": {"since_us": 1, "until_us": 2},
    "a span backwards": {"since_us": NOW_US + 1},
    "markup": {"connections": [{**SHOP, "unit": "<script>alert(1)</script>"}]},
    "NUL": {"connections": [{**SHOP, "unit": "a\0b"}]},
    "a long name": {"connections": [{**SHOP, "unit": "a" * 256}]},
    "no address": {"connections": [{**SHOP, "address": "10.0.0.5'; DROP TABLE"}]},
    "a zone of markup": {"connections": [{**SHOP, "address": "fe80::1%<b>"}]},
    "a port too high": {"connections": [{**SHOP, "port": 65_536}]},
    "a count of nothing": {"connections": [{**SHOP, "count": 0}]},
    "a huge count": {"connections": [{**SHOP, "count": 10**30}]},
    "half a count": {"connections": [{**SHOP, "count": 1.5}]},
    "another protocol": {"connections": [{**SHOP, "protocol": "icmp"}]},
    "too many": {"connections": [SHOP] * 2_001},
    "too many together": {"connections": [SHOP] * 1_500, "needs": [{"unit": "a", "needs": ["b"] * 501}]},
    "too many addresses": {"addresses": ["10.0.0.5"] * 40, "names": ["x"] * 40},
    "a name with a line end": {"names": ["web\n"]},
    "a mount of markup": {"mounts": [{"unit": "a", "kind": "nfs", "server": "<b>"}]},
    "one wrong among right": {"connections": [SHOP, {**SHOP, "port": 0}], "listeners": [DB]},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_wrong_is_refused_whole(call, name):
    """With the field's name and without what stood there; nothing of the report is stored."""
    answer = told(call, HOSTILE[name])
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert answer.json()["message"]
    assert not any(mark in answer.text for mark in ("<", "alert", "DROP"))
    assert seen(call.mesh) == []


def test_a_million_entries_are_too_large(call):
    """Before they are looked at."""
    body = json.dumps({"connections": [SHOP] * 100_000}).encode()
    answer = told(call, body)
    assert (answer.status_code, answer.json()["limit_bytes"]) == (413, 1 << 20)
    assert seen(call.mesh) == []


FIELDS = ("addresses", "names", "connections", "listeners", "needs", "mounts", "since_us", "until_us", "unnamed")
VALUE = st.none() | st.integers() | st.text(max_size=5) | st.sampled_from([NOW_US, "tcp", "10.0.0.1", [], {}, ["x"]])
ENTRY = st.fixed_dictionaries({}, optional=dict.fromkeys([*SHOP, "needs", "kind", "server", "to"], VALUE))


def test_nothing_makes_it_fall():
    """Whatever stands in the fields: a report, or an error of ours that names one of them."""

    @settings(max_examples=200, deadline=None, database=None, derandomize=True)
    @given(st.dictionaries(st.sampled_from(FIELDS), VALUE | st.lists(ENTRY | VALUE, max_size=3)))
    def ask(said):
        try:
            report = parse_report(json.dumps(said).encode(), NOW_US)
        except InvalidInput:
            return
        assert all(one.first_us <= one.last_us for one in report.seen("web"))

    ask()
