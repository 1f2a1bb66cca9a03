"""A bounded memory of what a pure function over texts gave before.

Two generations: when the young one is full it becomes the old one, and what is asked for again moves back to the young.
So what is in use stays, what is not leaves, and hostile variety costs a fixed amount of memory.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable


class Memo:
    """Calls `compute` (a column of distinct texts to a column of the same length) only for texts that it does not
    hold.
    """

    def __init__(self, compute: Callable[[pl.Series], pl.Series], max_chars: int) -> None:
        """`max_chars` bounds the texts of one generation, asked and answered together."""
        self._compute = compute
        self._max_chars = max_chars
        self._lock = threading.Lock()
        self._young: dict[str, str] = {}
        self._old: dict[str, str] = {}
        self._chars = 0

    def __call__(self, texts: pl.Series) -> pl.Series:
        """The answer for each of `texts`."""
        asked: list[str] = texts.to_list()
        with self._lock:
            young, old = self._young, self._old
        answers = list(map(young.get, asked))
        missing = [text for text, answer in zip(asked, answers, strict=True) if answer is None]
        if not missing:
            return pl.Series(texts.name, answers, pl.String)
        found = {text: old[text] for text in missing if text in old}
        unknown = [text for text in missing if text not in found]
        if unknown:
            computed = self._compute(pl.Series(unknown, dtype=pl.String)).to_list()
            found.update(zip(unknown, computed, strict=True))
        self._keep(found)
        answers = [found[text] if answer is None else answer for text, answer in zip(asked, answers, strict=True)]
        return pl.Series(texts.name, answers, pl.String)

    def _keep(self, found: dict[str, str]) -> None:
        chars = sum(map(len, found)) + sum(map(len, found.values()))
        with self._lock:
            if chars > self._max_chars:
                return
            if self._chars + chars > self._max_chars:
                self._old, self._young, self._chars = self._young, {}, 0
            self._young.update(found)
            self._chars += chars
