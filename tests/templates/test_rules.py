"""The rules of canonical version 1: every case that stands beside them holds."""

from __future__ import annotations

from collections import defaultdict
from importlib import resources
from itertools import pairwise

import polars as pl
import pytest

from devmesh.templates import few, many
from devmesh.templates.canonical import canonicalize
from devmesh.templates.fold import fold_numbers
from devmesh.templates.rules_v1 import GROUPS, Literals

RULES = {rule.name: rule for group in GROUPS for rule in group.rules}


def _cases():
    """Rule name → its lines as (sign, text)."""
    cases = defaultdict(list)
    name = ""
    for line in resources.files("devmesh.templates.rules_v1").joinpath("cases.txt").read_text("utf-8").splitlines():
        if line[:2] in {"+ ", "= ", "- "}:
            cases[name].append((line[0], line[2:].replace("⇥", "\t").replace("␛", "\x1b")))
        elif line and not line.startswith("#"):
            name = line
    return cases


CASES = _cases()
EXAMPLES = [
    (name, message, expected)
    for name, lines in CASES.items()
    for (sign, message), (_, expected) in pairwise(lines)
    if sign == "+"
]
COUNTEREXAMPLES = [(name, text) for name, lines in CASES.items() for sign, text in lines if sign == "-"]


def test_every_rule_has_cases():
    """Each rule has an example and a counterexample, and no case is for a rule that is not there."""
    assert set(CASES) == set(RULES)
    assert {name for name, *_ in EXAMPLES} == set(RULES)
    assert {name for name, _ in COUNTEREXAMPLES} == set(RULES)


@pytest.mark.parametrize(("name", "message", "expected"), EXAMPLES)
def test_example(name, message, expected):
    """A message gets the canonical text that stands under it."""
    assert canonicalize(pl.Series([message])).to_list() == [expected]


def test_both_engines_agree():
    """Over every case, RE2 text by text and polars' columns give the same."""
    shapes = fold_numbers(pl.Series([message for _name, message, _expected in EXAMPLES]))
    assert few.apply_rules(shapes) == many.apply_rules(shapes)


@pytest.mark.parametrize(("name", "message"), COUNTEREXAMPLES)
def test_counterexample(name, message):
    """A rule finds nothing in its counterexamples."""
    rule, (shape,) = RULES[name], fold_numbers(pl.Series([message]))
    if isinstance(rule, Literals):
        assert not any(what in shape for what, _ in rule.pairs)
    else:
        assert not pl.Series([shape]).str.contains(rule.pattern)[0]
