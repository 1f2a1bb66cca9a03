"""Ranking by words: Okapi BM25 over the word table.

Source: Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009. k1 and b are those that
are common for passages (Anserini's), because templates are short: a word said twice says little more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devmesh.search.table import Floats, WordTable

K1 = 0.9  # how fast a repeated word stops counting
B = 0.4  # how much a long document is held back


def bm25(table: WordTable, question: Sequence[str]) -> Floats:
    """A score for each slot of the table, 0 where no word of the question stands. `question` is words, each once."""
    scores = np.zeros(len(table.families), dtype=np.float32)
    known = [word for word in question if word in table.vocabulary]
    if not known or not len(table):
        return scores
    weights = np.zeros(len(table.vocabulary), dtype=np.float32)
    weights[[table.vocabulary[word] for word in known]] = table.idf(known)
    gathered = table.gather(weights)
    hits = np.flatnonzero(gathered)
    slots = table.slots[hits]
    counts = table.counts[hits].astype(np.float32)
    mean_length = max(float(table.lengths[table.live].mean()), 1.0)
    held = K1 * (1 - B + B * table.lengths[slots] / mean_length)
    np.add.at(scores, slots, gathered[hits] * counts * (K1 + 1) / (counts + held))
    return np.where(table.live, scores, np.float32(0))
