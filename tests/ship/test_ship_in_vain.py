"""How long the agent asked in vain: what tells a cut network from a machine that stood still (C4)."""

from __future__ import annotations

from ship_journals import lines, need_journals, write_journal

from devmesh.ship.in_vain import KEPT_S, InVain
from devmesh.ship.server import Server


def test_a_stretch_without_answers_is_told_for_a_while():
    """While it lasts, and for ten minutes after it; then it is forgotten, lest it be taken for a later one."""
    vain = InVain()
    vain.heard(answered=True, asked=0.0, now=1.0)
    assert vain.lately_us(1.0) == 0
    vain.heard(answered=False, asked=10.0, now=15.0)
    vain.heard(answered=False, asked=40.0, now=45.0)
    assert vain.lately_us(45.0) == 35_000_000
    vain.heard(answered=True, asked=70.0, now=70.0)
    assert vain.lately_us(80.0) == 60_000_000
    assert vain.lately_us(70.0 + KEPT_S) == 0


def test_who_stood_still_in_the_middle_of_a_request_did_not_wait(clock, monkeypatch):
    """A request that began an hour ago and fails now counts for no more than it may take."""
    server = Server("http://127.0.0.1:9", "n", "", clock=clock)

    def stand_still(*_asked: object) -> object:
        clock.ahead_s += 3600.0
        raise ConnectionResetError

    monkeypatch.setattr(server, "_connected", stand_still)
    assert server.state().status == 0
    assert server.in_vain.lately_us(clock.monotonic()) <= 31_000_000


def test_the_heartbeat_after_a_cut_says_how_long_it_was(fake, ship_once, tmp_path):
    """The server does not answer five times; the first heartbeat that arrives tells of it."""
    need_journals()
    journal = write_journal(tmp_path / "j.journal", lines(1, 10))
    fake.script = [lambda exchange: exchange.reset()] * 2
    assert ship_once(journal_file=str(journal)) == 0
    assert fake.heartbeats[-1]["unanswered_us"] > 0
