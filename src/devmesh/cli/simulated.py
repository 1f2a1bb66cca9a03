"""Where simulated lines go: a file, a pipe, the store, a server; at once, or as time goes by."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from devmesh.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from devmesh.cli.history.stores import Store
    from devmesh.clock import Clock
    from devmesh.settings import Settings
    from devmesh.simulate import Journal, Simulation, Slice

BATCH_EVENTS = 5_000
PIECE_S = 0.5  # of real time: how smooth a stream at some speed is
FORMATS = ("ndjson", "export")


@dataclass(frozen=True)
class Way:
    """Which way the lines go, as the options say. Raises InvalidInput for a format that there is not."""

    settings: Settings
    form: str
    to: str
    server: str | None
    token_file: Path | None
    store: bool

    def __post_init__(self) -> None:
        if self.form not in FORMATS:
            raise InvalidInput(f"There is no format {self.form!r}.", hint=f"One of {', '.join(FORMATS)}.")

    @property
    def on_stdout(self) -> bool:
        """The lines themselves are what is printed."""
        return self.to == "-" and not self.store and self.server is None


@dataclass(frozen=True)
class Told:
    """What became of it."""

    events: int
    stored: int | None = None
    repeated: int | None = None
    rejected: int | None = None


def deliver(made: Simulation, since_us: int, speed: float | None, way: Way) -> Told:
    """Send everything its way; `speed` times real time, or as fast as it goes."""
    from devmesh.clock import SystemClock

    pieces = made if speed is None else paced(made, since_us, speed, SystemClock())
    if way.store or way.server is not None:
        with _store(way) as door:
            return send(pieces, made.journal(), door)
    return _write(pieces, made.journal(), way)


def paced(
    slices: Iterable[Slice], since_us: int, speed: float, clock: Clock, stop: threading.Event | None = None
) -> Iterator[Slice]:
    """Pieces of the slices, each once its last line's time has come, `speed` times as fast as real time, until `stop`
    is set.
    """
    stop = stop or threading.Event()
    began_s, piece_us = clock.monotonic_s(), max(1, round(PIECE_S * speed * 1e6))
    for one in slices:
        first, count = 0, len(one.true_us)
        while first < count:
            end_us = one.true_us[first] // piece_us * piece_us + piece_us
            last = first
            while last < count and one.true_us[last] < end_us:
                last += 1
            due_s = (one.true_us[last - 1] - since_us) / 1e6 / speed
            if clock.wait(max(0.0, due_s - (clock.monotonic_s() - began_s)), stop):
                return
            yield one.part(first, last)
            first = last


def _write(slices: Iterable[Slice], journal: Journal, way: Way) -> Told:
    events = 0
    with _opened(way.to) as out:
        for one in slices:
            if way.form == "export":
                out.write("".join(journal.export(one)).encode())
            else:
                out.write("".join(line + "\n" for _node, _seq, line in journal.ndjson(one)).encode())
            out.flush()
            events += len(one.messages)
    return Told(events)


@contextlib.contextmanager
def _opened(to: str) -> Iterator[BinaryIO]:
    if to == "-":
        yield sys.stdout.buffer
        return
    with Path(to).open("wb") as file:
        yield file


@contextlib.contextmanager
def _store(way: Way) -> Iterator[Store]:
    """The way in that import takes, too."""
    from devmesh.cli.history.progress import Progress
    from devmesh.cli.history.stores import RemoteStore
    from devmesh.cli.imports import way_in
    from devmesh.cli.remote import Remote
    from devmesh.clock import SystemClock

    if way.server is None:
        progress = Progress(SystemClock(), 0, shown=sys.stderr.isatty())
        try:
            with way_in(way.settings, progress) as store:
                yield store
        finally:
            progress.end()
        return
    with Remote(way.server, _token(way.token_file)) as remote:
        there = RemoteStore(remote, way.settings)
        try:
            yield there
        finally:
            there.close()


def send(slices: Iterable[Slice], journal: Journal, store: Store) -> Told:
    """Each node's entries as its own stream, numbered as its journal numbers them: what is sent again is repeated."""
    from devmesh.cli.history.stores import Body
    from devmesh.intake import Answer
    from devmesh.nodes import StreamKey

    sums = [0, 0, 0]

    def answered(answer: Answer) -> None:
        for n, more in enumerate((answer.stored, answer.repeated, answer.rejected)):
            sums[n] += more

    size = min(BATCH_EVENTS, store.max_events)
    events = 0
    for one in slices:
        by_node: dict[str, list[tuple[int, str]]] = {}
        for node, seq, line in journal.ndjson(one):
            by_node.setdefault(node, []).append((seq, line))
        for node, entries in by_node.items():
            for n in range(0, len(entries), size):
                some = entries[n : n + size]
                data = "".join(line + "\n" for _seq, line in some).encode()
                span = ((some[0][0], some[-1][0]), f"{some[-1][0]:x}")
                store.send(Body(node, StreamKey(journal.streams[node]), data, (span,)), answered)
        store.wait()
        events += len(one.messages)
    return Told(events, *sums)


def _token(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        return path.read_text("utf-8").strip()
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}.", hint="devmesh token create --relay > FILE makes one.") from None
