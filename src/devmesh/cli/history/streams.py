"""Which stream and epoch a file or a journal belongs to, so that the agent and every later import agree.

A text file is named by its first bytes. The marks that the store holds say whether a file that begins like a known one
is that one, grown or not; where they say that it is another, it gets a longer name, one that holds the first line that
differs. The agent looks at the first 1,024 bytes alone, so such names never disturb it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from devmesh.cli.history.inputs import Input
from devmesh.nodes import StreamKey, StreamState
from devmesh.nodes.ranges import Mark, Range
from devmesh.ship.identity import IDENTITY_MAX_BYTES, LINE_HASH_WINDOW_BYTES, file_identity, identify, line_hash

STEP_BYTES = 1 << 20
ENDLESS = 2**62


@dataclass(frozen=True)
class Place:
    """The stream of a file, what the store has of it already, and the last byte of the last line that it is known by
    (-1: none).
    """

    key: StreamKey
    coverage: tuple[Range, ...] = ()
    fits_to: int = -1


def place_of(source: Input, head: bytes, states: Sequence[StreamState]) -> Place:
    """Where the file's bytes are numbered. `head`: its first bytes, not empty; `states`: the node's streams."""
    sized = [(one, int(one.key.seqnum_id.partition("-")[0])) for one in states if _of_file(one.key.seqnum_id)]
    names = {n: file_identity(head, n) for _one, n in sized if n <= len(head)}
    alike = [(one, n) for one, n in sized if names.get(n, one.key.seqnum_id) == one.key.seqnum_id]
    fits: dict[Mark, bool] = {}
    if alike and source.lasts:
        longer = {n for _one, n in alike if n > len(head)}
        fits, more = _look(source, {mark for one, _n in alike for mark in one.marks}, longer)
        names.update(more)
    mine = [(one, n) for one, n in alike if names.get(n) == one.key.seqnum_id]
    return _chosen(mine, fits, head, source)


def place_apart(source: Input) -> Place:
    """The stream of a file that is another one than those it begins like: named by all of its bytes."""
    _marks, names = _look(source, set(), {ENDLESS})
    return Place(StreamKey(max(names.items())[1]))


def _of_file(stream: str) -> bool:
    n, dash, _hash = stream.partition("-")
    return bool(dash) and n.isdecimal()


def _chosen(mine: list[tuple[StreamState, int]], fits: Mapping[Mark, bool], head: bytes, source: Input) -> Place:
    """The stream whose marks fit best; a new name where none begins alike, or each that does goes on differently."""
    judged = [(_evidence(one.marks, fits), n, one) for one, n in mine]
    fitting = [entry for entry in judged if entry[0] >= 0]
    if fitting:
        best = max(fitting, key=lambda entry: (entry[0], entry[1], entry[2].key.epoch))[2]
        fits_to = max((mark[0] for mark in best.marks if fits.get(mark)), default=-1)
        return Place(best.key, best.coverage, fits_to)
    if judged:
        differs = min(mark[0] for _said, _n, one in judged for mark in one.marks if not fits.get(mark, True))
        _marks, names = _look(source, set(), {differs + 1})
        return Place(StreamKey(max(names.items())[1]))
    return Place(StreamKey(identify(head[:IDENTITY_MAX_BYTES]) or file_identity(head, len(head))))


def _evidence(marks: Iterable[Mark], fits: Mapping[Mark, bool]) -> int:
    """1: the marks fit; 0: none can be compared; -1: one is another line or entry."""
    compared = [fits[mark] for mark in marks if mark in fits]
    return 0 if not compared else 1 if all(compared) else -1


def epoch_of(stream: str, states: Sequence[StreamState], entries: Mapping[int, str]) -> int:
    """The epoch of a journal by some of its `entries` (seq, x): the newest that fits, a new one if all contradict."""
    mine = sorted((one for one in states if one.key.seqnum_id == stream), key=lambda one: one.key.epoch)
    fits = _fits({mark for one in mine for mark in one.marks}, entries)
    judged = [(_evidence(one.marks, fits), one.key.epoch) for one in mine]
    fitting = [entry for entry in judged if entry[0] >= 0]
    if fitting:
        return max(fitting)[1]
    return mine[-1].key.epoch + 1 if mine else 0


def _look(source: Input, marks: set[Mark], lengths: set[int]) -> tuple[dict[Mark, bool], dict[int, str]]:
    """One pass over the file: whether the line of each mark ends there, and the identity by each of `lengths`. Of what
    lies behind its end: the identity by all of it, and the marks that do not fit, for a line of it ends within theirs.
    """
    found: dict[int, str] = {}
    names: dict[int, str] = {}
    digest = hashlib.blake2b(digest_size=16)
    seqs = {seq for seq, _x in marks}
    stops = sorted({*(seq + 1 for seq in seqs), *lengths})
    tail, at = b"", 0
    with source.opened(counting=False) as stream:
        for stop in stops:
            while at < stop:
                data = stream.read(min(stop - at, STEP_BYTES))
                if not data:
                    if lengths:
                        names[at] = f"{at}-{digest.hexdigest()}"
                    line_end = at - len(tail) + tail.rfind(b"\n")
                    behind = {mark: False for mark in marks if mark[0] >= at and _within(line_end, *mark)}
                    return _fits(marks, found) | behind, names
                at += len(data)
                tail = (tail + data)[-LINE_HASH_WINDOW_BYTES:]
                if lengths:
                    digest.update(data)
            if stop - 1 in seqs:
                found[stop - 1] = line_hash(tail)
            if stop in lengths:
                names[stop] = f"{stop}-{digest.copy().hexdigest()}"
    return _fits(marks, found), names


def _fits(marks: set[Mark], found: Mapping[int, str]) -> dict[Mark, bool]:
    return {(seq, x): found[seq] == x for seq, x in marks if seq in found}


def _within(line_end: int, seq: int, x: str) -> bool:
    """Whether a line that ends at `line_end` cuts the line that the mark (seq, x) is of."""
    length = x.partition(".")[2]
    return length.isdecimal() and seq - int(length) < line_end < seq


def segments(coverage: Sequence[Range], end: int) -> list[tuple[int, int, bool]]:
    """0..end cut into (first, last, whether the store has it)."""
    out: list[tuple[int, int, bool]] = []
    at = 0
    for first, last in coverage:
        if first > at:
            out.append((at, first - 1, False))
        out.append((first, last, True))
        at = last + 1
    return [*out, (at, end, False)]
