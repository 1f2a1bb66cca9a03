"""What a pattern of redaction cannot tell: is this match a secret, or a word about one? Each check sees matches
only.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

# What stands behind `password:` in prose.
_PLAIN_WORDS: Final = frozenset(
    """
    a accepted an and are auth authentication basic bearer by cannot changed check could denied disabled empty
    enabled error exceeded expected expired fail failed failure false for from given granted has hidden in
    incorrect invalid is it login malformed masked mismatch missing must n/a needed new nil no none not null
    object of ok old on optional or password prompt provided redacted refused rejected required reset revoked root
    set string success successful the to true type unauthorized undefined unexpected unknown unset unused use used
    user username valid validation value was with wrong yes your
    """.split()  # noqa: SIM905 - a list of words reads better as text
)
_PLACEHOLDER = re.compile(
    r"\*+|[xX]{3,}|\.{3,}|-+|<[^>]*>|\$\{?\w*\}?|\$\([^)]*\)|%[sdv]|\{\w*\}|\(\w+\)"
    r"|[\W_]*(?:redacted|filtered|masked|hidden|removed)[\W_]*",
    re.IGNORECASE | re.ASCII,
)
_LETTERS_OF_NAME = re.compile(r"[a-z]+")
_COUNT_DIGITS: Final = 6
_RANDOM_CHARS: Final = 6
_LONG_CHARS: Final = 20
_BARE_KEY_CHARS: Final = 16
_AS_DIGITS: Final = bytes.maketrans(b"0123456789", bytes(range(10)))
_DOUBLED: Final = bytes.maketrans(bytes(range(10)), bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))


def looks_random(value: str) -> bool:
    """Whether a value is no word of prose: very long, or letters mixed with digits."""
    mixed = any(char.isdigit() for char in value) and any(char.isalpha() for char in value)
    return len(value) >= _LONG_CHARS or (mixed and len(value) >= _RANDOM_CHARS)


def is_pair_secret(before: str, value: str) -> bool:
    """Whether what follows `name=` or `name: ` is a secret. `before` ends with the name and its separator."""
    text = value.strip(" \t,;.")
    if not text or text.lower() in _PLAIN_WORDS or _PLACEHOLDER.fullmatch(text):
        return False
    name = "".join(_LETTERS_OF_NAME.findall(before.lower().replace("%3d", "=").replace("%3a", ":")))
    if name.endswith("pwd"):
        return text[0] not in "/~."  # sudo's PWD is a directory
    if name.endswith("pass"):
        return not text.isdigit()  # `pass: 3` counts
    if name == "key":
        return len(text) >= _BARE_KEY_CHARS and looks_random(text) and not {"/", ":"} & set(text)
    if "passw" in name or "passphrase" in name:
        return True
    if before.endswith((" ", "\t", "20", "+")):
        return looks_random(text)  # prose: "invalid token: unexpected end"
    return not (text.isdigit() and len(text) < _COUNT_DIGITS)  # `token=812` counts


def is_luhn(_before: str, number: str) -> bool:
    """Whether the digits have a right check digit (ISO/IEC 7812-1, annex B) and are not all the same."""
    digits = number.replace(" ", "").replace("-", "").encode().translate(_AS_DIGITS)
    total = sum(digits[::-2]) + sum(digits[-2::-2].translate(_DOUBLED))
    return total % 10 == 0 and len(set(digits)) > 1


def is_basic(_before: str, value: str) -> bool:
    """Whether a value is `user:password` in base64 (RFC 7617)."""
    try:
        return b":" in base64.b64decode(value + "=" * (-len(value) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False


def has_digit(_before: str, value: str) -> bool:
    """Whether there is a digit in it, as in any random token of some length."""
    return any(char.isdigit() for char in value)


def is_random(_before: str, value: str) -> bool:
    """Whether the value is no word of prose."""
    return looks_random(value)
