"""How far each stream is sent: the server's coverage, the marks to recognise a history by, and gaps not yet
reported.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

from devmesh.ship.piece import Lost, Range, Stream, merged, missing

NO_X = ""  # the mark of a number that no entry has
KEPT_MARKS = 64
Mark = Tuple[int, str]


class Track:
    """What is known of one stream in its newest epoch."""

    def __init__(self, stream_id: str, kind: str) -> None:
        self.id, self.kind = stream_id, kind
        self.epoch = 0
        self.done: List[Range] = []
        self.marks: Dict[int, str] = {}
        self.gaps: List[Lost] = []
        self.floor: Optional[int] = None
        self.high: Optional[int] = None  # of a text log: the last byte ever seen, and under which name
        self.base = ""

    @property
    def name(self) -> str:
        """The stream as requests name it."""
        return f"{self.id};{self.epoch}"

    def acknowledged(self, first: int, last: int, x: str) -> None:
        """first..last is stored; x is the mark at last."""
        self.done = merged([*self.done, (first, last)])
        if x != NO_X:
            self.marks[last] = x
        for seq in sorted(self.marks)[:-KEPT_MARKS]:
            del self.marks[seq]

    def known_by_server(self, epoch: int, coverage: List[Range], marks: List[Mark]) -> None:
        """Take over what the server says: it may know more, or less."""
        self.epoch = epoch
        self.done = merged(coverage)
        self.marks = dict(marks)

    def newest_marks(self) -> List[Mark]:
        """(seq, x), newest first."""
        return sorted(self.marks.items(), reverse=True)

    def prev(self, first: int) -> Optional[Mark]:
        """The mark before `first`, if there is one."""
        x = self.marks.get(first - 1)
        return None if x is None else (first - 1, x)

    def holes(self, stream: Stream) -> List[Range]:
        """What of the stream is neither sent nor lost, newest first; what vanished before it was sent becomes a gap."""
        extent = stream.extent()
        if extent is None:
            return []
        low, high = extent
        self.high, self.base = (high, stream.base) if stream.kind == "file" else (None, "")
        lowest = min([low, *(first for first, _last in self.done[:1])])
        self.floor = lowest if self.floor is None else min(self.floor, lowest)
        taken = self._taken()
        for first, last in missing(taken, self.floor, low - 1):
            self.gaps.append(Lost(first, last, stream.exact, "vacuumed"))
        return missing(taken, low, high)[::-1]

    def vanished(self) -> List[Lost]:
        """What of a text log is gone with its file, before it was sent; told once.

        Never exact: the file may have grown after it was last looked at.
        """
        high, self.high = self.high, None
        return [] if high is None else [Lost(a, b, False, "vanished") for a, b in missing(self._taken(), 0, high)]

    def _taken(self) -> List[Range]:
        return merged([*self.done, *((gap.first, gap.last) for gap in self.gaps)])

    def document(self) -> Dict[str, Any]:
        """As the state file keeps it."""
        return {
            "kind": self.kind,
            "epoch": self.epoch,
            "done": self.done,
            "marks": self.newest_marks(),
            "gaps": self.gaps,
            "floor": self.floor,
            "high": self.high,
            "base": self.base,
        }

    @staticmethod
    def restored(stream_id: str, document: Dict[str, Any]) -> "Track":
        """From the state file."""
        track = Track(stream_id, str(document.get("kind", "journal")))
        track.epoch = int(document.get("epoch", 0))
        track.done = merged([(int(first), int(last)) for first, last in document.get("done", [])])
        track.marks = {int(seq): str(x) for seq, x in document.get("marks", [])}
        track.gaps = [Lost(int(a), int(b), bool(exact), str(why)) for a, b, exact, why in document.get("gaps", [])]
        floor = document.get("floor")
        track.floor = None if floor is None else int(floor)
        high = document.get("high")
        track.high, track.base = None if high is None else int(high), str(document.get("base", ""))
        return track
