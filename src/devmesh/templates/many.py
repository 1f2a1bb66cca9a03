"""The rules over many texts at once, as polars' operations on whole columns."""

from __future__ import annotations

import polars as pl

from devmesh.templates.rules_v1 import GROUPS
from devmesh.templates.rules_v1.rule import Group, Literals, passes


def apply_rules(texts: list[str]) -> list[str]:
    """The texts after every group of rules that applies to them."""
    text = pl.Series(texts, dtype=pl.String)
    for group in GROUPS:
        found = text.str.contains(group.when)
        if found.all():
            text = _apply_group(text, group)
        elif found.any():
            text = text.clone().scatter(found.arg_true(), _apply_group(text.filter(found), group))
    return text.str.strip_chars(" ").to_list()


def _apply_group(text: pl.Series, group: Group) -> pl.Series:
    for rule in passes(group):
        if isinstance(rule, Literals):
            text = text.str.replace_many(dict(rule.pairs), leftmost=True)
        else:
            text = text.str.replace_all(rule.pattern, rule.placeholder)
    return text
