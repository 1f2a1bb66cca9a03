"""The word table: whatever was put, removed and packed, it reads like a dict of bags of words."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devmesh.search import table as table_module
from devmesh.search.bm25 import K1, B, bm25
from devmesh.search.table import WordTable

LETTERS = list("abcdefg")
STEPS = st.lists(st.tuples(st.integers(0, 9), st.none() | st.lists(st.sampled_from(LETTERS), max_size=6)), max_size=40)


def filled(steps):
    """A table after these steps (None removes), and the same as a dict."""
    table, model = WordTable(), {}
    for family, bag in steps:
        if bag is None:
            assert table.remove(family) == (model.pop(family, None) is not None)
        else:
            table.put(family, bag)
            model[family] = bag
        table.pack()
    return table, model


def slow_bm25(model, question):
    """The formula, document by document."""
    mean = max(sum(map(len, model.values())) / len(model), 1.0) if model else 1.0
    scores = {}
    for family, bag in model.items():
        counts = Counter(bag)
        score = 0.0
        for word in question:
            frequency = sum(word in other for other in model.values())
            idf = np.log1p((len(model) - frequency + 0.5) / (frequency + 0.5))
            held = K1 * (1 - B + B * len(bag) / mean)
            score += idf * counts[word] * (K1 + 1) / (counts[word] + held)
        if score > 0:
            scores[family] = score
    return scores


@pytest.fixture(params=[1, 4096], ids=["packs at once", "packs late"])
def pack_from(request, monkeypatch):
    """Both ways: so eager that every step packs, and as it runs."""
    monkeypatch.setattr(table_module, "_PACK_FROM", request.param)


@pytest.mark.usefixtures("pack_from")
def test_bm25_is_the_formula_after_any_history():
    """Adding, replacing, removing and packing in any order gives the scores of a table built afresh."""

    @settings(derandomize=True, max_examples=150, deadline=None)
    @given(STEPS, st.lists(st.sampled_from([*LETTERS, "unknown"]), unique=True, max_size=4))
    def law(steps, question):
        table, model = filled(steps)
        scores = bm25(table, question)
        found = {int(family): float(score) for family, score in zip(table.families, scores, strict=True) if score > 0}
        assert len(table) == len(model)
        assert found == pytest.approx(slow_bm25(model, question), rel=1e-4)

    law()


@pytest.mark.usefixtures("pack_from")
def test_words_of_a_family_are_found_after_any_history():
    """Each live family's run holds exactly its words."""

    @settings(derandomize=True, max_examples=100, deadline=None)
    @given(STEPS)
    def law(steps):
        table, model = filled(steps)
        for family, bag in model.items():
            names = [table.names[word] for word in table.words_of(table.slot(family))]
            assert sorted(names) == sorted(set(bag) or {""})

    law()


def test_dead_slots_do_not_pile_up():
    """Replacing one family for ever keeps the table small, and forgets its old words."""
    table = WordTable()
    for turn in range(3_000):
        table.put(1, [f"word{turn}", f"other{turn}", "same"])
        table.pack()
    assert len(table.words) < 10_000
    assert len(table.names) < 20_000
    assert bm25(table, ["same"]).sum() > 0
    assert bm25(table, ["word5"]).sum() == 0


def test_an_empty_table_scores_nothing():
    """Before the first family, and after the last one went."""
    table = WordTable()
    assert bm25(table, ["a"]).tolist() == []
    table.put(1, ["a"])
    table.remove(1)
    assert bm25(table, ["a"]).tolist() == [0.0]
