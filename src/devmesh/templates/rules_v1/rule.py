r"""What a rule is: data, with the cases that prove it (`cases.txt`).

Patterns are Rust regex syntax and see text after the number pass (`fold.py`): every free-standing number is one `0`, so
an IPv4 address is `0\\.0\\.0\\.0`. They are ASCII (Unicode classes make automata that are slow to build) and, where
they can be, without captures (those are slow to run): `\\B` before a sign says that no word ends there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

KEPT = "\ue000"
"""Stands in a pair whose value stays, so that the rules that mask values pass it by."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One replacement over a whole column.

    name         stable, for tests and docs
    pattern      Rust regex
    placeholder  what is written instead; `${1}` gives back a capture
    """

    name: str
    pattern: str
    placeholder: str


@dataclass(frozen=True, slots=True)
class Literals:
    """Many fixed texts replaced in one go: (what, by what)."""

    name: str
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Rules for one kind of line, tried only on the rows in which `when` is found ("" is every row)."""

    name: str
    when: str
    rules: tuple[Rule | Literals, ...]


@cache
def passes(group: Group) -> tuple[Rule | Literals, ...]:
    """The rules of a group, neighbours with one placeholder joined to one pattern: one walk over the text, not
    several.
    """
    joined: list[Rule | Literals] = []
    for rule in group.rules:
        last = joined[-1] if joined else None
        if (
            isinstance(rule, Rule)
            and isinstance(last, Rule)
            and rule.placeholder == last.placeholder
            and "$" not in rule.placeholder
        ):
            joined[-1] = Rule(f"{last.name}, {rule.name}", f"{last.pattern}|(?:{rule.pattern})", rule.placeholder)
        else:
            joined.append(rule)
    return tuple(joined)
