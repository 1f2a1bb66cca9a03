"""Catching up beside what is written now: neither waits for the other for ever, and a quota keeps room (F20)."""

from __future__ import annotations

import pytest
from ship_journals import lines, need_journals, write_journal
from ship_server import Exchange

from devmesh.ship import journal as journal_module

QUOTA = 1_000


@pytest.fixture
def journal(tmp_path, monkeypatch):
    """A journal of 100 entries, sent in parts of 10."""
    need_journals()
    monkeypatch.setattr(journal_module, "CHUNK_ENTRIES", 10)
    return write_journal(tmp_path / "j.journal", lines(1, 100))


def spans(fake) -> list[str]:
    """The ranges of the requests in their order."""
    return [head["DevMesh-Range"].split(";")[0] for head in fake.heads]


def test_a_node_that_never_falls_quiet_still_catches_up(fake, ship_once, journal):
    """With new entries at every look, an older part goes out in each round beside them."""
    written = [100]

    def write_more(exchange: Exchange) -> None:
        if written[0] < 110:
            written[0] += 1
            write_journal(journal, lines(written[0], written[0]))
        exchange.answer(200, exchange.commit())

    fake.always = write_more
    assert ship_once(journal_file=str(journal)) == 0
    assert spans(fake)[:7] == ["91-100", "101-101", "81-90", "102-103", "71-80", "104-105", "61-70"]
    assert fake.messages() == [f"entry {n}" for n in range(1, 111)]


def test_catching_up_takes_four_fifths_of_the_quota(fake, ship_once, journal, clock):
    """After the newest part each older one waits until all that was sent is paid for, and no longer than a poll."""
    sent: list[tuple[float, int]] = []

    def answer(exchange: Exchange) -> None:
        sent.append((clock.monotonic(), len(exchange.plain)))
        exchange.answer(200, {**exchange.commit(), "pace": {"max_bytes_per_s": QUOTA}})

    fake.always = answer
    assert ship_once(journal_file=str(journal)) == 0
    assert fake.messages() == [f"entry {n}" for n in range(1, 101)]
    begin, paid_s = sent[0][0], 0.0
    for at, size in sent:
        assert paid_s - 0.1 <= at - begin <= paid_s + 2.0
        paid_s += size / (0.8 * QUOTA)
    assert paid_s > 5


def test_what_is_new_does_not_wait_for_the_quota(fake, ship_once, journal, clock):
    """Entries written while older ones wait for their share overtake them at once."""
    at: dict[str, float] = {}

    def answer(exchange: Exchange) -> None:
        if len(at) == 1:
            write_journal(journal, lines(101, 102))
        at[exchange.handler.headers["DevMesh-Range"].split(";")[0]] = clock.monotonic()
        exchange.answer(200, {**exchange.commit(), "pace": {"max_bytes_per_s": 10}})

    fake.always = answer
    assert ship_once(journal_file=str(journal)) == 0
    assert list(at)[:4] == ["91-100", "81-90", "101-102", "71-80"]
    assert at["101-102"] - at["81-90"] < 5
    assert at["71-80"] - at["101-102"] > 60


def test_without_a_quota_nothing_waits(fake, ship_once, journal, clock):
    """As most servers run."""
    assert ship_once(journal_file=str(journal)) == 0
    assert len(fake.requests) == 10
    assert sum(clock.waited) == 0
