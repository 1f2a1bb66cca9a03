"""Rows that a server does not take: found by halves among those that it takes (F43).

MariaDB rolls back the statement that it refuses and nothing else, so this goes on in the same transaction. There is no
INSERT IGNORE, which would store a part of the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pymysql

_REASONS = {
    1048: "has no value",
    1264: "the number is out of range",
    1265: "has a value of another kind",
    1292: "has a value of another kind",
    1366: "has a value of another kind",
    1406: "is too long",
    4025: "breaks a rule of the table",
}


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that was not stored: its place in the frame (from 0), the column ("" where no one is at fault), and why,
    without its text.
    """

    row: int
    column: str
    reason: str


def refusal(error: pymysql.err.Error, row: int) -> Refused | None:
    """What the server holds against a row; None where the row is not at fault."""
    code, text = (*error.args, 0, "")[:2]
    if code not in _REASONS:
        return None
    named = re.search(r"column [^\n]*?(\w+)['`] at row \d+$|Column '(\w+)'", str(text))
    column = (named[1] or named[2]) if named else ""
    return Refused(row, column, f"{_REASONS[code]} for the database (MariaDB error {code})")


def by_halves(store: Callable[[Sequence[str]], object], rows: Sequence[str], first: int) -> list[Refused]:
    """Store the rows, of which the first stands in place `first`, but for those that the server refuses; they are
    returned. Raises any other error.
    """
    try:
        store(rows)
    except pymysql.err.MySQLError as error:
        refused = refusal(error, first)
        if refused is None:
            raise
        if len(rows) == 1:
            return [refused]
        half = len(rows) // 2
        return [*by_halves(store, rows[:half], first), *by_halves(store, rows[half:], first + half)]
    return []
