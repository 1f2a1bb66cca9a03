"""Caddyfiles: `reverse_proxy`, with or without a block, and `php_fastcgi`. Imported files are not read."""

from __future__ import annotations

import re
import shlex

from devmesh.graph.files.places import Wanted, refuse, targets_of

SERVICE = "caddy"
MOST_DEPTH = 16
_PASS = ("reverse_proxy", "php_fastcgi")
_HERE = re.compile(r":\d{1,5}")  # a port alone is one of this machine
_PREFIX = re.compile(r"(?:tcp[46]?|h2c|fcgi)/+|h2c://|fcgi://")


def read(text: str, source: str) -> list[Wanted]:
    """What the proxies lead to. Raises Refused."""
    found: list[Wanted] = []
    blocks: list[tuple[bool, int]] = []  # is it a proxy's, its line
    for number, line in enumerate(text.splitlines(), 1):
        words = _words(line, source, number) if line.strip() else []
        if not words:
            continue
        if words == ["}"]:
            if not blocks:
                raise refuse(source, number, "There is a } too many.", "Each } ends a {.")
            blocks.pop()
            continue
        proxy = words[0] in _PASS
        if proxy or (blocks and blocks[-1][0] and words[0] == "to"):
            found += [Wanted(SERVICE, target, number) for word in words[1:] for target in _targets(word)]
        if words[-1] == "{":
            blocks.append((proxy, number))
            if len(blocks) > MOST_DEPTH:
                raise refuse(source, number, "This is nested too deeply.", f"At most {MOST_DEPTH} blocks.")
    if blocks:
        raise refuse(source, blocks[-1][1], "This block has no end.", "Each { needs a line with a }.")
    return found


def _words(line: str, source: str, number: int) -> list[str]:
    reader = shlex.shlex(line, posix=True, punctuation_chars=False)
    reader.whitespace_split, reader.commenters, reader.escape, reader.quotes = True, "", "", '"`'
    try:
        return _before_remark([*reader])
    except ValueError:
        raise refuse(source, number, "A quote is opened here and not closed.", "Close it in the same line.") from None


def _before_remark(words: list[str]) -> list[str]:
    ends = next((at for at, word in enumerate(words) if word.startswith("#")), len(words))
    return words[:ends]


def _targets(word: str) -> list[str]:
    """Of one word of a proxy's line; matchers (`/api/*`, `@name`, `*`) and placeholders are none."""
    if word.startswith(("/", "@", "*", "{")) or "{" in word:
        return []
    if word.startswith("unix"):
        return targets_of("unix:" + word.partition("/")[2] if word.startswith("unix//") else word)
    word = _PREFIX.sub("", word)
    return targets_of("localhost" + word if _HERE.fullmatch(word) else word)
