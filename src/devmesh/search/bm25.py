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
    known = [word for word in question if word in table.vocabulary]
    if not known or not len(table):
        return np.zeros(len(table.families), dtype=np.float32)
    weights = np.zeros(len(table.vocabulary), dtype=np.float32)
    weights[[table.vocabulary[word] for word in known]] = table.idf(known)
    hits = np.flatnonzero(table.gather(weights > 0))
    slots = table.slots[hits]
    counts = table.counts[hits].astype(np.float32)
    mean_length = max(float(table.lengths[table.live].mean()), 1.0)
    held = K1 * (1 - B + B * table.lengths[slots] / mean_length)
    parts = weights[table.words[hits]] * counts * (K1 + 1) / (counts + held)
    scores = np.bincount(slots, parts, minlength=len(table.families)).astype(np.float32)
    return np.where(table.live, scores, np.float32(0))
