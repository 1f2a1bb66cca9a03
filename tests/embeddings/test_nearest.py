"""The vector index: exact by cosine, whatever was put and removed before."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devmesh.embeddings import MatrixIndex, Sentences, unit


def directions(count, dim=8):
    """The same random unit vectors every time."""
    return unit(np.random.default_rng(7).normal(size=(count, dim)).astype(np.float32))


def test_the_nearest_come_first():
    """As a full sort by cosine would give, within the 8 bits of a number."""
    vectors = directions(200)
    index = MatrixIndex(8)
    index.put(range(200), vectors)
    found = index.nearest(vectors[17], 10)
    right = np.argsort(-(vectors @ vectors[17]))[:10]
    assert found[0][0] == 17
    assert {family for family, _ in found[:8]} <= set(right.tolist())
    np.testing.assert_allclose([cosine for _, cosine in found], np.sort(-(vectors @ vectors[17]))[:10] * -1, atol=0.01)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12), st.integers(0, 29)), max_size=40), st.integers(1, 20))
def test_puts_and_removes_in_any_order_are_a_dict(steps, limit):
    """The index holds exactly what a dict would, and answers in order of cosine, then id."""
    vectors, model, index = directions(30), {}, MatrixIndex(8)
    for put, family, row in steps:
        if put:
            model[family] = vectors[row]
            index.put([family], vectors[row : row + 1])
        else:
            model.pop(family, None)
            index.remove([family])
    found = index.nearest(vectors[0], limit)
    assert len(index) == len(model)
    assert len(found) == min(limit, len(model))
    exact = {
        family: float(vector.astype(np.float16).astype(np.float32) @ vectors[0]) for family, vector in model.items()
    }
    right = sorted(exact.items(), key=lambda item: (-round(item[1], 4), item[0]))[:limit]
    assert [cosine for _, cosine in found] == pytest.approx([cosine for _, cosine in right], abs=0.01)
    assert all(exact[family] == pytest.approx(cosine, abs=0.01) for family, cosine in found)


def test_the_same_family_twice_in_one_put_keeps_the_last():
    """A put is a sequence of puts."""
    index = MatrixIndex(8)
    index.put([1, 1], directions(2))
    assert index.nearest(directions(2)[1], 5) == [(1, pytest.approx(1.0, abs=0.01))]


def test_a_wrong_shape_changes_nothing():
    """Vectors of another model cannot get in."""
    index = MatrixIndex(8)
    with pytest.raises(ValueError, match="shape"):
        index.put([1], directions(1, dim=9))
    assert len(index) == 0


@pytest.mark.parametrize("dim", [1, 384, 4096])
def test_any_dimension_works(dim):
    """From one number to 4,096."""
    vectors = directions(50, dim)
    index = MatrixIndex(dim)
    index.put(range(50), vectors)
    assert index.nearest(vectors[3], 1)[0][1] == pytest.approx(1.0, abs=0.01)


def test_sentences_embed_the_question_and_look_it_up():
    """A provider and an index together answer with families."""

    class Fixed:
        """A model that knows one direction."""

        name, dim = "fixed", 8

        def embed(self, texts):
            return directions(5)[[2] * len(texts)]

    index = MatrixIndex(8)
    index.put([10, 20, 30], directions(3))
    assert Sentences(Fixed(), index).nearest("any", 1)[0][0] == 30
