"""Pages of a list: a limit that holds for every face, and a cursor where there is more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from devmesh.errors import InvalidInput

LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000
MAX_DIGITS = 18  # whatever has fewer fits the store's 63 bits

Row = TypeVar("Row")


@dataclass(frozen=True)
class Page(Generic[Row]):
    """A list's rows, at most as many as were asked for; `cursor` asks for those after them, None where none are."""

    rows: list[Row]
    cursor: str | None


def check_limit(limit: int) -> None:
    """Raise InvalidInput unless `limit` is 1 to 1,000."""
    if not 1 <= limit <= LIMIT_MAX:
        raise InvalidInput(f"limit must be between 1 and {LIMIT_MAX}.", hint="Page with the cursor.")


def first_of(rows: Sequence[Row], limit: int, cursor_of: Callable[[Row], str]) -> Page[Row]:
    """The page of the first `limit` rows; any row beyond them, which the caller asked for as well, means a cursor."""
    shown = list(rows[:limit])
    return Page(shown, cursor_of(shown[-1]) if len(rows) > limit else None)


def number_in(cursor: str) -> int:
    """The number that a cursor is or begins with. Raises InvalidInput."""
    digits = cursor.partition("-")[0]
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= MAX_DIGITS):
        raise InvalidInput("The cursor is none of this list.", hint="Take it from the answer before.")
    return int(digits)
