"""Ranking by meaning, word by word: each word of the question looks for its nearest word in the document.

Late interaction (Khattab and Zaharia, ColBERT, 2020) with static word vectors: a document's score is the sum over the
question's words of weight times the best cosine in the document. It suits templates, which are short, and it can say
which words met. The cosines of the question's words with the whole vocabulary are computed once, in blocks, so that
the vocabulary can stay in 8 bits (260 bytes a word).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from devmesh.search.kin import COSINE, kin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devmesh.embeddings import WordProvider
    from devmesh.search.table import Floats, Ints, Words, WordTable

FLOOR = 0.2  # cosine; of 20,000 pairs of words picked by chance 99 % have less
HELD = 0.1  # how much a long document is held back (pivoted length, Singhal et al. 1996)
_PRODUCTS = 2**18  # in one product of matrices; BLAS gives a larger one to threads, four times slower if busy


class WordVectors:
    """Vectors of the word table's words, in its order: 8 bits a number, which moves a cosine by less than 0.01."""

    def __init__(self, provider: WordProvider) -> None:
        self._provider = provider
        self._vectors: npt.NDArray[np.int8] = np.zeros((0, provider.dim), dtype=np.int8)
        self._scales: Floats = np.zeros(0, dtype=np.float32)

    def follow(self, table: WordTable) -> None:
        """Embed the words that are new in the table. Raises EmbeddingUnavailable, and then takes none of them."""
        fresh = table.names[len(self._vectors) :]
        if fresh:
            added = self._provider.embed_words(fresh)
            scales = np.maximum(np.abs(added).max(axis=1), np.float32(1e-9)) / np.float32(127)
            self._vectors = np.concatenate([self._vectors, np.rint(added / scales[:, None]).astype(np.int8)])
            self._scales = np.concatenate([self._scales, scales])

    def keep(self, words: Ints) -> None:
        """Keep only these rows, in this order, after the table was packed."""
        self._vectors, self._scales = self._vectors[words], self._scales[words]

    def cosines(self, asked: Sequence[str]) -> Floats:
        """Shape (len(asked), words of the vocabulary)."""
        question = self._provider.embed_words(asked)
        cosines = np.empty((len(asked), len(self._vectors)), dtype=np.float32)
        rows = max(32, _PRODUCTS // max(1, question.size))
        for start in range(0, len(self._vectors), rows):
            block = self._vectors[start : start + rows].astype(np.float32)
            np.matmul(question, block.T, out=cosines[:, start : start + rows])
        return cosines * self._scales


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
