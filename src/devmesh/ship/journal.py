"""The journal as streams: all files of one seqnum id are one numbered history, whatever boots and rotations lie in it.

Promises: every entry between two numbers is handed over once and in order, or the numbers that cannot be read are
handed over as lost. Holes between entries are no loss by themselves: on Debian 12 user journals share the counter with
the system's.
"""

# Paths are text here, as the command line, os.scandir and systemd's files give them.
# ruff: noqa: PTH120

from __future__ import annotations

import contextlib
import heapq
import os
import time
from typing import TYPE_CHECKING, Callable, Dict, Generator, Iterator, List, Optional, Set, Tuple, Union

from devmesh.ship.journal_file import JournalFile, entries_from, read_header, scan
from devmesh.ship.piece import Changed, Lost, Piece, Range, Reading
from devmesh.ship.wire import journal_event

if TYPE_CHECKING:
    from devmesh.ship.export import Entry

CHUNK_ENTRIES = 20_000
MOST_REMEMBERED = 1_000
LINK_WAIT_S = 10.0  # so long may a writer have raised the last number in the header without having linked its entry


class JournalStream:
    """One seqnum id and the files that hold its entries."""

    kind = "journal"

    def __init__(self, seqnum_id: str, files: List[JournalFile], host: str, reader: "JournalSource") -> None:
        self.id = seqnum_id
        self.files = files
        self.place = self.base = os.path.dirname(files[0].path)
        self._host, self._reader = host, reader
        self.exact = reader.alone

    def extent(self) -> Optional[Range]:
        """The lowest and the highest number in the files' headers."""
        return min(f.header.head_seq for f in self.files), max(f.header.tail_seq for f in self.files)

    def chunk(self, hole: Range) -> Range:
        """The newest 20,000 numbers of a missing range."""
        return max(hole[0], hole[1] - CHUNK_ENTRIES + 1), hole[1]

    def x_at(self, seq: int) -> Optional[str]:
        """The cursor's x of the entry with exactly this number, None if there is none."""
        for file in self._holding(seq, seq):
            with _opened(file) as fd:
                entry = self._reader.first_entry(fd, self.id, seq)
            if entry is not None and entry.seq == seq:
                return entry.x
        return None

    def read(self, first: int, last: int) -> Reading:
        """The entries numbered first..last of all files, ascending, and what of them is lost. A read that ends
        without Changed has handed over all there is in the range.
        """
        readers = [self._read_file(file, first, last) for file in self._holding(first, last)]
        try:
            yield from _around_lost(heapq.merge(*readers, key=lambda item: item.first))
        finally:
            for reader in readers:
                reader.close()

    def _holding(self, first: int, last: int) -> List[JournalFile]:
        return [f for f in self.files if f.header.head_seq <= last and f.header.tail_seq >= first]

    def _read_file(self, file: JournalFile, first: int, last: int) -> Reading:
        at = max(first, file.header.head_seq)
        end = min(last, file.header.tail_seq)
        with _opened(file) as fd:
            while at <= end:
                with contextlib.closing(self._reader.entries(fd, self.id, at)) as entries:
                    for entry in entries:
                        if entry.seq > at and file.header.dense:
                            yield Lost(at, min(entry.seq - 1, last), True, "corrupt")
                        if entry.seq > last:
                            return
                        yield self._piece(entry)
                        at = entry.seq + 1
                        if at > end:
                            return
                found = self._reader.next_readable(fd, self.id, at, file.header.tail_seq)
                if found is None and not self._reader.given_up(file, at):
                    msg = f"{file.path}: number {at} is not written yet"
                    raise Changed(msg)
                upto = min(end, found - 1 if found else end)
                if upto >= at:
                    yield Lost(at, upto, self.exact or file.header.dense, "corrupt")
                at = upto + 1

    def _piece(self, entry: Entry) -> Union[Piece, Lost]:
        if not entry.whole:
            return Lost(entry.seq, entry.seq, True, "corrupt")
        return Piece(entry.seq, entry.seq, entry.x, entry.realtime_us, journal_event(entry, self._host))


@contextlib.contextmanager
def _opened(file: JournalFile) -> Iterator[int]:
    """An open descriptor of the file that was scanned, whatever has its name now. Raises Changed if it is gone."""
    try:
        fd = os.open(file.path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise Changed(file.path) from error
    try:
        header = read_header(fd)
        if header is None or (header.seqnum_id, header.head_seq) != (file.header.seqnum_id, file.header.head_seq):
            raise Changed(file.path)
        yield fd
    finally:
        os.close(fd)


def _around_lost(items: Iterator[Union[Piece, Lost]]) -> Iterator[Union[Piece, Lost]]:
    """The same items, lost ranges of one file cut around what another file holds of them."""
    lost: Optional[Lost] = None
    for item in items:
        if lost is not None:
            if item.first > lost.first:
                yield lost._replace(last=min(lost.last, item.first - 1))
            lost = lost._replace(first=item.last + 1) if item.last < lost.last else None
        if isinstance(item, Piece):
            yield item
        elif lost is None:
            lost = item
    if lost is not None:
        yield lost


class JournalSource:
    """Finds journal files and groups them to streams; the memory of what each poll found out."""

    def __init__(
        self,
        directories: List[str],
        paths: List[str],
        host: str,
        journalctl: str = "journalctl",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.directories, self.paths, self._host = directories, paths, host
        self._journalctl, self._monotonic = journalctl, monotonic
        self._waiting: Dict[Tuple[str, int], float] = {}
        self._ids: Set[str] = set()
        self.unreadable: List[str] = []

    def streams(self) -> List[JournalStream]:
        """The streams as they are now, the most recently written first. Raises Changed."""
        files, self.unreadable = scan(self.directories, self.paths)
        groups: Dict[str, List[JournalFile]] = {}
        for file in files:
            groups.setdefault(file.header.seqnum_id, []).append(file)
        self._ids |= set(groups)
        newest_first = sorted(groups.items(), key=lambda group: -max(f.header.tail_us for f in group[1]))
        return [JournalStream(key, group, self._host, self) for key, group in newest_first]

    @property
    def alone(self) -> bool:
        """Only one stream was ever seen here: no other shares its counter, as far as one can see."""
        return len(self._ids) == 1

    def entries(self, fd: int, seqnum_id: str, seq: int) -> Generator[Entry, None, None]:
        """See `entries_from`."""
        return entries_from(fd, seqnum_id, seq, self._journalctl)

    def first_entry(self, fd: int, seqnum_id: str, seq: int) -> Optional[Entry]:
        """The first readable entry at or after `seq`."""
        with contextlib.closing(self.entries(fd, seqnum_id, seq)) as entries:
            return next(iter(entries), None)

    def next_readable(self, fd: int, seqnum_id: str, after: int, tail_seq: int) -> Optional[int]:
        """The lowest number >= after from which the file reads on, None if there is none.

        Tries at doubling distances, then halves the last step: at most about 40 starts of journalctl.
        """
        entry = self.first_entry(fd, seqnum_id, after)
        if entry is not None:
            return entry.seq
        step, failed = 1, after
        while failed < tail_seq:
            start = min(after + step, tail_seq)
            entry = self.first_entry(fd, seqnum_id, start)
            if entry is not None:
                return self._lowest(fd, seqnum_id, failed, start, entry.seq)
            failed, step = start, step * 2
        return None

    def _lowest(self, fd: int, seqnum_id: str, failed: int, works: int, readable: int) -> int:
        """Between a start that gave nothing and one that gave `readable`: the first number that any start gives."""
        while works - failed > 1:
            middle = (failed + works) // 2
            entry = self.first_entry(fd, seqnum_id, middle)
            if entry is None:
                failed = middle
            else:
                works, readable = middle, entry.seq
        return readable

    def given_up(self, file: JournalFile, seq: int) -> bool:
        """Whether what the header promises at `seq` will not come any more: at once in a finished file, else after
        10 s.
        """
        if file.finished:
            return True
        since = self._waiting.setdefault((file.path, seq), self._monotonic())
        if len(self._waiting) > MOST_REMEMBERED:
            self._waiting = {(file.path, seq): since}
        return self._monotonic() - since >= LINK_WAIT_S
