"""Meaning word by word."""

from __future__ import annotations

import numpy as np
import pytest

from devmesh.embeddings import LocalProvider, unit
from devmesh.search.kin import COSINE, kin
from devmesh.search.late import FLOOR, HELD, Interaction, WordVectors
from devmesh.search.table import WordTable


class Model:
    """Word vectors that are made up from the word, the same every time."""

    dim = 32

    def embed_words(self, words):
        """Words with the same first letter are near."""
        rows = [
            np.random.default_rng(ord(word[0])).normal(size=32)
            + 0.3 * np.random.default_rng(list(word.encode())).normal(size=32)
            if word
            else np.zeros(32)
            for word in words
        ]
        return unit(np.array(rows, dtype=np.float32).reshape(len(words), 32))


def made(documents, model=None):
    """A table of these documents and its vectors."""
    table, vectors = WordTable(), WordVectors(model or Model())
    for family, text in documents.items():
        table.put(family, text.split())
    vectors.follow(table)
    return table, vectors


def test_scores_are_the_formula():
    """As computed pair by pair in plain Python, within the 8 bits of a vector."""
    documents = {1: "apple banana", 2: "avocado cherry cherry", 3: "dill", 4: "banana blueberry egg fig"}
    table, vectors = made(documents)
    asked = ["apricot", "banana", "zucchini"]
    scores = Interaction(table, vectors, asked).scores()
    model = Model()
    sizes = {family: len(set(text.split())) for family, text in documents.items()}
    mean = sum(sizes.values()) / 4
    for slot, (family, text) in enumerate(documents.items()):
        total = 0.0
        for word in asked:
            cosines = {
                other: float(model.embed_words([word])[0] @ model.embed_words([other])[0]) for other in text.split()
            }
            rarity = {other: min(table.idf([word])[0], table.idf([other])[0]) for other in cosines}
            total += max((cosine * rarity[other] if cosine >= FLOOR else 0.0) for other, cosine in cosines.items())
        assert scores[slot] == pytest.approx(total / (1 - HELD + HELD * sizes[family] / mean), abs=0.03)


def test_what_met_is_told():
    """The best word of the document for each asked word, and nothing for a word that met none."""
    table, vectors = made({1: "apple banana", 2: "cherry"})
    met = Interaction(table, vectors, ["avocado", "banana", "xylophone"]).met(table.words_of(0))
    assert [(asked, found) for asked, found, _ in met] == [("avocado", "apple"), ("banana", "banana")]
    assert met[1][2] == pytest.approx(1.0, abs=0.01)


def test_vectors_follow_the_table_through_packing():
    """After replacing, packing and adding the cosines are those of a table made afresh."""
    table, vectors = made({1: "apple banana", 2: "cherry"})
    for turn in range(3_000):
        table.put(3, [f"word{turn}", "dill", "egg"])
        vectors.follow(table)
        kept = table.pack()
        if kept is not None:
            vectors.keep(kept)
    fresh_table, fresh = made({1: "apple banana", 2: "cherry", 3: "word2999 dill egg"})
    here = dict(zip(table.names, vectors.cosines(["avocado"])[0], strict=True))
    there = dict(zip(fresh_table.names, fresh.cosines(["avocado"])[0], strict=True))
    assert all(here[name] == pytest.approx(cosine, abs=1e-6) for name, cosine in there.items())


def test_operators_words_are_kin():
    """What general word vectors do not know: a disk is a drive, a crash is a segfault."""
    table, vectors = made({1: "nvme timeout", 2: "apple"}, LocalProvider())
    met = Interaction(table, vectors, ["disk"]).met(table.words_of(0))
    assert [(asked, found) for asked, found, _ in met] == [("disk", "nvme")]
    assert met[0][2] == pytest.approx(COSINE)
    assert "segfault" in kin("crash")
    assert "crash" in kin("segfault")
    assert kin("marmalade") == frozenset()


def test_no_documents_no_scores():
    """An empty table is searched without complaint."""
    table, vectors = made({})
    assert Interaction(table, vectors, ["a"]).scores().tolist() == []
