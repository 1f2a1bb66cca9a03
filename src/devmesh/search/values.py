"""Families by what their placeholders have swallowed: `chromium`, where the text says `<pkg>`.

A table of its own beside that of the texts, so that values change neither the rarity of a text's words nor its length.
Only words that few texts have are looked for: `disk` stands in many values, and who asks for it means the texts.
Promises: at most `MAX_PAIRS` words of values are held, 2 MB of pairs and 30 MB of vocabulary at the very most; how many
families found no room is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from devmesh.search.bm25 import bm25
from devmesh.search.fuse import Ranking, rank
from devmesh.search.table import WordTable
from devmesh.search.words import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_PAIRS = 200_000
MAX_WORDS = 64  # of one family
WEIGHT = 4.0  # the word itself, where no text has it, says more than one that is near in meaning
FEW = 3  # texts that may have a word, or one in a hundred


class ValueTable:
    """The words of each family's values."""

    def __init__(self) -> None:
        self._table = WordTable()
        self._left_out: set[int] = set()

    def put(self, family_id: int, values: Iterable[str]) -> None:
        """Hold a family's values, the most frequent first, in place of those before."""
        self.remove(family_id)
        found = list(dict.fromkeys(word for value in values for word in words(value)))[:MAX_WORDS]
        if found and self._table.pairs + len(found) > MAX_PAIRS:
            self._left_out.add(family_id)
        elif found:
            self._table.put(family_id, found)

    def remove(self, family_id: int) -> None:
        """Forget a family."""
        self._table.remove(family_id)
        self._left_out.discard(family_id)
        self._table.pack()

    def rank(self, texts: WordTable, asked: Sequence[str], depth: int) -> list[Ranking]:
        """The ranking `values` of the words that few texts have; none where no value has one of them."""
        bound = max(FEW, len(texts) // 100)
        rare = [word for word in asked if texts.documents(word) <= bound]
        made = rank("values", self._table.families, bm25(self._table, rare), WEIGHT, depth)
        return [made] if made.families else []

    def missing(self) -> str:
        """What is not held, and why; empty where all is."""
        if not self._left_out:
            return ""
        return f"of {len(self._left_out):,} families no values are held: {MAX_PAIRS:,} words are the most."
