"""Text logs as streams: log, log.1 and log.1.gz are one numbered history, its numbers the offsets of bytes.

Promises: each line that was once readable is handed over in one event, over rename, compression, truncation by copy and
restarts; the last event of a growing file waits until the next one begins or 5 s passed, an unfinished line until it
ends.
"""

# Paths are text here, as the command line, os.scandir and systemd's files give them.
# ruff: noqa: PTH123

from __future__ import annotations

import contextlib
import os
from typing import BinaryIO, Callable, Dict, Iterable, List, NamedTuple, Optional, Tuple

from devmesh.ship.clock import Clock
from devmesh.ship.fold import ALL, HOLD, WHOLE_LINES
from devmesh.ship.identity import (
    IDENTITY_MAX_BYTES,
    LINE_HASH_WINDOW_BYTES,
    choose_length,
    file_identity,
    match_identity,
)
from devmesh.ship.logfile import READ_ERRORS, FileStream, Found, open_plain, rotated_files, service_of
from devmesh.ship.piece import Changed
from devmesh.ship.track import Mark

__all__ = ["FileSource", "MarksOf", "open_plain", "service_of"]
HOLD_S = 5.0
SETTLE_S = 60.0
MarksOf = Callable[[str], List[Mark]]


class _Memory(NamedTuple):
    """What is known of a file since an earlier look."""

    identity: Optional[str]
    own: Optional[str]  # the identity it would have if no other file began like it
    n: int
    size: int
    mtime_ns: int
    first_seen: float
    grew_at: float
    plain_size: int
    tail: bytes  # the last bytes up to there, to see that the file only grew


class _Candidate(NamedTuple):
    """A file that has an identity."""

    file: Found
    memory: _Memory

    def holds(self, marks: List[Mark]) -> bool:
        """Whether the newest mark that lies in the file is the file's: what was sent, was sent from here."""
        stream = FileStream(self.memory.identity or "", self.file, self.memory.plain_size, ALL)
        for seq, x in marks:
            if seq < self.memory.plain_size:
                with contextlib.suppress(Changed):
                    return stream.x_at(seq) == x
        return False


class FileSource:
    """The text logs of a node, followed over their rotations."""

    def __init__(self, bases: Iterable[str], clock: Clock, *, once: bool = False) -> None:
        self.bases = list(dict.fromkeys(bases))
        self._clock, self._once = clock, once
        self.flush = False  # hold no last event back
        self._memory: Dict[Tuple[int, int], _Memory] = {}
        self.trouble: Dict[str, str] = {}

    def streams(self, known: Iterable[str], marks_of: MarksOf) -> List[FileStream]:
        """The histories there are now, the most recently written first.

        `known`: every file identity of this node; `marks_of` gives the marks (byte, x) of one, newest first.
        """
        names = set(known)
        alike: Dict[str, List[_Candidate]] = {}
        self.trouble.clear()
        files = {file.key: file for base in self.bases for file in rotated_files(base)}
        for file in sorted(files.values(), key=lambda file: (not file.live, -file.mtime_ns)):
            try:
                memory = self._look(file, names)
            except READ_ERRORS as error:
                self.trouble[file.path] = str(error)
                continue
            self._memory[file.key] = memory
            if memory.identity is not None:
                names.add(memory.identity)
                alike.setdefault(memory.identity, []).append(_Candidate(file, memory))
        self._memory = {key: memory for key, memory in self._memory.items() if key in files}
        carriers = self._carriers(alike, marks_of)
        newest_first = sorted(carriers.items(), key=lambda item: -item[1].file.mtime_ns)
        return [
            FileStream(name, one.file, one.memory.plain_size, self._end(one.file, one.memory))
            for name, one in newest_first
        ]

    def _carriers(self, alike: "Dict[str, List[_Candidate]]", marks_of: MarksOf) -> "Dict[str, _Candidate]":
        """For each identity the file to read it from; a file that only begins like it gets a longer identity."""
        carriers: Dict[str, _Candidate] = {}
        for name, candidates in alike.items():
            first = candidates[0]
            if len(candidates) > 1:
                marks = marks_of(name)
                first = max(candidates, key=lambda one: (one.holds(marks), one.memory.plain_size))
            copies = [one for one in candidates if one is first or not _differ(first, one)]
            # Of copies the longer: one in the making is shorter.
            carriers[name] = max(copies, key=lambda one: (one.memory.plain_size, not one.file.packed))
            for other in candidates:
                if other in copies:
                    continue
                own = other.memory.own if other.memory.own != name else _longer(first, other)
                if own is None or own in alike or own in carriers:
                    self.trouble[other.file.path] = f"begins like {first.file.path} and goes on differently: not read"
                    continue
                memory = other.memory._replace(identity=own, n=int(own.partition("-")[0]))
                self._memory[other.file.key] = memory
                carriers[own] = other._replace(memory=memory)
        return carriers

    def _look(self, file: Found, known: Iterable[str]) -> _Memory:
        """Who the file is, and how long; the identity is looked up anew when its first bytes are not what they were."""
        now = self._clock.monotonic()
        before = self._memory.get(file.key)
        if before is not None and before.identity and (before.size, before.mtime_ns) == (file.size, file.mtime_ns):
            return before
        with open_plain(file.path) as stream:
            if not file.packed:
                file = file._replace(size=os.fstat(stream.fileno()).st_size)
            prefix = stream.read(IDENTITY_MAX_BYTES)
            plain_size = _length(stream, len(prefix)) if file.packed else file.size
            tail = b"" if file.packed else _window(stream, plain_size)
            if before is not None and not file.packed and _window(stream, before.plain_size) != before.tail:
                before = None  # cut, or written anew in place: another file in all but its inode
        same = before is not None and before.identity is not None and plain_size >= before.n
        if before is not None and same and before.identity == file_identity(prefix, before.n):
            grew_at = now if plain_size != before.plain_size else before.grew_at
            return before._replace(
                size=file.size, mtime_ns=file.mtime_ns, grew_at=grew_at, plain_size=plain_size, tail=tail
            )
        age_s = self._clock.now_us() / 1e6 - file.mtime_ns / 1e9
        first_seen = before.first_seen if before is not None else now - max(0.0, age_s)
        settled = self._once or not file.live or now - first_seen >= SETTLE_S
        n = choose_length(prefix, settled=settled)
        own = None if n is None else file_identity(prefix, n)
        identity = match_identity(prefix, known) or own
        length = int(identity.partition("-")[0]) if identity else 0
        grew_at = now - max(0.0, age_s)
        if before is not None and before.plain_size == plain_size:
            grew_at = before.grew_at
        return _Memory(identity, own, length, file.size, file.mtime_ns, first_seen, grew_at, plain_size, tail)

    def _end(self, file: Found, memory: _Memory) -> str:
        """A rotated file is still written to until its writer opens the new one, so only silence ends it."""
        silent_s = self._clock.monotonic() - memory.grew_at
        if file.packed or (not file.live and (self._once or silent_s >= SETTLE_S)):
            return ALL
        return WHOLE_LINES if self._once or self.flush or silent_s >= HOLD_S else HOLD


def _longer(first: _Candidate, other: _Candidate) -> Optional[str]:
    """The identity of `other` by its beginning up to the end of the first line that `first` has not; None where they
    part too late for that, or the line has no end yet.
    """
    with contextlib.suppress(*READ_ERRORS), open_plain(first.file.path) as one, open_plain(other.file.path) as two:
        begins, prefix = one.read(IDENTITY_MAX_BYTES), two.read(IDENTITY_MAX_BYTES)
        shorter = min(len(begins), len(prefix))
        equal = next((at for at in range(shorter) if begins[at] != prefix[at]), shorter)
        n = prefix.find(b"\n", equal) + 1 or len(prefix)
        if equal < n and (prefix[n - 1 : n] == b"\n" or n == IDENTITY_MAX_BYTES):
            return file_identity(prefix, n)
    return None


def _differ(one: _Candidate, other: _Candidate) -> bool:
    """Whether neither is a copy of the other's beginning: compared where the shorter ends."""
    if one.file.packed or other.file.packed:
        return False
    end = min(one.memory.plain_size, other.memory.plain_size)
    windows = []
    with contextlib.suppress(OSError):
        for file in (one.file, other.file):
            with open(file.path, "rb") as stream:
                stream.seek(max(0, end - LINE_HASH_WINDOW_BYTES))
                windows.append(stream.read(min(end, LINE_HASH_WINDOW_BYTES)))
    return len(windows) > 1 and windows[0] != windows[1]


def _window(stream: BinaryIO, end: int) -> bytes:
    """The last bytes before offset `end`."""
    first = max(0, end - LINE_HASH_WINDOW_BYTES // 8)
    stream.seek(first)
    return stream.read(end - first)


def _length(stream: BinaryIO, read: int) -> int:
    """How many bytes the stream has, `read` of them read already; what is damaged at its end does not count."""
    with contextlib.suppress(*READ_ERRORS):
        while True:
            data = stream.read(1024 * 1024)
            if not data:
                break
            read += len(data)
    return read
