"""Texts without which a regular expression cannot match: the store looks for those first, which is much cheaper.

Only plain cases are read; for anything else there is no answer, and every message goes through the expression. With
`(?i)` a literal ends at k and s, which Unicode gives a third form (the Kelvin sign, the long s).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MIN_CHARS = 2
MAX_ALTERNATIVES = 8

# One piece of an expression: what stands for one or no character, a group's or an alternative's border, a quantifier.
_PIECE = re.compile(
    r"(?P<escaped>\\[^\w\s])"
    r"|(?P<one>\\[dDsSwWBAznrt]|\\b(?!\{)|\[\^?[^\[\]\\&~^-][^\[\]\\&~]*\]|[.^$])"
    r"|(?P<open>\((?:\?:)?(?!\?))|(?P<close>\))|(?P<or>\|)"
    r"|(?P<many>(?:[*?]|\{[0-9,]+\})\??)|(?P<some>\+\??)"
    r"|(?P<plain>[^\\\[\](){}|*+?.^$])"
)


def required(pattern: str) -> list[str] | None:
    """Texts one of which, in whatever case of ASCII letters, is in every message that `pattern` matches; None where
    that cannot be told.
    """
    either_case = pattern.startswith("(?i)")
    found: list[str] = []
    for alternative in _alternatives(pattern.removeprefix("(?i)")):
        longest = max(_runs(alternative, either_case=either_case), key=len, default="")
        if len(longest) < MIN_CHARS:
            return None
        found.append(longest)
    return found if 0 < len(found) <= MAX_ALTERNATIVES else None


def _alternatives(pattern: str) -> list[list[tuple[str, str]]]:
    """The pieces (kind, text) of each alternative, those inside of groups as one; nothing where a piece is unknown."""
    parts: list[list[tuple[str, str]]] = [[]]
    depth = at = 0
    while at < len(pattern):
        piece = _PIECE.match(pattern, at)
        if piece is None:
            return []
        at, kind = piece.end(), str(piece.lastgroup)
        depth += (kind == "open") - (kind == "close")
        if kind == "or" and not depth:
            parts.append([])
        elif not depth:
            parts[-1].append(("one" if kind == "close" else kind, piece.group()))
    return parts if not depth else []


def _runs(pieces: list[tuple[str, str]], *, either_case: bool) -> Iterator[str]:
    """The literal stretches of one alternative."""
    run = ""
    for kind, text in pieces:
        char = text[-1]
        if kind in {"plain", "escaped"} and not (either_case and (char in "kKsS" or not char.isascii())):
            run += char
            continue
        yield run[:-1] if kind == "many" else run
        run = ""
    yield run
