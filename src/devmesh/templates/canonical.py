"""The canonical text of a message: what is left when numbers, addresses, names and times are placeholders.

`canonicalize` is pure and versioned, idempotent and deterministic, and works on whole columns. Its speed is in doing
the expensive part once for each shape: numbers are folded first (`fold.py`), distinct shapes are taken, shapes that
were seen before are looked up in a bounded memory of the process, and only the rest goes through the rules. Neither
changes any result: the rules see nothing but the folded shape.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import polars as pl

from devmesh.templates import few, many
from devmesh.templates.fold import fold_numbers
from devmesh.templates.memo import ENTRY_BYTES, Memo

CANON_VERSION = 1

MAX_CHARS = 2_048
"""A message is read this far, and its canonical text is no longer: a statement shows its shape early on."""

UNSETTLED = "<unsettled>"
"""The template of texts that the rules still change after MAX_ROUNDS; only hostile input gets here."""

MAX_ROUNDS = 8

PART_ROWS = 25_000
"""So many messages are taken at a time: more of them only take more memory, which is slower than the work."""

PARALLEL_SHAPES = 1_024

FEW_SHAPES = 256
"""So many at most go through the rules one by one (`few.py`), more of them as columns (`many.py`)."""


def canonicalize(messages: pl.Series, version: int = CANON_VERSION) -> pl.Series:
    """Canonical texts of `messages` (String), in the same order and under the same name; null counts as "".

    Raises ValueError for a version that this code does not know; no Unicode text raises.
    """
    if version != CANON_VERSION:
        raise ValueError(f"Canonical version {version} is not known here; this code has version {CANON_VERSION}.")
    parts = (messages.slice(start, PART_ROWS) for start in range(0, len(messages), PART_ROWS))
    return pl.Series(messages.name, [text for part in parts for text in settle(shapes_of(part))], pl.String)


def canonicalize_directly(messages: pl.Series) -> pl.Series:
    """The same with the rules applied to every message: what `canonicalize` must equal, and what it saves."""
    return pl.Series(messages.name, _settle(shapes_of(messages)), pl.String)


def shapes_of(messages: pl.Series) -> list[str]:
    """What is left of each message (String) without its numbers: equal shapes have equal canonical texts."""
    texts = messages.cast(pl.String)
    return fold_numbers(_cut(texts.fill_null("") if texts.null_count() else texts))


def settle(shapes: list[str]) -> list[str]:
    """The canonical texts of shapes; only shapes that were not seen before go through the rules."""
    return _settled_before(shapes)


def _cut(text: pl.Series) -> pl.Series:
    """Texts of at most MAX_CHARS characters; one that is cut ends with a whole word, if it has one."""
    longest = text.str.len_bytes().max()
    if not isinstance(longest, int) or longest <= MAX_CHARS:
        return text
    long = text.str.len_chars() > MAX_CHARS
    cut = text.filter(long).str.slice(0, MAX_CHARS).str.replace(r"\s\S*$", "")
    return text.clone().scatter(long.arg_true(), cut)


def _settle(shapes: list[str]) -> list[str]:
    """The rules applied until they change nothing more: that is what makes canonical text stable."""
    texts = _apply_rules(shapes)
    pending = list(dict.fromkeys(texts))
    for _ in range(MAX_ROUNDS):
        again = _apply_rules(fold_numbers(_cut(pl.Series(pending, dtype=pl.String))))
        moved = {before: after for before, after in zip(pending, again, strict=True) if before != after}
        if not moved:
            return texts
        texts = [moved.get(text, text) for text in texts]
        pending = list(dict.fromkeys(moved.values()))
    stuck = set(pending)
    return [UNSETTLED if text in stuck else text for text in texts]


def _settle_shared(shapes: list[str]) -> list[str]:
    """The same, with the work on many shapes shared by two threads."""
    if len(shapes) < PARALLEL_SHAPES:
        return _settle(shapes)
    half = len(shapes) // 2
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(_settle, (shapes[:half], shapes[half:]))
    return first + second


_settled_before = Memo(_settle_shared, lambda shape, text: ENTRY_BYTES + len(shape) + len(text), limit=8_000_000)


def _apply_rules(texts: list[str]) -> list[str]:
    return few.apply_rules(texts) if len(texts) <= FEW_SHAPES else many.apply_rules(texts)
