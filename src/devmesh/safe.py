"""Text from logs as one visible line: nothing in it that a terminal, a mail or a chat would obey, or not show (T7)."""

from __future__ import annotations

import unicodedata

LAST_ASCII = 0x7F
# What str.isprintable lets through and no font shows: fillers, joiners, variation selectors.
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0") | {
    chr(point) for point in (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))
}


def safe(text: str) -> str:
    """`text` on one line with nothing in it that a terminal obeys or hides: C0, C1, ESC, bidi, zero-width, tags, line
    ends.

    They become visible escapes; tabs and odd spaces become spaces.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isprintable() and char not in _UNSEEN else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    if char == "\t" or unicodedata.category(char) == "Zs":
        return " "
    return char.encode("ascii", "backslashreplace").decode() if ord(char) > LAST_ASCII else f"\\x{ord(char):02x}"
