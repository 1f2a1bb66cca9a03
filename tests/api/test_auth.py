"""Who may: every route has a rule, and every kind of caller is tried on every route."""

from __future__ import annotations

import asyncio
import importlib
import pkgutil

import pytest
from asgi import STRANGER
from fastapi import Request

import devmesh.api
from bodies import line, messages
from devmesh.api.auth import COOKIE, PathToken, from_itself

READ, SEND, OPERATE, ADMIN, OPEN = "read", "send", "operate", "admin", "open"
# A route that is not in here fails the test below: whoever adds one says who may call it.
RULES = {
    "GET /logs": READ, "GET /logs/tail": READ, "GET /logs/{event_id}/context": READ, "GET /logs/count": READ,
    "GET /logs/histogram": READ, "GET /logs/export": READ,
    "GET /templates": READ, "GET /templates/{template_id}": READ, "PUT /templates/{template_id}/words": OPERATE,
    "POST /templates/{template_id}/merge": OPERATE, "POST /templates/{template_id}/split": OPERATE,
    "GET /search/templates": READ, "POST /analyze": READ,
    "GET /changes": READ, "GET /drift": READ, "GET /notifications": READ, "POST /notifications/test": ADMIN,
    "GET /search/logs": READ, "GET /nodes": READ, "GET /services": READ, "GET /stats": READ, "GET /metrics": READ,
    "GET /incidents": READ, "GET /incidents/{number}": READ, "POST /incidents/{number}/note": OPERATE,
    "POST /incidents/{number}/vote": OPERATE, "POST /incidents/{number}/investigate": OPERATE,
    "POST /incidents/{number}/close": OPERATE, "POST /incidents/{number}/reopen": OPERATE,
    "POST /incidents/{number}/merge": OPERATE, "POST /incidents/{number}/split": OPERATE,
    "POST /incidents/{number}/mute": OPERATE, "GET /mutes": READ, "POST /mutes/{number}/end": OPERATE,
    "GET /maintenance": READ, "POST /maintenance": OPERATE, "POST /maintenance/{number}/end": OPERATE,
    "GET /detectors": READ, "GET /blind": READ, "GET /detect": READ,
    "GET /graph": READ, "GET /graph/blast": READ, "GET /graph/causes": READ, "GET /graph/path": READ,
    "GET /graph/risks": READ, "GET /graph/proposal": READ, "POST /graph/inventory": OPERATE,
    "POST /graph/read": OPERATE,
    "GET /graph/proposals": READ, "POST /graph/proposals": OPERATE,
    "POST /graph/proposals/{proposal_id}/accept": OPERATE,
    "POST /graph/proposals/{proposal_id}/refuse": OPERATE, "GET /graph/unresolved": READ, "GET /graph/stale": READ,
    "GET /health": OPEN, "POST /ingest": SEND, "GET /ingest/state": SEND, "POST /ingest/heartbeat": SEND,
    "POST /ingest/connections": SEND,
    "POST /nodes/{name:path}/retire": ADMIN, "GET /audit": ADMIN,
    "GET /": OPEN, "GET /docs": OPEN, "GET /docs/start.js": OPEN, "GET /docs/{name}": OPEN, "GET /openapi.json": OPEN,
}  # fmt: skip
MAY = {
    "node": {SEND, OPEN}, "relay": {SEND, OPEN}, "read": {READ, OPEN}, "admin": {READ, SEND, OPERATE, ADMIN, OPEN},
    "nobody": {OPEN}, "unknown": {OPEN}, "anna": {READ, SEND, OPERATE, ADMIN, OPEN}, "ben": {READ, OPERATE, OPEN},
    "carla": {READ, OPEN},
}  # fmt: skip
REFUSED = {401, 403}


def rule(name):
    """Who may call a route: what it says, or admin for the admin's own."""
    return RULES.get(name) or (ADMIN if _path(name).startswith(("/tokens", "/users", "/loops", "/admin")) else None)


def _path(name):
    return name.split(" ")[1]


def routes():
    """`METHOD /path` of every route of every file of the face, those that the document leaves out too."""
    found = {"GET /openapi.json"}
    for part in pkgutil.iter_modules(devmesh.api.__path__, "devmesh.api."):
        router = getattr(importlib.import_module(part.name), "router", None)
        for route in router.routes if router else []:
            found |= {f"{method} {route.path}" for method in route.methods - {"HEAD", "OPTIONS"}}
    return sorted(found)


PASSWORD = "correct horse battery"  # noqa: S105 - of nobody


@pytest.fixture
def cookies(mesh):
    """Who signed in, of each kind."""
    people, made = mesh.accounts.people, {}
    for name, kind in {"anna": "admin", "ben": "operate", "carla": "read"}.items():
        people.add(name, PASSWORD, kind)
        made[name] = {"Cookie": f"{COOKIE}={people.sign_in(name, PASSWORD, name)}"}
    return made


@pytest.fixture
def tokens(mesh):
    """A token of each kind, and one that nobody made."""
    made = {kind: mesh.accounts.create_token(kind) for kind in ("relay", "read", "admin")}
    return {**made, "node": mesh.accounts.create_token("node", "n1"), "unknown": "dm_" + "x" * 43}


def test_every_route_has_a_rule():
    """No route is reachable that nobody thought about."""
    assert [name for name in routes() if rule(name) is None] == []


def test_every_caller_on_every_route(call, tokens, cookies):
    """From afar each kind of token, and who signed in, reaches what its kind may and nothing else: 401 for none, 403
    for a wrong one.
    """
    wrong = []
    for name in routes():
        if name == "GET /logs/tail":
            continue  # it never ends where it works; see test_tail.py and the test below
        method, path = name.split(" ")
        path = path.replace("{event_id}", "1-1").replace("{template_id}", "f1").replace("{name}", "x")
        path = path.replace("{name:path}", "nobody-of-this-name")
        path = path.replace("{token_id}", "99").replace("{loop}", "no-such").replace("{number}", "99")
        for who, may in MAY.items():
            answer = call(
                method, path, peer=STRANGER, host="mesh.example:8000", token=tokens.get(who), headers=cookies.get(who),
                content=b"",
            )  # fmt: skip
            allowed = rule(name) in may
            if (answer.status_code in REFUSED) == allowed or answer.status_code >= 500:
                wrong.append((name, who, answer.status_code))
            elif not allowed:
                expected = 401 if who in {"nobody", "unknown"} else 403
                wrong += [] if answer.status_code == expected else [(name, who, answer.status_code)]
    assert wrong == []


@pytest.mark.parametrize("who", ["nobody", "unknown", "node", "relay"])
def test_the_tail_is_for_readers(call, tokens, who):
    """The live tail is refused like every other way to read."""
    assert call("GET", "/logs/tail", peer=STRANGER, token=tokens.get(who)).status_code in REFUSED


def test_loopback_is_admin(call):
    """A caller on the machine itself needs no token, also when tokens exist."""
    call.mesh.accounts.create_token("read")
    for host in ("127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]:8000", "127.9.9.9"):
        assert call("GET", "/stats", host=host).status_code == 200
    assert call("GET", "/stats", peer=("::1", 1)).status_code == 200


FORWARDED = ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Via"]


@pytest.mark.parametrize("header", FORWARDED)
def test_a_proxy_in_front_is_not_loopback(call, header):
    """Whoever comes through a proxy on this machine is not this machine."""
    assert call("GET", "/stats", headers={header: "for=1.2.3.4"}).status_code == 401


OTHER_HOSTS = [
    "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "2130706433", "0x7f.1", "[", "[::1", "a:b",
    "127.0.0.1@evil",
]  # fmt: skip


@pytest.mark.parametrize("host", OTHER_HOSTS)
def test_another_host_is_not_loopback(call, host):
    """A browser that was sent here under another name (DNS rebinding) is a stranger; no Host makes a fault."""
    assert call("GET", "/stats", host=host).status_code == 401


def test_another_machine_is_not_loopback(call):
    """What the Host says does not matter where the peer is elsewhere."""
    assert call("GET", "/stats", peer=STRANGER, host="127.0.0.1").status_code == 401


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1:9999", "http://[", "x", "https://127.0.0.1"]
)
def test_pages_of_another_origin_may_not_post(call, origin):
    """A page elsewhere cannot make the browser of somebody on this machine post here."""
    answer = call("POST", "/ingest", headers={"Origin": origin}, content=line("x"))
    assert answer.status_code == 403
    assert messages(call.mesh) == []


def test_pages_of_our_own_may_post(call):
    """The same origin may."""
    answer = call("POST", "/ingest", headers={"Origin": "http://127.0.0.1:8000"}, content=line("x"))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "header", ["Basic eDp5", "Bearer", "Bearer ", "Digest x", "dm_token", "Bearer \xff\xfe", "Bearer " + "x" * 9_000]
)
def test_other_authorization_is_refused_also_on_loopback(call, header):
    """Who shows something that is no token is not let in as the machine itself."""
    assert call("GET", "/stats", headers={"Authorization": header.encode("latin-1")}).status_code == 401


def test_strangers_learn_the_state_alone(call, tokens):
    """/health tells a stranger ok or degraded; parts, with their reasons and names, are for who may read."""
    call.mesh.nodes.node_names.ids(["secret-node"])
    for token in (None, "nonsense", tokens["unknown"], tokens["node"], tokens["relay"]):
        answer = call("GET", "/health", peer=STRANGER, host="mesh.example", token=token)
        assert set(answer.json()) <= {"status", "code", "message", "hint", "batch"}
        assert "parts" not in answer.text
    for token in (tokens["read"], tokens["admin"]):
        assert "parts" in call("GET", "/health", peer=STRANGER, host="mesh.example", token=token).json()
    assert "parts" in call("GET", "/health").json()


def test_a_token_in_the_path(call, tokens):
    """Clients without headers put the token into the path; it is worth what it is worth in a header."""
    path = f"/t/{tokens['node']}"
    assert call("POST", f"{path}/ingest", peer=STRANGER, content=line("x")).status_code == 200
    assert call("GET", f"{path}/stats", peer=STRANGER).status_code == 403
    assert call("GET", "/t/dm_wrong/stats").status_code == 401
    assert call("GET", f"/t/{tokens['read']}/stats", peer=STRANGER).status_code == 200
    for odd in ("/t/", "/t//stats", "/t/%ff/stats", "/t", "/t/\u20ac/stats"):
        assert call("GET", odd, peer=STRANGER).status_code in {307, 401, 404}  # "/t/" is "/", which leads to /docs


def test_a_node_token_speaks_for_its_node_alone(call, tokens):
    """Another node's name in a header, a line, a heartbeat or a question is refused, and nothing is stored (T11)."""
    node = tokens["node"]
    other = {"DevMesh-Node": "n2"}
    assert call("POST", "/ingest", token=node, headers=other, content=line("x")).status_code == 403
    assert call("GET", "/ingest/state", token=node, headers=other).status_code == 403
    assert call("POST", "/ingest/heartbeat", token=node, headers=other, json={}).status_code == 403
    answer = call("POST", "/ingest", token=node, content=line("x", node="n2") + line("mine"))
    assert (answer.json()["stored"], answer.json()["rejected"]) == (1, 1)
    assert [one.name for one in call.mesh.nodes.list().rows] == ["n1"]
    assert call("GET", "/ingest/state", token=node).json()["node"] == "n1"


def test_a_relay_speaks_for_any_node(call, tokens):
    """A relay names the node, by header or by line."""
    head = {"DevMesh-Node": "n7"}
    assert (
        call("POST", "/ingest", peer=STRANGER, token=tokens["relay"], headers=head, content=line("x")).status_code
        == 200
    )
    assert (
        call("POST", "/ingest", peer=STRANGER, token=tokens["relay"], content=line("x", node="n8")).status_code == 200
    )
    assert {"n7", "n8"} <= {one.name for one in call.mesh.nodes.list().rows}


def test_a_revoked_token_is_refused(call, clock, tokens):
    """Within seconds of its revocation a token is worth nothing."""
    assert call("GET", "/stats", peer=STRANGER, token=tokens["read"]).status_code == 200
    found = next(one for one in call.mesh.accounts.list_tokens().rows if one.kind == "read")
    call.mesh.accounts.revoke(found.id)
    clock.advance(6)
    assert call("GET", "/stats", peer=STRANGER, token=tokens["read"]).status_code == 401


def test_no_secret_is_kept(call, tokens):
    """The store holds hashes, never a token."""
    with call.mesh.db.read() as connection:
        dump = "\n".join(connection.connection.driver_connection.iterdump())
    assert not [kind for kind, secret in tokens.items() if secret in dump]


def test_strangers_never_reach_a_server_without_tokens(make_mesh):
    """The server refuses to listen beyond loopback until there is a token."""
    from devmesh.errors import ConfigError
    from devmesh.server import check_address

    mesh = make_mesh(host="0.0.0.0")  # noqa: S104 - that it is refused is the point
    with pytest.raises(ConfigError):
        check_address(mesh)
    mesh.accounts.create_token("read")
    check_address(mesh)


def test_a_token_in_a_path_is_not_logged(call, tokens, caplog, monkeypatch):
    """A fault of ours is logged with its path, and without the token that stood in it."""
    monkeypatch.setattr("devmesh.api.house.stats", lambda _mesh: 1 / 0)
    assert call("GET", f"/t/{tokens['read']}/stats").status_code == 500
    assert "request failed" in caplog.text
    assert tokens["read"] not in caplog.text


@pytest.mark.parametrize(("version", "itself"), [("1.1", True), ("2", True), ("1.0", False)])
def test_a_proxy_that_says_nothing_is_not_the_machine_itself(version, itself):
    """Nginx with a bare proxy_pass sends Host 127.0.0.1 and no header that tells of it, in HTTP/1.0: callers behind it
    are no admins.
    """
    head = [(b"host", b"127.0.0.1:8000"), (b"connection", b"close")]
    request = Request({"type": "http", "http_version": version, "headers": head, "client": ("127.0.0.1", 40_000)})
    assert from_itself(request) is itself


PASSWORD = "correct horse battery"  # noqa: S105 - of nobody


def test_with_the_first_user_this_machine_is_a_stranger(call):
    """A session's cookie opens what its user may; a cookie that is none opens nothing."""
    people = call.mesh.accounts.people
    assert call("GET", "/stats").status_code == 200
    people.add("anna", PASSWORD)
    people.add("ben", PASSWORD, "read")
    assert call("GET", "/stats").status_code == 401
    cookies = {name: people.sign_in(name, PASSWORD, "127.0.0.1") for name in ("anna", "ben")}
    may = {
        name: [
            call(method, path, headers={"Cookie": f"devmesh_session={cookie}"}, peer=STRANGER).status_code
            for method, path in (("GET", "/stats"), ("GET", "/tokens"))
        ]
        for name, cookie in {**cookies, "forged": "x.y"}.items()
    }
    assert may == {"anna": [200, 200], "ben": [200, 403], "forged": [401, 401]}
    people.sign_out(cookies["anna"])
    assert call("GET", "/stats", headers={"Cookie": f"devmesh_session={cookies['anna']}"}).status_code == 401


def test_a_session_does_not_let_another_origin_post(call):
    """What a page elsewhere makes a signed-in browser send is refused."""
    people = call.mesh.accounts.people
    people.add("anna", PASSWORD)
    cookie = {"Cookie": f"devmesh_session={people.sign_in('anna', PASSWORD, '127.0.0.1')}"}
    assert call("POST", "/ingest", headers=cookie, content=line("x")).status_code == 200
    evil = {**cookie, "Origin": "http://evil.example"}
    assert call("POST", "/ingest", headers=evil, content=line("x")).status_code == 403
    assert call("DELETE", "/users/anna", headers=evil).status_code == 403


@pytest.mark.parametrize("path", ["/t/x/ui/logs", "/t/x/ui", "/t/x/t/y/ui/logs"])
def test_no_token_in_the_path_leads_to_pages(path):
    """The guard of the pages looks at the path as it came: nobody gets past it by a token in front."""
    reached = []

    async def app(scope, _receive, _send):
        reached.append(scope["path"])

    asyncio.run(PathToken(app)({"type": "http", "path": path, "headers": []}, None, None))
    assert not reached[0].startswith("/ui")
