"""From items to requests, and from answers to the sums that people see."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from devmesh.cli.history import formats
from devmesh.cli.history.inputs import Headed, Input, Window
from devmesh.cli.history.stores import Body, Store
from devmesh.cli.history.streams import ENDLESS, Place, epoch_of, place_apart, place_of, segments
from devmesh.cli.history.twins import is_another, is_held, unverified
from devmesh.errors import InvalidInput
from devmesh.intake.times import DAY_US, YEAR_2000_US
from devmesh.nodes import StreamKey, StreamState
from devmesh.nodes.ranges import merged
from devmesh.ship.identity import MARKS_A_REQUEST, node_name, tells

if TYPE_CHECKING:
    from devmesh.cli.history.formats import Item, Reading
    from devmesh.intake import Answer
    from devmesh.nodes import Range

    _Send = Callable[[str, StreamKey, list[Item]], None]

BATCH_EVENTS = 5_000
BATCH_BYTES = 4 * 1024 * 1024
MOST_STREAMS = 32
ERRORS_KEPT = 1_000
ENDING = 16


@dataclass
class Wrong:
    """A line that was not stored, and why."""

    line: int | None
    field: str
    reason: str


@dataclass
class Tally:
    """What became of one file's events."""

    path: str
    format: str = ""
    stored: int = 0
    repeated: int = 0
    rejected: int = 0
    first_us: int | None = None
    last_us: int | None = None
    expiring: int = 0
    errors: list[Wrong] = field(default_factory=list)
    trouble: str = ""

    @property
    def events(self) -> int:
        """All that were read."""
        return self.stored + self.repeated + self.rejected

    def saw(self, ts_us: int | None, border_us: int) -> None:
        """Note an event's time; before `border_us` it is older than the retention. One that the way in takes for none
        is none.
        """
        if ts_us is None or not YEAR_2000_US <= ts_us <= time.time_ns() // 1_000 + DAY_US:
            return
        self.first_us = ts_us if self.first_us is None else min(self.first_us, ts_us)
        self.last_us = ts_us if self.last_us is None else max(self.last_us, ts_us)
        self.expiring += ts_us < border_us

    def refuse(self, wrong: Wrong) -> None:
        """Count a line that was not stored."""
        self.rejected += 1
        if len(self.errors) < ERRORS_KEPT:
            self.errors.append(wrong)


class Importer:
    """Imports files into one store, one after the other."""

    def __init__(self, store: Store, *, border_us: int, moved: Callable[[Input, int], None]) -> None:
        """`border_us`: events before it are older than the retention. `moved` hears of the events read so far."""
        self._store, self._border_us, self._moved = store, border_us, moved
        self._read = 0
        self._states: dict[str, dict[StreamKey, StreamState]] = {}
        self._most = (min(BATCH_EVENTS, store.max_events), min(BATCH_BYTES, store.max_bytes))

    def take(self, source: Input, wanted: str, how: Reading) -> Tally:
        """Import one file; what cannot be read of it is told in the tally. Raises errors of the store.

        The tally's sums are whole once the store's `wait` has returned.
        """
        tally = Tally(source.name, wanted)
        try:
            with source.opened() as stream:
                headed = Headed(stream)
                if headed.head:
                    tally.format = formats.detect(headed.head) if wanted == "auto" else wanted
                    self._take_all(source, headed, tally, how)
        except InvalidInput as error:
            tally.trouble = f"{error.message} {error.hint}"
        except OSError as error:
            tally.trouble = f"cannot be read to its end: {error}"
        if source.damage and not tally.trouble:
            tally.trouble = f"cannot be read to its end: {source.damage}; taken up to its last whole line"
        return tally

    def _take_all(self, source: Input, stream: Headed, tally: Tally, how: Reading) -> None:
        node = how.node or node_name()
        place = place_of(source, stream.head, self._known(node))
        batches = _Batches(self._send_to(tally), self._most)
        try:
            if tally.format.startswith("journal"):
                reader = formats.export_items if tally.format == "journal-export" else formats.json_items
                for item in self._seen(reader(stream, how), source, tally):
                    batches.add(item, item.node or node, StreamKey(item.stream) if item.stream else place.key)
            else:
                another = self._is_another(source, place, tally.format, how, node)
                take = self._apart if another else self._by_bytes
                take(source, stream, tally, how, place, batches, node)
        finally:
            batches.flush()

    def _is_another(self, source: Input, place: Place, form: str, how: Reading, node: str) -> bool:
        """Whether the file goes on differently behind the last line that it is known by."""
        if not source.lasts or not unverified(place):
            return False
        self._store.wait()  # for what was just sent of the other one
        with source.opened(counting=False) as stream:
            window = Window(Headed(stream), ENDLESS)
            items = _reader(form)(window, 0, how)
            return is_another(items, place, partial(self._store.said, node), window)

    def _apart(
        self, source: Input, stream: Headed, tally: Tally, how: Reading, like: Place, batches: _Batches, node: str
    ) -> None:
        """A file that parts from the one of `like`: under a name of its own, what it shares with that covered only."""
        key = place_apart(source).key
        shared_to = like.coverage[-1][1]
        for item in self._seen(_reader(tally.format)(Window(stream, ENDLESS), 0, how), source, tally):
            shared = item.last <= like.fits_to
            if shared or (item.last <= shared_to and is_held(item, partial(self._store.said, node))):
                tally.repeated += 1
                batches.add(replace(item, data=b""), node, key)
            else:
                batches.add(item, node, key)

    def _by_bytes(
        self, source: Input, stream: Headed, tally: Tally, how: Reading, place: Place, batches: _Batches, node: str
    ) -> None:
        """What the store has not; what it has is read as well, to be counted."""
        reader = _reader(tally.format)
        lines, in_line = 0, False
        for first, last, known in segments(place.coverage, ENDLESS):
            window = Window(stream, last - first + 1, lines - in_line)
            items = reader(window, first, how)
            for item in self._seen(_unmarked(items) if in_line else items, source, tally):
                if known and tally.format != "ndjson":  # of those only the store knows which it rejected
                    tally.repeated += 1
                else:
                    batches.add(item, node, place.key)
            lines, in_line = window.line, window.in_line

    def _seen(self, items: Iterator[Item], source: Input, tally: Tally) -> Iterator[Item]:
        """The items, counted and shown; those that could not even be read are told and left out."""
        for item in items:
            tally.saw(item.ts_us, self._border_us)
            self._read += 1
            if self._read % 500 == 0:
                self._moved(source, self._read)
            if item.reason:
                tally.refuse(Wrong(item.line, "", item.reason))
            else:
                yield item
        self._moved(source, self._read)

    def _known(self, node: str) -> list[StreamState]:
        """The node's streams, asked for once and kept in step with what is sent."""
        if node not in self._states:
            self._states[node] = {one.key: one for one in self._store.states(node)}
        return list(self._states[node].values())

    def _learn(self, body: Body) -> None:
        """What the store will know once the body is stored: the next file is compared with it before that."""
        known = self._states.setdefault(body.node, {})
        before = known.setdefault(body.stream, StreamState(body.stream, (), ()))
        if body.each:  # a journal: each of its entries is sent, and the store alone says which are repeats
            return
        coverage = tuple(merged([*before.coverage, *body.ranges]))
        known[body.stream] = replace(before, coverage=coverage, marks=before.marks + body.marks)

    def _send_to(self, tally: Tally) -> _Send:
        def send(node: str, key: StreamKey, items: list[Item]) -> None:
            each = bool(items[0].stream)
            if each:
                entries = {item.first: item.x for item in items}
                key = StreamKey(key.seqnum_id, epoch_of(key.seqnum_id, self._known(node), entries))
            data = b"".join(item.data for item in items)
            body = Body(node, key, data, () if each else _spans(items), each)
            self._learn(body)
            self._store.send(body, lambda answer: _account(tally, items, answer))

        return send


def _reader(form: str) -> Callable[[Window, int, Reading], Iterator[Item]]:
    """What reads a format that is numbered by bytes."""
    return formats.ndjson_items if form == "ndjson" else formats.text_items


def _unmarked(items: Iterator[Item]) -> Iterator[Item]:
    """The items of a segment that begins within a line: the first has no mark, for a mark is of a whole line."""
    for n, item in enumerate(items):
        yield item if n else replace(item, x="")


def _spans(items: list[Item]) -> tuple[tuple[Range, str], ...]:
    """What the items cover, cut behind those that tell the file from another one: see `tells`, and the last 16, for
    the same job often ends in other words.
    """
    spans: list[tuple[Range, str]] = []
    begun: list[Range] = []
    marks = 0
    for n, item in enumerate(items, 1):
        begun.append((item.first, item.last))
        if n > len(items) - ENDING or (marks < MARKS_A_REQUEST and tells(item.first, item.last)):
            spans += [(part, "") for part in merged(begun)]
            spans[-1] = (spans[-1][0], item.x)
            begun, marks = [], marks + 1
    return tuple(spans)


def _account(tally: Tally, items: list[Item], answer: Answer) -> None:
    tally.stored += answer.stored
    tally.repeated += answer.repeated
    sent = [item for item in items if item.data]
    for wrong in answer.errors:
        tally.refuse(Wrong(sent[wrong.line - 1].line, wrong.field, wrong.reason))
    tally.rejected += answer.rejected - len(answer.errors)


class _Batches:
    """Items gathered by stream until a request is full; with many streams the longest waits no more."""

    def __init__(self, send: _Send, most: tuple[int, int]) -> None:
        self._send, self._most = send, most
        self._items: dict[tuple[str, StreamKey], list[Item]] = defaultdict(list)
        self._bytes: dict[tuple[str, StreamKey], int] = defaultdict(int)

    def add(self, item: Item, node: str, key: StreamKey) -> None:
        """Take an item in, sending what is full."""
        place = (node, key)
        max_events, max_bytes = self._most
        if self._items[place] and self._bytes[place] + len(item.data) > max_bytes:
            self._flush(place)
        self._items[place].append(item)
        self._bytes[place] += len(item.data)
        if len(self._items[place]) >= max_events:
            self._flush(place)
        elif len(self._items) > MOST_STREAMS:
            self._flush(max(self._items, key=lambda one: self._bytes[one]))

    def flush(self) -> None:
        """Send what is left."""
        for place in list(self._items):
            self._flush(place)

    def _flush(self, place: tuple[str, StreamKey]) -> None:
        items = self._items.pop(place, [])
        self._bytes.pop(place, None)
        if items:
            self._send(*place, items)
