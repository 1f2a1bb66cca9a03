"""One machine that does everything a journal, an agent and a server can do to each other, against a model.

The model is a set of (stream, sequence number). After every step, what was acknowledged is stored, and nothing is
stored twice. Once the agent is done, what was written and is not stored is exactly what was reported as gaps.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bodies import NOW_US, assert_counts, assert_totals, line, request, rows, run_whole
from devmesh.clock import FakeClock
from devmesh.errors import StreamForked
from devmesh.mesh import open_mesh
from devmesh.nodes import Gap, Heartbeat, StreamKey
from devmesh.nodes.ranges import missing
from devmesh.settings import load_settings

if TYPE_CHECKING:
    from devmesh.mesh import Mesh


@dataclass
class Journal:
    """What a node's journald holds: an id for its numbers, entries from `tail` on, and the agent's epoch for them."""

    name: str
    epoch: int = 0
    tail: int = 1
    head: int = 0
    history: int = 0  # tells apart what a restored journal wrote under the same numbers

    def x(self, seq: int) -> str:
        """The hash of an entry."""
        return f"x{self.history}.{seq}"


@dataclass
class Model:
    """What must be true."""

    written: set[tuple[str, int, int]] = field(default_factory=set)
    acknowledged: set[tuple[str, int, int]] = field(default_factory=set)
    gaps: set[tuple[str, int, int]] = field(default_factory=set)


class Fleet(RuleBasedStateMachine):
    """A node with its journals, and the server it ships to."""

    empty: ClassVar[Path]

    @initialize()
    def begin(self) -> None:
        """An empty store and one journal."""
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(self.empty, self.folder / "devmesh.db")
        self.clock, self.model = FakeClock(NOW_US), Model()
        self.journals = [Journal("s0")]
        self.open()

    def open(self) -> None:
        """Start the server."""
        told = load_settings(data_dir=self.folder, embedding_provider="off", disk_reserve_mb=1)
        self.mesh: Mesh = open_mesh(told, clock=self.clock)
        self.mesh.intake.start()

    @property
    def journal(self) -> Journal:
        """The one that is written to."""
        return self.journals[-1]

    @rule(count=st.integers(1, 8))
    def write(self, count: int) -> None:
        """The node logs."""
        self.journal.head += count
        self.model.written |= {
            (self.journal.name, self.journal.epoch, seq)
            for seq in range(self.journal.head - count + 1, self.journal.head + 1)
        }

    @rule()
    def rotate(self) -> None:
        """A new journal file under another id."""
        self.journals.append(Journal(f"s{len(self.journals)}"))

    @rule(share=st.floats(0, 1))
    def vacuum(self, share: float) -> None:
        """Journald deletes its oldest entries, shipped or not."""
        journal = self.journal
        journal.tail += int(share * max(0, journal.head - journal.tail + 1))

    @rule(share=st.floats(0.1, 1), fate=st.sampled_from(["answered", "lost", "killed"]), back=st.integers(0, 4))
    def ship(self, share: float, fate: str, back: int) -> None:
        """The agent sends the newest of what the server lacks; the answer may be lost, the server killed after it."""
        for journal in self.journals:
            self.ship_one(journal, share, fate, back)

    def ship_one(self, journal: Journal, share: float, fate: str, back: int) -> None:
        """One batch of one journal, `back` entries of it sent before."""
        lacks = missing(self.coverage(journal), journal.tail, journal.head)
        if not lacks:
            return
        first, last = lacks[-1]
        first = max(journal.tail, last - int(share * (last - first)) - back)
        asked = self.batch(journal, first, last)
        answer = self.mesh.intake.take(asked, 30)
        sent = {(journal.name, journal.epoch, seq) for seq in range(first, last + 1)}
        assert answer.stored + answer.repeated == len(sent)
        if fate == "answered":
            self.model.acknowledged |= sent
        elif fate == "killed":
            self.restart()

    def batch(self, journal: Journal, first: int, last: int) -> Any:
        """The request for first..last."""
        body = b"".join(
            line(f"{journal.name} {journal.epoch} {seq}", seq=seq, ts_us=self.clock.now_us())
            for seq in range(first, last + 1)
        )
        prev = (first - 1, journal.x(first - 1)) if first > 1 else None
        return request(
            body, stream=journal.name, epoch=journal.epoch, ranges=((first, last),), marks=((last, journal.x(last)),),
            prev=prev, received_us=self.clock.now_us(),
        )  # fmt: skip

    def coverage(self, journal: Journal) -> tuple[tuple[int, int], ...]:
        """What the server says it has."""
        key = StreamKey(journal.name, journal.epoch)
        return next((one.coverage for one in self.mesh.nodes.stream_states("n1") if one.key == key), ())

    @rule()
    def report_gaps(self) -> None:
        """The agent finds that entries are gone that the server never got, and says so, twice."""
        lost = [
            Gap(StreamKey(journal.name, journal.epoch), first, last, exact=True, reason="vacuumed")
            for journal in self.journals
            for first, last in missing(self.coverage(journal), 1, journal.tail - 1)
        ]
        for _twice in range(2):
            self.mesh.nodes.heartbeat("n1", Heartbeat("a", gaps=tuple(lost)))
        self.model.gaps |= {
            (gap.key.seqnum_id, gap.key.epoch, seq) for gap in lost for seq in range(gap.first_seq, gap.last_seq + 1)
        }

    @rule()
    def restart(self) -> None:
        """The server stops and starts again over the same file."""
        self.mesh.close()
        self.open()

    def marks(self) -> tuple[tuple[int, str], ...]:
        """The server's marks of the journal that is written to."""
        key = StreamKey(self.journal.name, self.journal.epoch)
        return next((one.marks for one in self.mesh.nodes.stream_states("n1") if one.key == key), ())

    @rule()
    def restore(self) -> None:
        """The machine is set back to before the newest mark and writes another entry under its number.

        The server sees it and stores nothing; the agent begins a new epoch with what its journal holds now.
        """
        journal, marks = self.journal, self.marks()
        if not marks or marks[0][0] < journal.tail:
            return
        journal.head = marks[0][0]
        journal.history += 1
        before = self.stored()
        with pytest.raises(StreamForked):
            self.mesh.intake.take(self.batch(journal, journal.head, journal.head), 30)
        assert self.stored() == before
        journal.epoch += 1
        self.model.written |= {(journal.name, journal.epoch, seq) for seq in range(journal.tail, journal.head + 1)}

    @rule(seconds=st.integers(1, 7_200))
    def time_passes(self, seconds: float) -> None:
        """Hours go by, and the loops do their work."""
        self.clock.advance(seconds)
        run_whole(self.mesh, "template-totals")
        run_whole(self.mesh, "join-minutes")

    def stored(self) -> Counter[tuple[str, int, int]]:
        """What the store holds, as the model names it."""
        sql = "SELECT s.seqnum_id, s.epoch, e.seq FROM log_events e JOIN streams s ON s.id = e.stream_id"
        return Counter((name, epoch, seq) for name, epoch, seq in rows(self.mesh, sql))

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        """Acknowledged is stored, nothing twice, nothing that was never written, and nothing that is told as a gap."""
        if not hasattr(self, "mesh"):
            return
        stored = self.stored()
        assert self.model.acknowledged <= set(stored)
        assert not [one for one, times in stored.items() if times > 1]
        assert set(stored) <= self.model.written
        assert not self.model.gaps & set(stored)

    def teardown(self) -> None:
        """When the agent is done: written and not stored is what was reported as gaps, and the counts are right."""
        if not hasattr(self, "mesh"):
            return
        for _each in range(60):
            self.ship(1.0, "answered", 0)
        self.report_gaps()
        stored = set(self.stored())
        now = {(journal.name, journal.epoch) for journal in self.journals}
        current = {one for one in self.model.written if one[:2] in now}
        assert current - stored == self.model.gaps & current
        assert_counts(self.mesh)
        self.clock.advance(61)  # the lease of a server that was killed runs out
        run_whole(self.mesh, "template-totals")
        assert_totals(self.mesh)
        self.mesh.close()
        shutil.rmtree(self.folder)


def run(empty_store, examples, steps):
    """Run the machine."""
    Fleet.empty = empty_store
    case = Fleet.TestCase
    case.settings = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, derandomize=True, print_blob=True
    )
    case("runTest").runTest()


def test_the_fleet_in_short(empty_store):
    """The model holds over short stories."""
    run(empty_store, 12, 12)


@pytest.mark.soak
def test_the_fleet_in_full(empty_store):
    """The model holds over two hundred long stories."""
    run(empty_store, 200, 40)
