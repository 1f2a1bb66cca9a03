"""Canonical text as tokens, for telling families apart.

A token is a word, a placeholder, a mix of both (`blk_<n>`), or one sign. Its key is what two texts must share to be the
same statement: the word itself, or ANY where something varies by its looks (a placeholder, a word with a digit in it).
Lists of equal looks (`blk_<n> blk_<n>`, `<n>, <n>`, `<ip> <n>`) are one token: a longer list is not a new pattern.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

ANY = "<*>"
"""Stands in a family's text where words vary."""

MAX_TOKENS = 128
"""What follows is one token more, ANY: lines that agree this far make the same statement."""

_TOKEN = re.compile(r"(?:<[a-z*][a-z:_-]*>|[\w.@$+~#-])+|\s+|.", re.DOTALL)
_PLACEHOLDER = re.compile(r"<[a-z*][a-z:_-]*>")
_NO_LETTERS = re.compile(r"(?:<[a-z*][a-z:_-]*>|[^A-Za-z])+")
_STATUS_CODE = re.compile(r"[1-5][0-9][0-9]")
_OUTCOME = re.compile(r"[a-z]{3,}(?:ed|ing)|[\w.$]*(?:Error|Exception|Failure|Fault|Timeout)", re.IGNORECASE)
_NAME = re.compile(r"\S*[a-z0-9][./@-][A-Za-z0-9]\S*|\S*[a-z][A-Z]\S*|\S*[a-z]_[a-z]\S*")

# Words that say what happened. They never vary within a family, so that opposites stay apart; verb forms (opened,
# refused, starting …) and kinds of failure (IOException …) are told by their ending.
_VERDICTS = frozenset(
    """
    up down on off yes no not none null true false ok okay good bad high low hot cold full empty idle busy ready
    success successful successfully failure fail fails healthy unhealthy present absent primary secondary master slave
    leader follower
    start starts startup stop stops shutdown open close opens closes begin end first last found lost
    allow deny permit accept reject refuse pass block drop add remove delete create destroy insert update load unload
    connect disconnect attach detach join leave enter exit login logout enable disable lock unlock mount unmount
    online offline active inactive valid invalid known unknown available unavailable reachable unreachable alive dead
    enough insufficient supported unsupported legal illegal possible impossible correct incorrect complete incomplete
    read write get head put post patch delete options send receive sent received tx rx in out input output
    emergency alert critical crit fatal panic error err warning warn notice info debug trace
    is are was were be been has have had do does did can cannot could will would may might must shall should
    to of in at by from with and or for the a an before after than over under into via if as it this that
""".split()  # noqa: SIM905
)


class Token(NamedTuple):
    """key: what must be equal; text: what is shown; space: whether a space stands before it."""

    key: str
    text: str
    space: bool


def tokenize(text: str) -> list[Token]:
    """The tokens of a canonical text or of a family's text; at most MAX_TOKENS + 1."""
    tokens: list[Token] = []
    space, looks = False, ""
    for found in _TOKEN.finditer(text):
        part = found.group()
        if part.isspace():
            space = True
            continue
        varies = is_placeholder(part)
        part_looks = _NO_LETTERS.sub("#", part) if varies and part != ANY else ""
        if part_looks and part_looks == looks and _extend(tokens, part, space=space):
            space = False
            continue
        if len(tokens) == MAX_TOKENS:
            tokens.append(Token(ANY, ANY, space=True))
            break
        tokens.append(Token(ANY if varies else part, part, space))
        if part != ",":
            looks = part_looks
        space = False
    return tokens


def _extend(tokens: list[Token], part: str, *, space: bool) -> bool:
    """Make `part` one with the last token, or with the one before a comma."""
    between = " " if space else ""
    if tokens[-1].key == ANY:
        tokens[-1] = tokens[-1]._replace(text=tokens[-1].text + between + part)
        return True
    if tokens[-1].key == "," and len(tokens) > 1 and tokens[-2].key == ANY:
        tokens[-2:] = [tokens[-2]._replace(text=f"{tokens[-2].text},{between}{part}")]
        return True
    return False


def render(tokens: list[Token]) -> str:
    """The text again."""
    return "".join(f" {token.text}" if token.space else token.text for token in tokens)


@lru_cache(65_536)
def is_placeholder(part: str) -> bool:
    """Whether a token varies by its looks."""
    if _STATUS_CODE.fullmatch(part):
        return False
    return ("<" in part and _PLACEHOLDER.search(part) is not None) or any(char in "0123456789" for char in part)


@lru_cache(65_536)
def may_vary(word: str) -> bool:
    """Whether a word could be a name, not a verdict: only then may a family put ANY in its place."""
    return word[0].isalpha() and word.lower() not in _VERDICTS and _OUTCOME.fullmatch(word) is None


def looks_like_name(word: str) -> bool:
    """Dotted, joined or camel-case words are names of things more often than words of a sentence."""
    return _NAME.fullmatch(word) is not None
