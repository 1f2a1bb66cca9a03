"""What a rule is: data, with the cases that prove it.

Patterns are Rust regex syntax and see text after the number pass (`fold.py`): every free-standing number is `0`, so an
IPv4 address is `0\\.0\\.0\\.0`. Rust's regex has no look-around; where a rule needs what stands before its match it
captures that and writes it back.
"""

from __future__ import annotations

from dataclasses import dataclass

KEPT = "\ue000"
"""Stands for the `=` or `:` of a pair whose value stays, while the values of the other pairs are masked."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One replacement over a whole column.

    name            stable, for tests and docs
    pattern         Rust regex
    placeholder     what is written instead; `${1}` gives back a capture
    examples        (message, its canonical text), held by the rule set as a whole
    counterexamples messages in which this rule must find nothing
    """

    name: str
    pattern: str
    placeholder: str
    examples: tuple[tuple[str, str], ...] = ()
    counterexamples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Rules for one kind of line, tried only on the rows in which `when` is found ("" is every row)."""

    name: str
    when: str
    rules: tuple[Rule, ...]
