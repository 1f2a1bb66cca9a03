"""Batches: the lines of one request and the range of the stream that they cover.

A batch covers what the filters dropped, too, and never what is lost: a lost range is reported as a gap, and the server
stores a gap only where nothing is covered yet.
"""

from __future__ import annotations

from itertools import islice
from typing import Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Tuple, Union

from devmesh.ship.identity import MARKS_A_REQUEST, tells
from devmesh.ship.piece import Changed, Event, Judgement, Lost, Piece, Range
from devmesh.ship.track import NO_X, Mark
from devmesh.ship.wire import encode


class Line(NamedTuple):
    """An encoded event and the part of the stream that it is."""

    first: int
    last: int
    x: str
    data: bytes


class Batch(NamedTuple):
    """One request: `lines` lie in first..last, whose last entry (if it is one) has the mark x."""

    stream: str
    first: int
    last: int
    x: str
    prev: Optional[Mark]
    lines: List[Line]
    counts: Dict[str, int] = {}  # noqa: RUF012  never changed: what filters dropped in the range, by name

    def body(self) -> bytes:
        """The NDJSON body."""
        return b"".join(line.data for line in self.lines)

    def headers(self) -> Dict[str, str]:
        """What the protocol's headers say of it."""
        said = {"DevMesh-Stream": self.stream, "DevMesh-Range": ",".join(self._spans())}
        if self.prev is not None:
            said["DevMesh-Prev"] = "{};{}".format(*self.prev)
        return said

    def _spans(self) -> Iterator[str]:
        """The range, of a text log cut behind the lines that tell it from another one."""
        first = self.first
        if "-" in self.stream:
            telling = (line for line in self.lines[:-1] if line.x != NO_X and tells(line.first, line.last))
            for line in islice(telling, MARKS_A_REQUEST):
                yield f"{first}-{line.last};{line.x}"
                first = line.last + 1
        yield f"{first}-{self.last}" + ("" if self.x == NO_X else ";" + self.x)

    def halves(self) -> Tuple["Batch", "Batch"]:
        """The same lines and the same range as two batches; needs two lines."""
        middle = len(self.lines) // 2
        border = self.lines[middle - 1]
        left = self._replace(last=border.last, x=border.x, lines=self.lines[:middle], counts={})
        right = self._replace(first=border.last + 1, prev=(border.last, border.x), lines=self.lines[middle:])
        return left, right


class Limits:
    """How big a batch may be: our own most, lowered by the server's pace and its 413, raised again by its pace."""

    def __init__(self, max_events: int = 5_000, max_bytes: int = 4 * 1024 * 1024) -> None:
        self._most = (max_events, max_bytes)
        self.max_events, self.max_bytes = self._most
        self.min_interval_s = 0.0
        self.bytes_per_s = 0  # this node's quota; 0: none

    def lower(self, max_events: Optional[int], max_bytes: Optional[int]) -> None:
        """Take what the server asks for, as far as it is less than our own."""
        if max_events:
            self.max_events = max(1, min(self._most[0], max_events))
        if max_bytes:
            self.max_bytes = max(1024, min(self._most[1], max_bytes))


def batches(
    items: Iterable[Union[Piece, Lost]],
    stream: str,
    span: Range,
    prev: Optional[Mark],
    limits: Limits,
    judge: Callable[[Event], Judgement],
) -> Iterator[Union[Batch, Lost]]:
    """The items of `span` as batches that cover it without a hole between them, except what is lost.

    If the source ends the read early (Changed), what was read is covered, no more.
    """
    start, at, x = span[0], span[0] - 1, NO_X
    lines: List[Line] = []
    counts: Dict[str, int] = {}
    size = 0
    complete = True
    source = iter(items)
    while True:
        try:
            item = next(source, None)
        except Changed:
            complete = False
            item = None
        full = len(lines) >= limits.max_events or size >= limits.max_bytes
        if at >= start and (full or isinstance(item, Lost) or (item is None and not complete)):
            yield Batch(stream, start, at, x, prev, lines, counts)
            prev = None if x == NO_X else (at, x)
            start, lines, counts, size = at + 1, [], {}, 0
        if item is None:
            break
        if isinstance(item, Lost):
            if item.first > start:
                yield Batch(stream, start, item.first - 1, NO_X, prev, [])
            yield item
            prev, start, at, x = None, item.last + 1, item.last, NO_X
            continue
        at, x = item.last, item.x
        judged = judge(item.event)
        if judged.name:
            counts[judged.name] = counts.get(judged.name, 0) + judged.number
        if not judged.drops:
            line = Line(item.first, item.last, item.x, encode(item.event))
            lines.append(line)
            size += len(line.data)
    if complete and start <= span[1]:
        yield Batch(stream, start, span[1], x if at == span[1] else NO_X, prev, lines, counts)
