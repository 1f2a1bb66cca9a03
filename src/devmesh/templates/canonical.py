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
from devmesh.templates.memo import Memo

CANON_VERSION = 1

MAX_CHARS = 2_048
"""A message is read this far, and its canonical text is no longer: a statement shows its shape early on."""

UNSETTLED = "<unsettled>"
"""The template of texts that the rules still change after MAX_ROUNDS; only hostile input gets here."""

MAX_ROUNDS = 8

PARALLEL_SHAPES = 1_024

FEW_SHAPES = 256
"""So many at most go through the rules one by one (`few.py`), more of them as columns (`many.py`)."""


def canonicalize(messages: pl.Series, version: int = CANON_VERSION) -> pl.Series:
    """Canonical texts of `messages` (String), in the same order and under the same name; null counts as "".

    Raises ValueError for a version that this code does not know; no Unicode text raises.
    """
    if version != CANON_VERSION:
        raise ValueError(f"Canonical version {version} is not known here; this code has version {CANON_VERSION}.")
    shapes = fold_numbers(_cut(messages.cast(pl.String).fill_null("")))
    return _replaced(shapes, distinct := shapes.unique(), _settled_before(distinct)).alias(messages.name)


def canonicalize_directly(messages: pl.Series) -> pl.Series:
    """The same with the rules applied to every message: what `canonicalize` must equal, and what it saves."""
    return _settle(fold_numbers(_cut(messages.cast(pl.String).fill_null("")))).alias(messages.name)


def _cut(text: pl.Series) -> pl.Series:
    """Texts of at most MAX_CHARS characters; one that is cut ends with a whole word, if it has one."""
    longest = text.str.len_bytes().max()
    if not isinstance(longest, int) or longest <= MAX_CHARS:
        return text
    long = text.str.len_chars() > MAX_CHARS
    cut = text.filter(long).str.slice(0, MAX_CHARS).str.replace(r"\s\S*$", "")
    return text.clone().scatter(long.arg_true(), cut)


def _replaced(text: pl.Series, old: pl.Series, new: pl.Series) -> pl.Series:
    """Each text that is in `old` (distinct) replaced by its `new`; the others stay."""
    table = pl.DataFrame({"old": old, "new": new})
    joined = text.to_frame("old").join(table, on="old", how="left", maintain_order="left")
    return joined.select(pl.coalesce("new", "old")).to_series()


def _settle(shapes: pl.Series) -> pl.Series:
    """The rules applied until they change nothing more: that is what makes canonical text stable."""
    result = _apply_rules(shapes)
    pending = result.unique()
    for _ in range(MAX_ROUNDS):
        again = _apply_rules(fold_numbers(_cut(pending)))
        moving = again != pending
        if not moving.any():
            return result
        result = _replaced(result, pending.filter(moving), again.filter(moving))
        pending = again.filter(moving).unique()
    return _replaced(result, pending, pl.Series([UNSETTLED] * len(pending), dtype=pl.String))


def _settle_shared(shapes: pl.Series) -> pl.Series:
    """The same, with the work on many shapes shared by two threads."""
    if len(shapes) < PARALLEL_SHAPES:
        return _settle(shapes)
    half = len(shapes) // 2
    with ThreadPoolExecutor(2) as pool:
        return pl.concat(pool.map(_settle, (shapes.head(half), shapes.slice(half))))


_settled_before = Memo(_settle_shared, max_chars=8_000_000)


def _apply_rules(text: pl.Series) -> pl.Series:
    return few.apply_rules(text) if len(text) <= FEW_SHAPES else many.apply_rules(text)
