"""A question as words: tokens with their places, and what stands in quotation marks. Linear in the text."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_CHARS = 1_000
# Dates and times of day stay whole, so do names: docs-api.service, node_exporter, 1795360864569955-42.
_TOKEN = re.compile(
    r"\d{4}-\d{2}-\d{2}(?!\d)|\d{1,2}\.\d{1,2}\.(?:\d{4})?(?![\d.])|\d{1,2}:\d{2}(?::\d{2})?(?!\d)"
    r"|[^\W_]+(?:[._@:/-]+[^\W_]+)*|[-\u2013]"
)
_MARKS = {'"': '"', "'": "'", "“": "”", "„": "“", "«": "»", "`": "`"}


@dataclass(frozen=True)
class Token:
    """A word in lower case, as it was written, and where it begins and ends."""

    text: str
    raw: str
    start: int
    end: int


@dataclass(frozen=True)
class Words:
    """A question: its tokens, those in quotation marks left out, and the quoted phrases."""

    tokens: tuple[Token, ...]
    quoted: tuple[str, ...]

    @property
    def texts(self) -> list[str]:
        """The tokens alone."""
        return [one.text for one in self.tokens]


def read(text: str) -> Words:
    """The words of a question of at most `MOST_CHARS`; control characters part words."""
    plain = "".join(char if char.isprintable() else " " for char in text[:MOST_CHARS])
    quoted, rest = _quoted(plain)
    tokens = (Token(one[0].lower(), one[0], one.start(), one.end()) for one in _TOKEN.finditer(rest))
    return Words(tuple(tokens), tuple(quoted))


def _quoted(text: str) -> tuple[list[str], str]:
    """The phrases in quotation marks, and the text with spaces in their place. An apostrophe within a word is none."""
    found, rest, at = list[str](), list(text), 0
    while at < len(text):
        closing = _MARKS.get(text[at])
        opens = closing is not None and (at == 0 or not text[at - 1].isalnum())
        end = _closed(text, at + 1, closing) if opens and closing else -1
        if end > at:
            found.append(text[at + 1 : end].strip())
            rest[at : end + 1] = " " * (end + 1 - at)
            at = end
        elif opens and closing:  # it is not closed: so no later one of its sort is either
            return [one for one in found if one], "".join(rest)
        at += 1
    return [one for one in found if one], "".join(rest)


def _closed(text: str, at: int, mark: str) -> int:
    """Where `mark` closes, which it does at the end of a word; -1 where it does not."""
    while (at := text.find(mark, at)) >= 0:
        if at + 1 == len(text) or not text[at + 1].isalnum():
            return at
        at += 1
    return -1
