"""What people give, checked: reasons, names, times, numbers. Each raises InvalidInput with what to do instead."""

from __future__ import annotations

from collections.abc import Iterable

from devmesh.errors import InvalidInput, NotFound

REASON_CHARS = 500
DAY_US = 86_400_000_000
LARGEST_ID = 2**31 - 1


def text_of(text: str, what: str, most: int = REASON_CHARS) -> str:
    """The text without space around it; it must say something, in `most` characters of valid Unicode."""
    said = text.strip()
    if not said:
        raise InvalidInput(f"The {what} is missing.", hint=f"Give a {what}: who reads it later knows nothing else.")
    if len(said) > most:
        raise InvalidInput(f"The {what} has {len(said)} characters.", hint=f"At most {most} are kept.")
    if any("\ud800" <= one <= "\udfff" for one in said):
        raise InvalidInput(f"The {what} is no valid Unicode.", hint="Leave half characters (surrogates) out.")
    return said


def texts_of(texts: Iterable[str], what: str, most: int) -> tuple[str, ...]:
    """Several of them, at most `most`, each of 255 characters; doubles left out."""
    said = tuple(dict.fromkeys(text_of(one, what, 255) for one in texts))
    if len(said) > most:
        raise InvalidInput(f"There are {len(said)} {what}s.", hint=f"At most {most}; * stands for any text.")
    return said


def end_of(since_us: int, until_us: int, now_us: int, days: int) -> int:
    """`until_us`, which lies ahead and at most so many days after `since_us`."""
    if until_us <= now_us:
        raise InvalidInput("The end lies in the past.", hint="Give a time that is still to come.")
    if until_us <= since_us:
        raise InvalidInput("The end comes before the beginning.", hint="Give the earlier time first.")
    if until_us - since_us > days * DAY_US:
        raise InvalidInput(f"This is longer than {days} days.", hint=f"At most {days} days; it can be asked for again.")
    return until_us


def number_of(number: int, what: str) -> int:
    """An id that a table can hold. Raises NotFound."""
    if not 0 < number <= LARGEST_ID:
        raise NotFound(f"There is no {what} {number}.", hint=f"The list of {what}s has their numbers.")
    return number
