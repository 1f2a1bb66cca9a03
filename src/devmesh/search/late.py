"""Ranking by meaning, word by word: each word of the question looks for its nearest word in the document.

Late interaction (Khattab and Zaharia, ColBERT, 2020) with static word vectors: a document's score is the sum over the
question's words of weight times the best cosine in the document. It suits templates, which are short, and it can say
which words met. The cosines of the question's words with the whole vocabulary are computed once, in blocks, so that
the vocabulary can stay in 8 bits (260 bytes a word).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from devmesh.embeddings import CosineMatrix
from devmesh.search.kin import COSINE, kin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devmesh.embeddings import WordProvider
    from devmesh.search.table import Floats, Ints, Words, WordTable

FLOOR = 0.2  # cosine; of 20,000 pairs of words picked by chance 99 % have less
HELD = 0.1  # how much a long document is held back (pivoted length, Singhal et al. 1996)


class WordVectors:
    """Vectors of the word table's words, in its order."""

    def __init__(self, provider: WordProvider) -> None:
        self._provider = provider
        self._matrix = CosineMatrix(provider.dim)

    def follow(self, table: WordTable) -> None:
        """Embed the words that are new in the table. Raises EmbeddingUnavailable, and then takes none of them."""
        fresh = table.names[len(self._matrix) :]
        if fresh:
            self._matrix.extend(self._provider.embed_words(fresh))

    def keep(self, words: Ints) -> None:
        """Keep only these rows, in this order, after the table was packed."""
        self._matrix.keep(words)

    def cosines(self, asked: Sequence[str]) -> Floats:
        """Shape (len(asked), words of the vocabulary)."""
        return self._matrix.cosines(self._provider.embed_words(asked))


class Interaction:
    """A question met with the vocabulary: what each pair of words counts, and from that the scores and the reasons.

    A pair counts its cosine times the idf of the less rare of the two: a rare word of the question that finds only a
    common one has found little. Pairs below FLOOR are chance.
    """

    def __init__(self, table: WordTable, vectors: WordVectors, asked: Sequence[str]) -> None:
        """`asked` is words, each once; the vectors follow the table. Valid until the table changes."""
        self._table, self._asked = table, asked
        self._cosines = vectors.cosines(asked)
        for row, word in zip(self._cosines, asked, strict=True):
            related = [table.vocabulary[other] for other in kin(word) if other in table.vocabulary]
            row[related] = np.maximum(row[related], COSINE)
        rarity = np.minimum(table.idf(asked)[:, None], table.rarity())
        self._counts = np.where(self._cosines >= FLOOR, self._cosines * rarity, np.float32(0))

    def scores(self) -> Floats:
        """A score for each slot: the best pair of each asked word, summed; long documents are held back a little."""
        table = self._table
        scores = np.zeros(len(table.families), dtype=np.float32)
        met = np.flatnonzero(table.gather(self._counts.max(axis=0) > 0))
        if not len(met):
            return scores
        words, slots = table.words[met], table.slots[met]
        starts = np.flatnonzero(np.diff(slots, prepend=-1))
        scores[slots[starts]] = sum(np.maximum.reduceat(counts.take(words), starts) for counts in self._counts)
        sizes = table.sizes.astype(np.float32)
        held = 1 - HELD + HELD * sizes / max(float(sizes[table.live].mean()), 1.0)
        return np.where(table.live, scores / held, np.float32(0))

    def met(self, words: Words) -> list[tuple[str, str, float]]:
        """(asked word, its best word among these, cosine) for each asked word that met one."""
        counts, cosines = self._counts[:, words], self._cosines[:, words]
        best = counts.argmax(axis=1)
        names = self._table.names
        return [
            (word, names[words[place]], float(cosines[row, place]))
            for row, (word, place) in enumerate(zip(self._asked, best, strict=True))
            if counts[row, place] > 0
        ]
