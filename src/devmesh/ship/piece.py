"""What a source hands over: pieces of a stream to judge and send, and ranges that nobody can send any more."""

from __future__ import annotations

from typing import Any, Dict, Generator, List, NamedTuple, Optional, Protocol, Tuple, Union

Range = Tuple[int, int]
Event = Dict[str, Any]


class Piece(NamedTuple):
    """One event of a stream. first..last are its seqnums (equal) or its bytes (inclusive); x is the mark at `last`."""

    first: int
    last: int
    x: str
    ts_us: Optional[int]
    event: Event


class Judgement(NamedTuple):
    """What is to become of an event, and what to count for it, if anything."""

    drops: bool
    name: str = ""
    number: int = 0


KEPT = Judgement(False)


class Lost(NamedTuple):
    """A part of a stream that cannot be read: a gap. Not exact means that it holds at most last - first + 1 entries."""

    first: int
    last: int
    exact: bool
    reason: str


Reading = Generator[Union[Piece, Lost], None, None]


class Changed(Exception):
    """The files of a stream are not what they were when it was planned: look again."""


class Stream(Protocol):
    """A numbered history that can be read again: a journal's seqnum id, or a text log."""

    id: str
    kind: str
    place: str
    base: str  # of a text log: its own path, whatever rotation did to the name
    exact: bool  # each number is an entry (of files: a byte), so that a gap's length is a count

    def extent(self) -> Optional[Range]:
        """The lowest and the highest number there is to read now, or None."""
        ...

    def read(self, first: int, last: int) -> Reading:
        """What lies in first..last, ascending.

        Ending without Changed is the promise that there is nothing more in the range.
        """
        ...

    def x_at(self, seq: int) -> Optional[str]:
        """The mark of the entry (or line) that ends at `seq`, None if there is none."""
        ...

    def chunk(self, hole: Range) -> Range:
        """The newest part of a missing range that is worth one read, bounded."""
        ...


def merged(ranges: List[Range]) -> List[Range]:
    """The same numbers as sorted, disjoint ranges; neighbours (1-3, 4-9) become one."""
    out: List[Range] = []
    for first, last in sorted(ranges):
        if out and first <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], last))
        else:
            out.append((first, last))
    return out


def missing(ranges: List[Range], first: int, last: int) -> List[Range]:
    """What first..last has beyond `ranges` (sorted, disjoint)."""
    out, at = [], first
    for low, high in ranges:
        if high < at:
            continue
        if low > last:
            break
        if low > at:
            out.append((at, low - 1))
        at = high + 1
    if at <= last:
        out.append((at, last))
    return out
