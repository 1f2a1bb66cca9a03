"""What an expression cannot match without: never too much, or lines would not be found."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devmesh.events.literals import required

ATOMS = st.sampled_from([
    "a", "b", "k", "S", "ab", "port ", "é", ".", "^", "$", "\\d", "\\b", "\\.", "\\[", "[ab]", "[^a-c]", "(ab)",
    "(?:b|a)",
    "a*", "b?", "c+", "ab{0}", "ab{2}", "a+?", "(ab)?", "(ab)*", "[ab]*", "\\d*", "\\.?", "|", "(?i)", "(?x: a)",
    "\\x61b",
])  # fmt: skip
TEXTS = st.lists(st.text(alphabet="abckKS\u017f\u212a .[]{}0éport", max_size=14), min_size=1, max_size=6)


@settings(max_examples=600, deadline=None, derandomize=True)
@given(st.booleans(), st.lists(ATOMS, min_size=1, max_size=5), TEXTS)
def test_no_match_without_one_of_them(either_case, atoms, texts):
    """Each text that the expression matches holds one of them, ASCII case aside."""
    pattern = "(?i)" * either_case + "".join(atoms)
    wanted = required(pattern)
    try:
        matched = pl.Series(texts).str.contains(pattern)
    except pl.exceptions.PolarsError:
        return
    if wanted is not None:
        for text in pl.Series(texts).filter(matched):
            assert any(one.lower() in text.lower() for one in wanted), (pattern, wanted, text)


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        (r"(?i)timeout|port [0-9]{4}\b", ["timeout", "port "]),
        ("connection (refused|reset) by peer", ["connection "]),
        (r"10\.0\.0\.\d+", ["10.0.0."]),
        ("errors?: disk", [": disk"]),
        ("(?i)disk full", [" full"]),
        ("a|timeout", None),
        ("[a-z]+", None),
        ("", None),
        ("(", None),
        (r"\x41bc", None),
        ("(?x) a b c d", None),
        ("(?s)abc", None),
        ("[[:alpha:]]abc", None),
        ("x{2}yz", ["yz"]),
    ],
)
def test_what_is_found(pattern, texts):
    """The usual expressions of people have their texts; what is not plain has none."""
    assert required(pattern) == texts
