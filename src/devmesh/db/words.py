"""Texts in SQL, where the stores differ: whether one holds some words, and many as one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, and_, cast, func, literal, literal_column, null, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import String

SEPARATOR = "\x1e"


class _Either(FunctionElement[Any]):
    """Of two expressions the first on SQLite, the second on MariaDB."""

    inherit_cache = True

    def __init__(self, on_sqlite: ColumnElement[Any], on_mariadb: ColumnElement[Any]) -> None:
        super().__init__(on_sqlite, on_mariadb)
        self.type = on_sqlite.type

    def self_group(self, against: Any = None) -> Any:
        """It stands in brackets already, and a condition needs no "= 1", which would keep OR from stopping early."""
        del against
        return self


@compiles(_Either)
def _first(element: _Either, compiler: Any, **more: Any) -> str:
    return f"({compiler.process(next(iter(element.clauses)), **more)})"


@compiles(_Either, "mariadb")
def _second(element: _Either, compiler: Any, **more: Any) -> str:
    return f"({compiler.process(list(element.clauses)[1], **more)})"


def contains(text: ColumnElement[str], *words: str, nul: bool) -> ColumnElement[bool]:
    """Texts that contain one of `words`, with the case of ASCII letters ignored; for WHERE, where OR stops early.
    `nul`: some texts may hold NUL.

    SQLite's LIKE is its fastest way but ends at the first NUL, in the text and in the pattern alike. So does length()
    of a text; comparing it with that of the bytes is the cheapest way to tell that there may be one. MariaDB's LIKE
    goes by the column's collation, which tells cases apart; so would `(?i)` take the Kelvin sign for a k.
    """
    pattern = literal("|".join("".join(map(_either_case, one)) for one in words), String())
    return _Either(or_(*[_on_sqlite(text, one, nul=nul) for one in words]), text.bool_op("REGEXP")(pattern))


def _either_case(char: str) -> str:
    """A character in a regular expression of MariaDB (PCRE2)."""
    letter = char.isascii() and char.isalpha()
    return f"[{char.lower()}{char.upper()}]" if letter else f"\\x{{{ord(char):x}}}"


def _on_sqlite(text: ColumnElement[str], words: str, *, nul: bool) -> ColumnElement[bool]:
    exact = func.instr(func.lower(text), _ascii_lower(words)) > 0
    if "\0" in words:
        return exact
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    like = text.like(f"%{escaped}%", escape="\\")
    if not nul:
        return like
    longer = func.length(text) != func.length(cast(text, LargeBinary))
    with_nul = func.instr(text, literal_column("char(0)")) > 0
    return or_(like, and_(longer, with_nul, exact))


def joined(text: ColumnElement[str], *order: ColumnElement[Any]) -> tuple[ColumnElement[str], ColumnElement[int]]:
    """Two columns of an aggregate: all texts with SEPARATOR between, in some order or that of the key; and the bytes of
    all texts without it, where the store may cut what it joined (MariaDB does, at max_allowed_packet), else null.
    """
    on_sqlite = func.group_concat(text, literal_column("char(30)"))
    on_mariadb = func.aggregate_strings(text, SEPARATOR)
    return _Either(on_sqlite, on_mariadb.aggregate_order_by(*order) if order else on_mariadb), _Either(
        null(), func.sum(func.length(text))
    )


def _ascii_lower(text: str) -> str:
    return "".join(char.lower() if char.isascii() else char for char in text)
