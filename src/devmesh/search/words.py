"""Text to words, the same way for questions and for templates.

Promises: lower case, one order (as in the text), no empty words, at most `MAX_WORDS` of them. A compound such as
`NetworkManager`, `oom_kill` or `sshd.service` gives its parts, and itself in lower case as well, so that people find it
by either. Numbers alone are no words: a template has placeholders where they stood, and raw lines are noisy with them.
"""

from __future__ import annotations

import re

MAX_WORDS = 512  # a family of a 32 KiB message would otherwise outweigh a thousand others in memory
MAX_LENGTH = 64  # longer runs of letters are base64, not words

_COMPOUND = re.compile(r"[^\W_]+(?:[._][^\W_]+)*")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_RUN = re.compile(r"[^\W\d_]+")  # scripts beyond ASCII: runs of letters, as they stand


# Words that carry a sentence and not its subject. Few logs have them, so rarity alone would make them the weightiest
# of a question. No, not, up, down, in front of what they turn are meant: "no space", "not allowed" stay.
_FUNCTION_WORDS = """
    a an the of to in on at for from by with and or is are was were be been being has have had it its my our your their
    this that these those who what which whose how when where why do does did i we you they there here as if then than
    so some any somebody someone something can could will would should may might
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())


def parts(compound: str) -> list[str]:
    """The words inside one compound, in lower case: `OOMKilled` gives oom, killed; digits split it and stay out."""
    pattern = _PART if compound.isascii() else _RUN
    return [part.lower() for part in pattern.findall(compound)]


def words(text: str) -> list[str]:
    """All words of a text, repeated as they repeat: the parts of each compound, then the compound if it has several."""
    found: list[str] = []
    for match in _COMPOUND.finditer(text):
        compound = match.group()
        if compound.isdigit():
            continue
        split = [part for part in parts(compound) if 1 < len(part) <= MAX_LENGTH]
        found.extend(split)
        joined = compound.lower()
        if split != [joined] and len(joined) <= MAX_LENGTH and _is_name(joined):
            found.append(joined)
        if len(found) >= MAX_WORDS:
            return found[:MAX_WORDS]
    return found


def question_words(text: str) -> list[str]:
    """The words of a question, each once, without function words (with them if there is nothing else)."""
    once = list(dict.fromkeys(words(text)))
    return [word for word in once if word not in FUNCTION_WORDS] or once


def _is_name(compound: str) -> bool:
    """Whether people would type it as one (`ipv4`, `oom_kill`): no number in hex, no id that is mostly digits."""
    letters = sum(character.isalpha() for character in compound)
    return compound[0].isalpha() and letters > 1 and letters * 2 >= len(compound)
