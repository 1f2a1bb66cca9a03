"""The level that a template's text states, as a syslog priority.

Programs that write to standard output get priority 6 from journald whatever they print, so the text is asked, once for
each template. Conservative: a level counts only where programs write one (a level key, brackets, the head of the line,
the first letter of a klog line), never because a word like "error" occurs in a sentence.
"""

from __future__ import annotations

import re

_NAMES = {
    0: "emerg emergency",
    1: "alert",
    2: "crit critical fatal panic ftl crt dpanic",
    3: "err error severe eror fail",
    4: "warn warning wrn",
    5: "notice note",
    6: "info inf information informational",
    7: "debug dbg trace trc verbose vrb fine finer finest",
}
_PRIORITY = {name: priority for priority, names in _NAMES.items() for name in names.split()}
_LETTERS = {"F": 2, "C": 2, "E": 3, "W": 4, "N": 5, "I": 6, "D": 7, "T": 7}

_ANY_NAME = "|".join(sorted(_PRIORITY, key=len, reverse=True))
_SHOUTED = "CRITICAL|FATAL|SEVERE|ERROR|WARNING|WARN|NOTICE|INFO|DEBUG"
_HEAD = 160  # characters in which a line's own level stands; further on a word is part of what it says

_KEY = re.compile(
    rf"""["']?\b(?:log\.?)?(?:level|lvl|severity|loglevel|level_?name)["']?\s?[:=]\s?["']?({_ANY_NAME})\b""",
    re.IGNORECASE,
)
_BRACKETS = re.compile(rf"[\[<(|](?:\w+[:.])?\s*({_ANY_NAME})\s*(?:[\])>|]|:\w)", re.IGNORECASE)
_WORD = re.compile(rf"(?:^|[\s.|:\]])(?<!status: )(?<!state: )({_SHOUTED})(?:$|[\s:|,\[])")
# Each part of the head can be read in one way only (possessive runs, no two parts begin alike): otherwise a line of
# dashes or brackets would be tried in every way of cutting it up, which takes for ever.
_FIRST = re.compile(
    r"^(?:<(?:ts|time|date)>[\s:]*+|[\[\](){}\s-]++|[\w./][\w./-]*+(?:\[<n>\])?: )*"
    rf"({_ANY_NAME})(?::| \W|(?-i: [A-Z]\w*:))",
    re.IGNORECASE,
)
_KLOG = re.compile(r"^([FEWI])(?:<n>|\d{1,2}) <time>")
_LETTER = re.compile(r"(?:^|\s)\[([FCEWNIDT])\](?:\s|$)")


def level_of(text: str) -> int | None:
    """Priority 0..7 of one canonical text; None where it states none. A key behind a level at the head does not lower
    it: what an error quotes may have been written by anybody.
    """
    keyed = _KEY.search(text)
    if keyed:
        stated, ahead = _PRIORITY[keyed[1].lower()], _at_head(text[: min(_HEAD, keyed.start())])
        return stated if ahead is None else min(stated, ahead)
    return _at_head(text[:_HEAD])


def _at_head(head: str) -> int | None:
    for pattern in (_BRACKETS, _WORD, _FIRST):
        found = pattern.search(head)
        if found:
            return _PRIORITY[found[1].lower()]
    letter = _KLOG.match(head) or _LETTER.search(head)
    return _LETTERS[letter[1]] if letter else None
