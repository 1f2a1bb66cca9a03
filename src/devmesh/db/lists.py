"""Lists of numbers in a condition, however long: stores bound the parameters of one statement (SQLite's own default is
32,766), and a family may have more templates than that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import ColumnElement
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

FEW = 200


class _Numbers(FunctionElement[int]):
    """The numbers of a JSON array, as rows."""

    inherit_cache = True


@compiles(_Numbers)
def _on_sqlite(element: Any, compiler: Any, **more: Any) -> str:
    return f"(SELECT value FROM json_each({compiler.process(element.clauses, **more)}))"  # noqa: S608 - a bound value


@compiles(_Numbers, "mariadb")
def _on_mariadb(element: Any, compiler: Any, **more: Any) -> str:
    array = compiler.process(element.clauses, **more)
    return f"(SELECT number FROM JSON_TABLE({array}, '$[*]' COLUMNS (number BIGINT PATH '$')) AS listed)"  # noqa: S608


def one_of(column: ColumnElement[Any], numbers: Iterable[int]) -> ColumnElement[bool]:
    """Rows whose `column` is one of these numbers: a parameter for each where they are few, else one JSON array."""
    wanted = sorted(numbers)
    if len(wanted) <= FEW:
        return column.in_(wanted)
    return column.bool_op("IN")(_Numbers(msgspec.json.encode(wanted).decode()))
