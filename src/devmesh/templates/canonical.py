"""The canonical text of a message."""

from __future__ import annotations

import polars as pl

from devmesh.templates.fold import fold_numbers
from devmesh.templates.rules_v1 import GROUPS
from devmesh.templates.rules_v1.rule import Group

CANON_VERSION = 1
MAX_CHARS = 2_048
MAX_ROUNDS = 12
UNSETTLED = "<unsettled>"


def canonicalize(messages: pl.Series, version: int = CANON_VERSION) -> pl.Series:
    """Canonical text of each message."""
    name = messages.name
    text = _cut(messages.cast(pl.String).fill_null(""))
    folded = fold_numbers(text)
    settled = _per_distinct(folded, _settle)
    return settled.alias(name)


def _cut(text: pl.Series) -> pl.Series:
    longest = text.str.len_bytes().max()
    if longest is None or int(longest) <= MAX_CHARS:
        return text
    cut = text.str.slice(0, MAX_CHARS)
    whole = cut.str.replace(r"(\s)\S*$", "")
    return pl.select(pl.when(text.str.len_chars() > MAX_CHARS).then(whole).otherwise(cut)).to_series()


def _per_distinct(text, function):
    distinct = text.unique(maintain_order=False)
    table = pl.DataFrame({"from": distinct, "to": function(distinct)})
    return text.to_frame("from").join(table, on="from", how="left", maintain_order="left").to_series(1)


def _settle(text: pl.Series) -> pl.Series:
    result = _apply_rules(text)
    for _ in range(MAX_ROUNDS):
        again = _cut(result)
        again = _per_distinct(fold_numbers(again), _apply_rules)
        moving = (again != result)
        if not moving.any():
            return result
        result = again
    return pl.select(pl.when(moving).then(pl.lit(UNSETTLED)).otherwise(result)).to_series()


def _apply_rules(text: pl.Series) -> pl.Series:
    for group in GROUPS:
        text = _apply_group(text, group)
    return text


def _apply_group(text: pl.Series, group: Group) -> pl.Series:
    found = text.str.contains(group.when)
    if not found.any():
        return text
    part = text.filter(found)
    for rule in group.rules:
        part = part.str.replace_all(rule.pattern, rule.placeholder)
    return text.clone().scatter(found.arg_true(), part)
