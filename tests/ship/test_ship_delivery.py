"""What the agent does with each answer: nothing is dropped, nothing believed without proof (F22-F24, F26, F28-F31)."""

from __future__ import annotations

import contextlib
import json
import random
import threading
from collections import Counter
from pathlib import Path

import pytest
from ship_server import Exchange

from devmesh.ship import server
from devmesh.ship.batch import Batch, Limits
from devmesh.ship.clock import Backoff

TEXT = "2026-11-20T10:00:{:02d}.{:06d}Z n1 app[1]: line {}\n"


@pytest.fixture
def log(tmp_path) -> Path:
    """A text log of 40 lines."""
    return write_log(tmp_path / "app.log", 40)


def write_log(path: Path, count: int) -> Path:
    path.write_text("".join(TEXT.format(n % 60, n, n) for n in range(count)))
    return path


def expected(count: int) -> list[str]:
    return [f"line {n}" for n in range(count)]


def status(number: int, **body: object):
    """An honest refusal."""

    def act(exchange: Exchange) -> None:
        exchange.answer(number, dict(body), {"Retry-After": "7"} if number in {429, 503} else None)

    return act


def test_a_lost_answer_costs_no_entry_and_makes_no_second_one(fake, ship_once, log):
    """The server committed, the connection broke: what it has is asked for, nothing is stored twice (F23)."""

    def commit_and_reset(exchange: Exchange) -> None:
        exchange.commit()
        exchange.reset()

    fake.script = [commit_and_reset]
    assert ship_once(files=(str(log),)) == 0
    assert fake.messages() == expected(40)


def test_a_reset_before_the_commit_is_tried_again(fake, ship_once, log, clock):
    """The body went nowhere: back off and send again (F24)."""
    fake.script = [Exchange.reset, Exchange.reset]
    assert ship_once(files=(str(log),)) == 0
    assert fake.messages() == expected(40)
    assert sum(waited > 0 for waited in clock.waited) >= 2


@pytest.mark.parametrize(
    ("code", "body", "headers"),
    [
        (200, b"<html>Please log in</html>", {}),
        (200, b'{"stored": 40, "repeated": 0, "rejected": 0}', {}),
        (302, b"", {"Location": "http://127.0.0.1:1/ingest"}),
        (307, b"", {"Location": "http://127.0.0.1:1/ingest"}),
        (502, b"<html>Bad Gateway</html>", {}),
        (404, b"not found", {}),
    ],
)
def test_only_our_own_answer_acknowledges(fake, ship_once, log, code, body, headers):
    """A captive portal, a redirect, a proxy's page: data is kept, and sent when the server is back (F26)."""
    fake.script = [lambda exchange: exchange.send(code, body, headers)] * 2
    assert ship_once(files=(str(log),)) == 0
    assert fake.messages() == expected(40)
    assert len(fake.requests) == 3


@pytest.mark.parametrize(
    "change", [{"batch": "another"}, {"stored": 39}, {"stored": True}, {"rejected": -1}, {"repeated": None}]
)
def test_an_answer_that_does_not_add_up_is_none(fake, ship_once, log, change):
    """The batch's id and all its entries must be in the answer."""

    def lie(exchange: Exchange) -> None:
        exchange.answer(200, {"stored": 40, "repeated": 0, "rejected": 0, "errors": [], **change})

    fake.script = [lie]
    assert ship_once(files=(str(log),)) == 0
    assert fake.messages() == expected(40)


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_token_keeps_everything_and_asks_again_in_five_minutes(fake, ship_once, log, clock, code):
    """Revoked or rotated: never dropped (F28)."""
    stop = threading.Event()

    class Patient(type(clock)):
        def wait(self, seconds: float, until: threading.Event) -> None:
            super().wait(seconds, until)
            if fake.messages():
                stop.set()

    patient = Patient()
    fake.script = [status(code)] * 3
    assert ship_once(files=(str(log),), once=False, clock=patient, stop=stop) == 0
    assert fake.messages() == expected(40)
    assert patient.waited.count(300.0) == 3


@pytest.mark.parametrize("code", [401, 403])
def test_once_ends_with_a_refused_token(fake, ship_once, log, clock, caplog, code):
    """Asked again after a second, then it ends with 5 and says what to do; with a good token all is sent."""
    fake.always = status(code)
    assert ship_once(files=(str(log),)) == 5
    assert sum(clock.waited) < 10
    assert "devmesh token create --node n1" in caplog.text
    fake.always = None
    assert ship_once(files=(str(log),)) == 0
    assert fake.messages() == expected(40)


def test_the_token_is_read_anew_for_each_request(fake, ship_once, log, tmp_path):
    """A rotated token needs no restart."""
    token = tmp_path / "token"
    token.write_text("old\n")

    def refuse_and_rotate(exchange: Exchange) -> None:
        token.write_text("new\n")
        exchange.answer(401, {})

    fake.script = [refuse_and_rotate]
    assert ship_once(files=(str(log),), token_file=str(token)) == 0
    assert [head["Authorization"] for head in fake.heads] == ["Bearer old", "Bearer new"]


@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_is_honoured(fake, ship_once, log, clock, code):
    """The server says when."""
    fake.script = [status(code)]
    assert ship_once(files=(str(log),)) == 0
    assert 7.0 in clock.waited
    assert fake.messages() == expected(40)


def test_too_large_halves_until_it_fits(fake, ship_once, log):
    """413 for more than 5 entries: all arrive, in smaller requests (F29)."""

    def at_most_five(exchange: Exchange) -> None:
        if len(exchange.lines) > 5:
            exchange.answer(413, {"limit_bytes": 8_000_000, "limit_events": 5})
        else:
            exchange.answer(200, exchange.commit())

    fake.always = at_most_five
    assert ship_once(files=(str(log),)) == 0
    assert fake.messages() == expected(40)


def test_a_single_entry_that_is_too_large_is_cut_with_a_mark(fake, ship_once, tmp_path):
    """One line over the limit is shortened, not lost."""
    log = tmp_path / "app.log"
    log.write_text("2026-11-20T10:00:00Z n1 app: " + "x" * 20_000 + "\n" + TEXT.format(1, 1, 1))

    def small(exchange: Exchange) -> None:
        if len(exchange.plain) > 3_000:
            exchange.answer(413, {"limit_bytes": 3_000, "limit_events": 1000})
        else:
            exchange.answer(200, exchange.commit())

    fake.always = small
    assert ship_once(files=(str(log),)) == 0
    long, short = fake.events()
    assert set(long["message"]) == {"x"}
    assert long["fields"]["_cut"]["MESSAGE"] == 20_000
    assert short["message"] == "line 1"


@pytest.mark.parametrize("code", [400, 422, 500])
def test_one_poison_entry_is_found_by_bisection(fake, ship_once, tmp_path, code):
    """2,048 entries, one that the server cannot read: the rest is stored in at most 24 requests more, it is kept here
    (F30).
    """
    log = write_log(tmp_path / "app.log", 2_048)
    poison = 777

    def chokes(exchange: Exchange) -> None:
        if any(line["message"] == f"line {poison}" for line in exchange.lines):
            exchange.answer(code, {})
        else:
            exchange.answer(200, exchange.commit())

    fake.always = chokes
    assert ship_once(files=(str(log),)) == 0
    assert fake.messages() == [line for line in expected(2_048) if line != f"line {poison}"]
    assert len(fake.requests) <= 24 + (5 if code == 500 else 0)
    letters = [json.loads(line) for line in (tmp_path / "state" / "dead-letter.ndjson").read_text().splitlines()]
    assert [letter["event"]["message"] for letter in letters] == [f"line {poison}"]
    (gap,) = fake.gaps()
    assert (gap["reason"], gap["from"]) == ("poison", letters[0]["first"])
    (kept,) = fake.streams.values()
    assert kept.coverage == [(0, log.stat().st_size - 1)]


@pytest.mark.parametrize("code", [400, 500])
def test_a_server_that_takes_nothing_makes_no_poison(fake, ship_once, log, tmp_path, code):
    """Every request fails: the fault is not the entries', so none is given up, and it is not flooded with requests."""
    fake.always = status(code)
    assert ship_once(files=(str(log),)) == 8
    assert not (tmp_path / "state" / "dead-letter.ndjson").exists()
    assert fake.gaps() == []
    assert len(fake.requests) <= 8 * (2 * 6 + 2)  # eight attempts, each about as long as one bisection
    fake.always = None
    assert ship_once(files=(str(log),)) == 0
    assert fake.messages() == expected(40)


def test_rejected_entries_are_kept_here_and_covered_there(fake, ship_once, log, tmp_path):
    """The server took the batch but for one line: that line lies in the dead-letter file with the reason."""

    def reject_second(exchange: Exchange) -> None:
        answer = exchange.commit()
        errors = [{"line": 2, "field": "message", "reason": "no text"}]
        exchange.answer(200, {**answer, "stored": 39, "rejected": 1, "errors": errors})

    fake.script = [reject_second]
    assert ship_once(files=(str(log),)) == 0
    (letter,) = [json.loads(line) for line in (tmp_path / "state" / "dead-letter.ndjson").read_text().splitlines()]
    assert (letter["event"]["message"], letter["reason"], letter["field"]) == ("line 1", "no text", "message")


def test_an_unknown_encoding_is_left_out_once(fake, ship_once, log):
    """415: the same entries plain; a second 415 ends the agent with a word, the entries stay."""

    def no_gzip(exchange: Exchange) -> None:
        if exchange.encoding == "gzip":
            exchange.answer(415, {})
        else:
            exchange.answer(200, exchange.commit())

    fake.always = no_gzip
    assert ship_once(files=(str(log),)) == 0
    assert fake.messages() == expected(40)
    fake.streams.clear()
    fake.always = status(415)
    assert ship_once(files=(str(log),)) == 7


@pytest.mark.parametrize(("code", "body", "ends"), [(409, {"code": "node_clone"}, 6), (426, {"min": 2, "max": 3}, 7)])
def test_a_clone_and_another_protocol_stop_the_agent(fake, ship_once, log, code, body, ends):
    """Going on would do harm; nothing is marked as sent."""
    fake.script = [status(code, **body)]
    assert ship_once(files=(str(log),)) == ends
    assert ship_once(files=(str(log),)) == 0
    assert fake.messages() == expected(40)


def test_the_servers_pace_is_kept(fake, ship_once, log, clock):
    """max_events and min_interval_ms of an answer hold from the next request on."""

    def slow(exchange: Exchange) -> None:
        exchange.answer(
            200, {**exchange.commit(), "pace": {"max_events": 4, "max_bytes": 10_000, "min_interval_ms": 250}}
        )

    fake.always = slow
    ship_once(files=(str(log),))
    with log.open("a") as file:
        file.writelines(TEXT.format(n % 60, n, n) for n in range(40, 60))
    ship_once(files=(str(log),))
    assert fake.messages() == expected(60)
    assert clock.waited.count(0.25) == len(fake.requests)


def test_a_server_that_knows_less_gets_it_again(fake, ship_once, log):
    """Restored from a backup: the agent goes back to the server's coverage, the log still has the lines (F41)."""
    ship_once(files=(str(log),))
    (kept,) = fake.streams.values()
    half = sorted(kept.events)[20]
    kept.events = {seq: event for seq, event in kept.events.items() if seq < half}
    kept.coverage, kept.marks = [(0, half - 1)], {}
    ship_once(files=(str(log),))
    assert fake.messages() == expected(40)


def test_a_server_that_lost_everything_gets_everything(fake, ship_once, log):
    """A new database: all that the sources still have."""
    ship_once(files=(str(log),))
    fake.streams.clear()
    ship_once(files=(str(log),))
    assert fake.messages() == expected(40)


def test_a_server_with_another_history_is_noticed_in_the_middle(fake, ship_once, log):
    """409 stream_forked: a new epoch after the newest mark that matches, and everything behind it is sent there."""
    ship_once(files=(str(log),))
    (name,) = fake.streams
    size = log.stat().st_size
    with log.open("a") as file:
        file.writelines(TEXT.format(n % 60, n, n) for n in range(40, 50))

    def forked(exchange: Exchange) -> None:
        exchange.answer(
            409, {"code": "stream_forked", "coverage": [[0, size + 50]], "marks": [[size + 50, "abc"], [size - 1, x]]}
        )

    x = fake.streams[name].marks[size - 1]
    fake.script = [forked]
    assert ship_once(files=(str(log),)) == 0
    assert sorted(fake.streams) == [name, name.replace(";0", ";1")]
    assert fake.messages(name.replace(";0", ";1")) == [f"line {n}" for n in range(40, 50)]
    assert fake.streams[name.replace(";0", ";1")].coverage == [(0, log.stat().st_size - 1)]


def test_an_answer_that_drips_is_cut_off(fake, ship_once, log, monkeypatch):
    """A byte now and then keeps every single wait short: the request as a whole is bounded, and sent again (F24)."""
    monkeypatch.setattr(server, "WHOLE_TIMEOUT_S", 0.3)
    ended = threading.Event()

    def drip(exchange: Exchange) -> None:
        exchange.handler.close_connection = True
        with contextlib.suppress(OSError):
            for _byte in range(200):
                exchange.handler.wfile.write(b"H")
                exchange.handler.wfile.flush()
                ended.wait(0.02)  # the server's own slowness is what is tested

    fake.script = [drip]
    assert ship_once(files=(str(log),)) == 0
    assert fake.messages() == expected(40)


def test_backoff_is_exponential_with_full_jitter_and_bounded():
    """Fifty nodes that fail together do not come back together (F22)."""
    nodes = [Backoff(random.Random(seed)) for seed in range(50)]  # noqa: S311
    for attempt in range(12):
        waits = [node.failed() for node in nodes]
        ceiling = min(30.0, 2.0**attempt)
        assert all(0 < wait <= max(ceiling, Backoff.LEAST_S) for wait in waits)
        assert max(waits) - min(waits) > ceiling / 2
        assert max(Counter(round(wait / ceiling, 1) for wait in waits).values()) < 20
    nodes[0].succeeded()
    assert nodes[0].failed() <= 1.0


def test_halves_cover_what_the_whole_covered():
    """Splitting a batch leaves no hole in its range, and the second half's prev is the first half's end."""
    from devmesh.ship.batch import Line

    batch = Batch("s;0", 1, 20, "x20", (0, "x0"), [Line(n, n, f"x{n}", b"{}\n") for n in (3, 7, 9, 15)])
    left, right = batch.halves()
    assert (left.first, left.last, left.x, left.prev) == (1, 7, "x7", (0, "x0"))
    assert (right.first, right.last, right.x, right.prev) == (8, 20, "x20", (7, "x7"))
    limits = Limits()
    limits.lower(10**9, 10)
    assert (limits.max_events, limits.max_bytes) == (5_000, 1024)
