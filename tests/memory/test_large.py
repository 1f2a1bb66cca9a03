"""A fork of a large dictionary is a copy to whoever uses it, and the original stays as it is."""

from __future__ import annotations

import copy

from hypothesis import given, settings
from hypothesis import strategies as st

from devmesh.memory import Large, fork

key = st.integers(0, 5)
deed = st.tuples(st.sampled_from(["set", "grow", "pop", "default", "look"]), key, st.integers(0, 9))


def act(store, deeds) -> list[object]:
    """Do these, and say what each answered."""
    out: list[object] = []
    for what, at, value in deeds:
        if what == "set":
            store[at] = [value]
        elif what == "grow":
            store.setdefault(at, []).append(value)
        elif what == "pop":
            out.append(store.pop(at, None))
        elif what == "default":
            out.append(copy.deepcopy(store.get(at)))
        else:
            out.append((at in store, len(store), sorted(store), sorted((k, list(v)) for k, v in store.items())))
    return out


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.dictionaries(key, st.lists(st.integers(0, 9), max_size=2)), st.lists(deed, max_size=20))
def test_a_fork_is_a_copy(first, deeds):
    """Every answer is that of a copy; lists in it are its own; the original is as before."""
    original = {"held": Large(first)}
    forked, copied = fork(original, []), copy.deepcopy(original)
    assert act(forked["held"], deeds) == act(copied["held"], deeds)
    assert dict(forked["held"].items()) == dict(copied["held"])
    assert original["held"] == first


def test_what_is_kept_is_the_same_in_both():
    """And everything else is not."""
    facts, known = {1: "a"}, [1]
    forked = fork([facts, known], [facts])
    assert forked[0] is facts
    assert forked[1] is not known
    assert forked[1] == known


def test_a_copy_of_a_large_one_is_large_and_its_own():
    """So that it can be forked in turn."""
    one = Large({1: [2]})
    other = copy.deepcopy(one)
    other[1].append(3)
    assert one == {1: [2]}
    assert isinstance(other, Large)
