"""The live tail: events as they are stored, a ping in silence, and resuming with nothing missed."""

from __future__ import annotations

import asyncio
import json

import pytest
from asgi import LOCAL

from bodies import line, rows, take
from devmesh.api import logs
from devmesh.events import service


class Tail:
    """A client of /logs/tail that reads until it has seen enough, then goes away."""

    def __init__(self, app, query: str = "", **headers: str) -> None:
        self.app, self.events, self.missed, self.pings, self.status = app, [], [], 0, 0
        head = [
            (b"host", b"localhost"),
            *((name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()),
        ]
        self.scope = {
            "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": "GET",
            "scheme": "http", "path": "/logs/tail", "raw_path": b"/logs/tail", "query_string": query.encode(),
            "root_path": "", "headers": head, "client": LOCAL, "server": LOCAL, "state": {},
        }  # fmt: skip

    def read(self, enough, act=lambda: None):
        """Read until `enough(self)`; `act` is called once the stream has begun."""
        asyncio.run(asyncio.wait_for(self._read(enough, act), 20))
        return self

    async def _read(self, enough, act):
        gone, began, asked = asyncio.Event(), False, False

        async def receive():
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"", "more_body": False}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            nonlocal began
            if message["type"] == "http.response.start":
                self.status = message["status"]
            self._note(message.get("body", b""))
            if not began:
                began = True
                await asyncio.to_thread(act)
            if enough(self):
                gone.set()

        await self.app(self.scope, receive, send)

    def _note(self, body):
        for block in body.decode().split("\n\n"):
            if block.startswith(":"):
                self.pings += 1
            elif block:
                fields = dict(part.split(": ", 1) for part in block.split("\n"))
                if fields.get("event") == "missed":
                    self.missed.append((len(self.events), json.loads(fields["data"])))
                else:
                    self.events.append((fields["id"], json.loads(fields["data"])))


@pytest.fixture(autouse=True)
def _hurried(monkeypatch):
    """Polls without the wait."""
    monkeypatch.setattr(logs, "POLL_S", 0.01)


def texts(tail):
    return [data["message"] for _id, data in tail.events]


def test_the_tail_delivers_what_comes(call, clock):
    """Events stored after the tail began arrive once and in order; what was there before does not."""
    take(call.mesh, line("before"))

    def act():
        take(call.mesh, b"".join(line(f"e{n}", ts_us=clock.now_us() + n) for n in range(3)), received_us=clock.now_us())
        take(call.mesh, line("last", ts_us=clock.now_us() + 9), received_us=clock.now_us())

    tail = Tail(call.app).read(lambda tail: len(tail.events) >= 4, act)
    assert texts(tail) == ["e0", "e1", "e2", "last"]
    assert tail.status == 200


def test_the_tail_filters(call, clock):
    """Only what the question asks for arrives."""

    def act():
        take(
            call.mesh, line("disk is dying") + line("fine", node="n2"), may_name_nodes=True, received_us=clock.now_us()
        )
        take(call.mesh, line("disk ok"), "n3", received_us=clock.now_us())

    assert texts(Tail(call.app, "contains=DISK").read(lambda tail: len(tail.events) >= 2, act)) == [
        "disk is dying",
        "disk ok",
    ]


def test_the_tail_waits_for_names_that_are_new(call, clock):
    """A node and a service that speak for the first time after the tail began are what it waits for."""

    def act():
        take(call.mesh, line("first word", service="newborn"), "n9", received_us=clock.now_us())

    tail = Tail(call.app, "node=n9&service=newborn").read(lambda tail: tail.events or tail.pings, act)
    assert texts(tail) == ["first word"]


def test_the_tail_pings(call, monkeypatch):
    """In silence a comment keeps proxies from hanging up."""
    monkeypatch.setattr(logs, "PING_S", 0.03)
    assert Tail(call.app).read(lambda tail: tail.pings >= 2).events == []


def test_the_times_of_a_tail_stay_those_of_its_beginning(call, clock, monkeypatch):
    """A tail that began an hour ago goes on where the clock has passed its end meanwhile."""
    monkeypatch.setattr(logs, "PING_S", 0.03)
    tail = Tail(call.app, f"since=1h&until={clock.now_us()}").read(lambda tail: tail.pings, lambda: clock.advance(9000))
    assert tail.pings


def test_the_tail_resumes(call, clock):
    """With Last-Event-ID a client gets what it missed, once, then goes on."""
    first = Tail(call.app).read(
        lambda tail: len(tail.events) >= 1, lambda: take(call.mesh, line("a"), received_us=clock.now_us())
    )
    for text in ("b", "c"):
        clock.advance(1)
        take(call.mesh, line(text), received_us=clock.now_us())
    clock.advance(1)
    again = Tail(call.app, last_event_id=first.events[-1][0]).read(
        lambda tail: len(tail.events) >= 3, lambda: take(call.mesh, line("d"), received_us=clock.now_us())
    )
    assert texts(again) == ["b", "c", "d"]


def test_the_tail_resumes_under_load(call, clock, monkeypatch):
    """What is stored in the very moment of resuming is neither missed nor sent twice."""
    take(call.mesh, line("a"), received_us=clock.now_us())
    last = call.mesh.events.query(logs.Filter()).events[0].id
    kind, arrivals = type(call.mesh.events), iter(["b", "c", "d", "e"])

    def arriving(genuine):
        def wrapped(self, *args, **more):
            clock.advance(1)
            take(call.mesh, line(next(arrivals)), received_us=clock.now_us())
            return genuine(self, *args, **more)

        return wrapped

    for name in ("here", "query"):
        monkeypatch.setattr(kind, name, arriving(getattr(kind, name)))
    monkeypatch.setattr(logs, "PING_S", 0.1)
    tail = Tail(call.app, last_event_id=last).read(lambda tail: tail.pings >= 1)
    assert sorted(texts(tail)) == ["b", "c"]


@pytest.mark.parametrize(
    ("limit", "told"), [(100, {"events": 6, "at_least": False}), (4, {"events": 4, "at_least": True})]
)
def test_resuming_tells_what_it_leaves_out(call, clock, monkeypatch, limit, told):
    """Where more was missed than is sent, the client learns how many, or of how many at least, before the rest."""
    monkeypatch.setattr(service, "RESUME_LIMIT", 3)
    monkeypatch.setattr(service, "LIMIT_MAX", limit)
    lines = [line(f"e{number}", ts_us=clock.now_us() + number) for number in range(10)]
    take(call.mesh, b"".join(lines), received_us=clock.now_us())
    take(call.mesh, line("no", service="b") * 20, received_us=clock.now_us())
    first = rows(call.mesh, "SELECT ts_us, id FROM log_events WHERE message = 'e0'")[0]
    tail = Tail(call.app, "contains=e", last_event_id=f"{first[0]}-{first[1]}").read(lambda tail: len(tail.events) >= 3)
    assert texts(tail) == ["e7", "e8", "e9"]
    assert tail.missed == [(0, told)]


def test_the_tail_tells_what_it_leaves_out_of_a_commit(call, clock):
    """Of a commit with more than 100 events that match the newest 100 come, after the number of the others."""

    def act():
        lines = [line(f"e{number}", ts_us=clock.now_us() + number) for number in range(250)]
        take(call.mesh, b"".join(lines) + line("no"), received_us=clock.now_us())

    for query in ("contains=e", "regex=e"):
        tail = Tail(call.app, query).read(lambda tail: len(tail.events) >= 100, act)
        assert texts(tail) == [f"e{number}" for number in range(150, 250)]
        assert tail.missed == [(0, {"events": 150, "at_least": False})]
        clock.advance(1)


@pytest.mark.parametrize("bad", ["x", "1", "-", "9" * 40 + "-1"])
def test_a_bad_position_is_told(call, bad):
    """What is no event id is 422, and no stream begins."""
    answer = call("GET", "/logs/tail", headers={"Last-Event-ID": bad})
    assert answer.status_code == 422


def test_the_tail_ends_with_its_token(call, clock):
    """Who reads by a token that is revoked meanwhile sees nothing that is stored 5 s later: the stream ends."""
    secret = call.mesh.accounts.create_token("read")

    def act():
        call.mesh.accounts.revoke(1)
        clock.advance(6)

    tail = Tail(call.app, authorization=f"Bearer {secret}").read(lambda _tail: False, act)
    assert (tail.status, tail.events) == (200, [])
