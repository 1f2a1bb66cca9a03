"""The loop: newest first, heartbeats, quiet streams, fifty agents, and every history of writing, losing and killing."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from ship_clock import HurriedClock
from ship_journals import entry, lines, need_journals, write_journal
from ship_server import Exchange, FakeServer, serving

from devmesh.ship import journal as journal_module
from devmesh.ship.agent import Agent, run
from devmesh.ship.errors import OptionsError
from devmesh.ship.options import Options, parse
from devmesh.ship.server import Server


def test_the_newest_entries_go_first_when_much_waits(fake, ship_once, tmp_path, monkeypatch):
    """A backlog of several chunks: the newest chunk is sent first, the rest behind, everything once (F21)."""
    need_journals()
    monkeypatch.setattr(journal_module, "CHUNK_ENTRIES", 20)
    journal = write_journal(tmp_path / "j.journal", lines(1, 70))
    assert ship_once(journal_file=str(journal)) == 0
    (kept,) = fake.streams.values()
    assert kept.coverage == [(1, 70)]
    assert fake.messages() == [f"entry {n}" for n in range(1, 71)]
    assert [head["DevMesh-Range"].split(";")[0] for head in fake.heads] == ["51-70", "31-50", "11-30", "1-10"]


def test_what_is_written_during_a_backlog_overtakes_it(fake, ship_once, tmp_path, monkeypatch):
    """New entries are sent before the older chunks that still wait."""
    need_journals()
    monkeypatch.setattr(journal_module, "CHUNK_ENTRIES", 20)
    journal = write_journal(tmp_path / "j.journal", lines(1, 70))

    def write_more(exchange: Exchange) -> None:
        write_journal(journal, lines(71, 75))
        exchange.answer(200, exchange.commit())

    fake.script = [write_more]
    assert ship_once(journal_file=str(journal)) == 0
    spans = [head["DevMesh-Range"].split(";")[0] for head in fake.heads]
    assert spans == ["51-70", "71-75", "31-50", "11-30", "1-10"]
    assert fake.heads[1]["DevMesh-Prev"].startswith("70;")


def test_a_heartbeat_says_how_things_are(fake, ship_once, tmp_path):
    """Agent, backlog, oldest unsent, dropped, gaps, clock, boot, machine, sources: also while nothing can be sent."""
    need_journals()
    journal = write_journal(tmp_path / "j.journal", lines(1, 10))
    assert ship_once(journal_file=str(journal)) == 0
    said = fake.heartbeats[-1]
    assert said["agent"] == "0.1.0"
    assert (said["backlog_events"], said["oldest_unsent_us"], said["gaps"]) == (0, None, [])
    assert abs(said["clock_us"] / 1e6 - 1.7e9) < 1e9
    assert said["sources"] == [{"kind": "journal", "path": str(journal)}]
    assert (said["unanswered_us"], said["leaving"]) == (0, "once")
    assert abs(said["started_us"] - said["clock_us"]) < 60_000_000
    write_journal(journal, lines(11, 15))
    fake.always = lambda exchange: exchange.answer(503, {}, {"Retry-After": "40"})
    assert ship_once(journal_file=str(journal)) == 8
    assert fake.heartbeats[-1]["backlog_events"] == 5
    assert fake.heartbeats[-1]["oldest_unsent_us"] == 1_763_700_000_000_011


def test_entries_that_are_all_dropped_make_few_requests(fake, url, tmp_path, clock):
    """The agent's own lines appear with each look: they are covered every 30 s, not with a request each (F57)."""
    need_journals()
    journal = write_journal(tmp_path / "j.journal", [entry(1, b"from a program")])
    (tmp_path / "state").mkdir()
    agent = Agent(Options(to=url, node="n1", journal_file=str(journal)), str(tmp_path / "state"), clock)
    agent._round()
    assert len(fake.requests) == 1
    for second in range(2, 32):
        write_journal(journal, [entry(second, b"own line", (b"SYSLOG_IDENTIFIER", b"devmesh-shipper"))])
        clock.ahead_s += 1.0
        agent._round()
    agent._round()
    assert len(fake.requests) <= 3
    assert fake.messages() == ["from a program"]
    clock.ahead_s += 31.0
    agent._round()
    assert agent.filters.dropped == {"own lines": 30}
    agent.server.close()


def test_a_busy_stream_of_dropped_entries_is_covered_when_it_ends(fake, ship_once, tmp_path):
    """--once covers what the filters dropped, too: the next run reads none of it again."""
    need_journals()
    journal = write_journal(
        tmp_path / "j.journal", [entry(n, b"x", (b"SYSLOG_IDENTIFIER", b"devmesh")) for n in range(1, 6)]
    )
    assert ship_once(journal_file=str(journal)) == 0
    (kept,) = fake.streams.values()
    assert (kept.coverage, kept.events) == ([(1, 5)], {})


def test_options_that_cannot_work_are_named():
    """The message says which option and why."""
    for arguments, said in (
        (["--to", "ftp://x"], "--to"),
        (["--to", "http://h:99999999"], "port"),
        (["--to", "h", "--again"], "--since"),
        (["--to", "h", "--again", "--since", "yesterday"], "--since"),
    ):
        with pytest.raises(OptionsError, match=said):
            Server(parse(arguments).to, "n", "m")
    given = parse(["--to", "h", "--file", "/a", "--file", "/b", "--again", "--since", "2026-11-01T00:00:00Z"])
    assert (given.files, given.since_us, given.finds_sources) == (("/a", "/b"), 1_793_491_200_000_000, False)
    assert parse(["--to", "h"]).finds_sources


def test_many_agents_share_a_server_that_drops_connections(fake, url, tmp_path):
    """Twelve nodes at once, every third request reset: every entry of every node once, nobody gives up (F22, F24)."""
    count = itertools.count()
    fake.always = lambda exchange: (
        exchange.reset() if next(count) % 3 == 0 else exchange.answer(200, exchange.commit())
    )  # fmt: skip
    codes = []

    def one(number: int) -> None:
        log = tmp_path / f"{number}.log"
        log.write_text("".join(f"2026-11-20T10:00:00Z node {number} says line {n} of its own\n" for n in range(10)))
        state = str(tmp_path / f"state{number}")
        codes.append(
            run(Options(to=url, node=f"n{number}", files=(str(log),), once=True, state_dir=state), clock=HurriedClock())
        )

    threads = [threading.Thread(target=one, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0] * 12
    assert len(set(fake.messages())) == len(fake.messages()) == 120


def test_a_refused_entry_does_not_hold_up_other_streams(fake, ship_once, tmp_path):
    """One stream's only entry is refused: the others go on, and prove that the entry is at fault."""
    (tmp_path / "bad.log").write_text("2026-11-20T10:00:00Z poison " + "x" * 300 + "\n")
    (tmp_path / "good.log").write_text(
        "".join(f"2026-11-20T10:00:00Z fine {n} and some more words here\n" for n in range(20))
    )

    def chokes(exchange: Exchange) -> None:
        if any(line["message"].startswith("poison") for line in exchange.lines):
            exchange.answer(422, {})
        else:
            exchange.answer(200, exchange.commit())

    fake.always = chokes
    os.utime(tmp_path / "good.log", (1_700_000_000, 1_700_000_000))
    assert ship_once(files=(str(tmp_path / "bad.log"), str(tmp_path / "good.log"))) == 0
    assert len(fake.messages()) == 20
    assert [gap["reason"] for gap in fake.gaps()] == ["poison"]


class Machine(RuleBasedStateMachine):
    """Write, rotate, lose answers, kill, roll the server back, restart: after each quiet moment nothing is missing or
    twice.
    """

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="devmesh-ship-"))
        self.fake = FakeServer()
        self.serving = serving(self.fake)
        self.url = self.serving.__enter__()
        self.clock = HurriedClock()
        self.log = self.directory / "app.log"
        self.written = 0
        self.rotations = 0
        self.settled = False
        self.may_repeat = False

    @initialize()
    def begin(self) -> None:
        """A log to begin with."""
        self.write(12)

    @rule(count=st.integers(1, 30))
    def write(self, count: int) -> None:
        """More lines."""
        with self.log.open("a") as file:
            for _line in range(count):
                self.written += 1
                file.write(f"2026-11-20T10:00:00Z entry {self.written} of the long story\n")
        self.settled = False

    @rule()
    @precondition(lambda self: self.log.exists() and self.rotations < 6)
    def rotate(self) -> None:
        """By renaming."""
        self.rotations += 1
        for number in range(self.rotations - 1, 0, -1):
            (self.directory / f"app.log.{number}").rename(self.directory / f"app.log.{number + 1}")
        self.log.rename(self.directory / "app.log.1")
        self.settled = False

    @rule()
    @precondition(lambda self: self.log.exists() and self.rotations < 6)
    def copytruncate(self) -> None:
        """By copying and cutting."""
        self.rotations += 1
        for number in range(self.rotations - 1, 0, -1):
            (self.directory / f"app.log.{number}").rename(self.directory / f"app.log.{number + 1}")
        shutil.copy2(self.log, self.directory / "app.log.1")
        self.log.write_text("")
        self.settled = False

    @rule(acts=st.lists(st.sampled_from(["lose", "reset", "500", "413", "portal", "ok"]), max_size=4))
    def trouble(self, acts: list[str]) -> None:
        """What the next requests meet."""
        self.fake.script += [_ACTS[act] for act in acts]

    @rule()
    def forget_state(self) -> None:
        """The state directory is lost."""
        for slot in (self.directory / "state").glob("state.*"):
            slot.unlink()

    @rule()
    @precondition(lambda self: bool(self.fake.streams))
    def server_restored_from_a_backup(self) -> None:
        """The server knows only the older half."""
        for kept in self.fake.streams.values():
            half = sorted(kept.events)[len(kept.events) // 2 :]
            if half:
                kept.events = {seq: event for seq, event in kept.events.items() if seq < half[0]}
                kept.coverage = [(first, min(last, half[0] - 1)) for first, last in kept.coverage if first < half[0]]
                kept.marks = {seq: x for seq, x in kept.marks.items() if seq < half[0]}
        self.settled = False

    @rule()
    def ship(self) -> None:
        """One run of the agent to its end."""
        options = Options(
            to=self.url, node="n1", files=(str(self.log),), once=True, state_dir=str(self.directory / "state")
        )  # fmt: skip
        code = run(options, clock=self.clock)
        self.settled = code == 0

    @invariant()
    def nothing_is_missing_or_twice(self) -> None:
        """After a run that ended well, all that was written is stored once, or lies in the dead-letter file."""
        if self.settled:
            stored = [int(message.split()[1]) for message in self.fake.messages()]
            assert len(stored) == len(set(stored))
            assert set(stored) | self.given_up() == set(range(1, self.written + 1))

    def given_up(self) -> set[int]:
        """What the server refused twice while it took others."""
        letters = self.directory / "state" / "dead-letter.ndjson"
        lines = letters.read_text().splitlines() if letters.exists() else []
        return {int(json.loads(line)["event"]["message"].split()[1]) for line in lines}

    def teardown(self) -> None:
        """End the server."""
        self.serving.__exit__(None, None, None)
        shutil.rmtree(self.directory, ignore_errors=True)


def _lose(exchange: Exchange) -> None:
    exchange.commit()
    exchange.reset()


_ACTS = {
    "lose": _lose,
    "reset": Exchange.reset,
    "500": lambda exchange: exchange.answer(500, {}),
    "413": lambda exchange: exchange.answer(413, {"limit_events": 5, "limit_bytes": 1_000_000}),
    "portal": lambda exchange: exchange.send(200, b"<html>welcome</html>"),
    "ok": None,
}
Machine.TestCase.settings = settings(max_examples=15, stateful_step_count=12, deadline=None, derandomize=True)
TestEveryHistory = Machine.TestCase


class LongMachine(Machine):
    """The same, longer."""


LongMachine.TestCase.settings = settings(max_examples=300, stateful_step_count=30, deadline=None)
TestEveryLongHistory = pytest.mark.soak(LongMachine.TestCase)
