"""Lists of numbers in a condition, however long: stores bound the parameters of one statement (SQLite's own default is
32,766), and a family may have more templates than that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, func, select

FEW = 200


def one_of(column: ColumnElement[Any], numbers: Iterable[int]) -> ColumnElement[bool]:
    """Rows whose `column` is one of these numbers: a parameter for each where they are few, else one JSON array."""
    wanted = sorted(numbers)
    if len(wanted) <= FEW:
        return column.in_(wanted)
    listed = func.json_each(msgspec.json.encode(wanted).decode()).table_valued("value")
    return column.in_(select(listed.c.value))
