"""A mute, what was known of its family when it was muted, and what of new lines was not known. Pure.

A placeholder is on guard if it had few values, and none of them came for the first time in the newer half of the lines
that were looked at: so an errno is, a request's id is not. The wordings of a family (its canonical texts) are judged
the same way. What measures (times, sizes) is never on guard.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from devmesh.memory import Minutes
from devmesh.templates import CANON_VERSION, canonicalize, placeholders, values_in

FEW = 8  # values of a placeholder on guard
FEWEST_LINES = 3  # that say anything about a placeholder
MEASURES = {"<ts>", "<time>", "<date>", "<dur>", "<size>"}
SHOWN_CHARS = 80
MUTED = "muted: "
HOUR_MIN = 60
Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
SPANS_MIN = (1, 5, HOUR_MIN)  # of which a rate is known
MINUTE_US = 60_000_000


class Guard(msgspec.Struct, frozen=True):
    """What was known of a muted family: `most` lines by minutes of a span; `wordings` None where they are not on guard;
    `values` of placeholders on guard, by wording and position; `members`: its templates up to number `newest`; `taken`:
    how many families had gone into it; `neighbours`: whether a new family beside its lines means anything.
    """

    service: int
    text: str
    most: dict[int, int]
    wordings: list[str] | None
    values: dict[str, dict[int, list[str]]]
    members: int
    newest: int
    taken: int
    neighbours: bool
    canon_version: int = CANON_VERSION

    @property
    def reads_lines(self) -> bool:
        """Whether any line could be news."""
        return self.wordings is not None or bool(self.values)


@dataclass(frozen=True)
class Mute:
    """A family of which nothing is told, on these nodes (none of them: on all), until `until_us` or until its guard
    ends it. `ended_us` is None while it lasts; `ended_why` says who or what ended it.
    """

    id: int
    family_id: int
    node_ids: tuple[int, ...]
    reason: str
    who: str
    created_us: int
    until_us: int
    most_per_hour: int | None
    guard: Guard
    ended_us: int | None = None
    ended_why: str = ""

    @property
    def held(self) -> str:
        """What is stored with a finding that it holds."""
        return f"{MUTED}{self.reason}"

    def rows(self, counts: Minutes) -> Mask:
        """Which rows of counts it speaks of, from the minute in which it was made on."""
        mine: Mask = (counts.family == self.family_id) & (counts.minute >= self.created_us // MINUTE_US)
        return mine & np.isin(counts.node, self.node_ids) if self.node_ids else mine


class Ended(NamedTuple):
    """A mute that its guard ended, and why, as a sentence that goes on: `it was said …`."""

    mute: Mute
    why: str


def known(messages: Sequence[str]) -> tuple[list[str] | None, dict[str, dict[int, list[str]]]]:
    """The wordings and values on guard, from lines of the family, the oldest first."""
    texts = _texts(messages)
    seen: dict[tuple[str, int], list[str]] = defaultdict(list)
    for text, message in zip(texts, messages, strict=True):
        for position, value in values_in(text, message):
            seen[text, position].append(value)
    values: dict[str, dict[int, list[str]]] = {}
    for (text, position), some in seen.items():
        if _steady(some) and placeholders(text)[position] not in MEASURES:
            values.setdefault(text, {})[position] = sorted(set(some))
    return (sorted(set(texts)) if _steady(texts) else None), values


def _steady(seen: Sequence[str]) -> bool:
    """Whether these, the oldest first, are few, and the newer half brought none that the older half did not have."""
    older = set(seen[: -(-len(seen) // 2)])
    return len(seen) >= FEWEST_LINES and len(older) <= FEW and older.issuperset(seen)


def news_in(guard: Guard, messages: Sequence[str]) -> str | None:
    """What the first of these lines that says something unknown says; None where all is known."""
    for text, message in zip(_texts(messages), messages, strict=True):
        if guard.wordings is not None and text not in guard.wordings:
            return f"it was said in words that were not known: {text[:SHOWN_CHARS]}"
        guarded = guard.values.get(text, {})
        for position, value in values_in(text, message):
            if position in guarded and value not in guarded[position]:
                before = ", ".join(one[:SHOWN_CHARS] for one in guarded[position])
                place = placeholders(text)[position]
                return f"{place} was {value[:SHOWN_CHARS]}, and always {before[:SHOWN_CHARS]} before"
    return None


def _texts(messages: Sequence[str]) -> list[str]:
    return canonicalize(pl.Series(messages, dtype=pl.String)).to_list()


def excess(mute: Mute, counts: Minutes) -> str | None:
    """Which of its caps the counts are over, the minute in which it was made left out; None where none is."""
    rows = mute.rows(counts) & (counts.minute > mute.created_us // MINUTE_US)
    for span, most in sorted(mute.guard.most.items()):
        n = loudest(counts.minute[rows], counts.n[rows], span)
        if n > most:
            within = {1: "a minute", HOUR_MIN: "an hour"}.get(span, f"{span} minutes")
            return f"it was said {n} times within {within}, and {most} is the most"
    return None


def loudest(minute: Ints, n: Ints, span_min: int) -> int:
    """The most within any so many minutes of counts by minute, in any order."""
    if not len(minute):
        return 0
    said = np.bincount(minute - minute.min(), weights=n)
    return int(np.convolve(said, np.ones(span_min)).max())
