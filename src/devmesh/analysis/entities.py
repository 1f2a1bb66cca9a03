"""Whom and what a question names: services and nodes among those that there are, severity, ids; and what was guessed.

A name is found as it stands, by an alias, by its first part (`redis` for redis-server), or with a typing error or two;
the answer says what was guessed. Work is bounded by the names that there are and a question's length.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from devmesh.analysis.vocabulary import COMMON, words_of
from devmesh.analysis.words import Token

SERVICE, NODE = "service", "node"
MOST_JOINED = 3  # tokens of one name: home assistant core
SHORT, LONG = 4, 8  # letters from which one and two typing errors are forgiven
NEEDS_CUE = 6
MOST_NAMES, MOST_GUESSED, MOST_FUZZY = 8, 3, 12
MOST_COMPARED = 10_000  # pairs of names, for one question
NODE_CUES = {"on", "auf", "node", "host", "machine", "server", "rechner", "knoten"}
SERVICE_CUES = {"service", "unit", "dienst", "container"}
CUES = (
    NODE_CUES
    | SERVICE_CUES
    | words_of(
        """
    of from is was with and vs versus than to for did von mit und ist dem does s the bei in compare between
    """
    )
)
SEVERITIES = {
    "critical": "critical", "crit": "critical", "kritisch": "critical", "kritische": "critical", "fatal": "critical",
    "warning": "warning", "warnings": "warning", "warn": "warning", "warnung": "warning", "warnungen": "warning",
}  # fmt: skip
INCIDENT_WORDS = {"incident", "incidents", "vorfall", "vorfälle", "vorfalls", "vorfällen", "störung"}
_FAMILY = re.compile(r"[ft]\d{1,9}")
_EVENT = re.compile(r"\d{12,18}-\d{1,18}")
_PLAIN = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Guess:
    """What was read as which name."""

    said: str
    name: str


@dataclass(frozen=True)
class Entities:
    """What a question names, each once, in its order; `taken`: the tokens that said it."""

    services: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    severity: str = ""
    families: tuple[str, ...] = ()  # f12, t345
    events: tuple[str, ...] = ()
    incidents: tuple[int, ...] = ()
    guesses: tuple[Guess, ...] = ()
    taken: frozenset[int] = frozenset()


@dataclass
class Known:
    """The names that there are, and `aliases` of services."""

    services: Collection[str]
    nodes: Collection[str]
    aliases: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.compared = 0
        self._exact: dict[str, dict[str, str]] = defaultdict(dict)
        self._parts: dict[str, set[tuple[str, str]]] = defaultdict(set)
        self._by_length: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
        for kind, name in self._all():
            self._exact[plain(name)].setdefault(kind, name)
            first = _PLAIN.split(name.lower())[0]
            if len(first) >= SHORT - 1 and plain(name) != first:
                self._parts[first].add((kind, name))
        for alias, name in self.aliases.items():
            self._exact[plain(alias)].setdefault(SERVICE, name)
        for text, kinds in self._exact.items():
            for kind, name in kinds.items():
                self._by_length[len(text)].append((text, kind, name))

    def _all(self) -> Iterator[tuple[str, str]]:
        yield from ((SERVICE, one) for one in self.services)
        yield from ((NODE, one) for one in self.nodes)

    def exact(self, text: str) -> Mapping[str, str]:
        """{kind: name} of what is written so, whatever stands between its letters and digits."""
        return self._exact.get(plain(text), {})

    def beginning(self, text: str) -> tuple[str, str] | None:
        """(kind, name) of the only one that begins with this word."""
        found = self._parts.get(plain(text), set())
        if not found and len(text) >= SHORT + 1:
            found = {(kind, name) for key, kinds in self._exact.items() if key.startswith(plain(text))
                     for kind, name in kinds.items()}  # fmt: skip
        return next(iter(found)) if len(found) == 1 else None

    def near(self, text: str) -> tuple[str, str] | None:
        """(kind, name) of the only one that is written nearly so."""
        said = plain(text)
        most = 0 if len(said) < SHORT else 1 if len(said) < LONG else 2
        best: list[tuple[int, str, str]] = []
        for length in range(len(said) - most, len(said) + most + 1) if most else ():
            for key, kind, name in self._by_length.get(length, ()):
                if self.compared < MOST_COMPARED and said[:1] in key[:2] and key[:1] in said[:2]:
                    self.compared += 1
                    if (apart := distance(said, key, most)) <= most:
                        best.append((apart, kind, name))
        least = min((one[0] for one in best), default=0)
        found = {(kind, name) for apart, kind, name in best if apart == least}
        return next(iter(found)) if len(found) == 1 else None


def plain(name: str) -> str:
    """A name by its letters and digits alone, without `.service`."""
    return _PLAIN.sub("", name.lower().removesuffix(".service"))


def distance(one: str, other: str, most: int) -> int:
    """Letters to insert, drop, change or swap (optimal string alignment); `most` + 1 stands for all beyond it."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    older, old = [0] * (len(other) + 1), list(range(len(other) + 1))
    for row, char in enumerate(one, 1):
        new = [row]
        for column, there in enumerate(other, 1):
            cost = min(old[column] + 1, new[-1] + 1, old[column - 1] + (char != there))
            if row > 1 and column > 1 and char == other[column - 2] and one[row - 2] == there:
                cost = min(cost, older[column - 2] + 1)
            new.append(cost)
        if min(new) > most:
            return most + 1
        older, old = old, new
    return old[-1]


def entities_in(tokens: Sequence[Token], known: Known, timed: Collection[int]) -> Entities:
    """What the tokens name, those that say a time left out."""
    reader = _Reader(tokens, known, set(timed))
    reader.ids()
    reader.exact()
    reader.guessed()
    return reader.found()


class _Reader:
    """Takes tokens, the surest first."""

    def __init__(self, tokens: Sequence[Token], known: Known, taken: set[int]) -> None:
        self.tokens, self.known = tokens, known
        self.timed, self.taken = frozenset(taken), taken
        self.names: dict[int, tuple[str, str]] = {}
        self.guesses: list[Guess] = []
        self.incidents: dict[int, None] = {}
        self.families: dict[str, None] = {}
        self.events: dict[str, None] = {}
        self.severity = ""

    def ids(self) -> None:
        """Ids of families, templates, events and incidents, and the severity."""
        for at, token in enumerate(self.tokens):
            before = self.tokens[at - 1].text if at else ""
            number = token.text if token.text.isascii() and token.text.isdecimal() and len(token.text) <= 9 else ""  # noqa: PLR2004
            if number and at not in self.timed and before in INCIDENT_WORDS | {"no", "nr", "number"}:
                self.incidents[int(number)] = None
            elif _FAMILY.fullmatch(token.text) and not self.known.exact(token.text):
                self.families[token.text] = None
            elif _EVENT.fullmatch(token.text):
                self.events[token.text] = None
            elif token.text in SEVERITIES:
                self.severity = self.severity or SEVERITIES[token.text]
            else:
                continue
            self.taken.add(at)

    def exact(self) -> None:
        """Names as they stand, longer ones first; a common word only where something says that it is a name."""
        for joined in range(MOST_JOINED, 0, -1):
            for at in range(len(self.tokens) - joined + 1):
                some = range(at, at + joined)
                if self.taken & set(some):
                    continue
                text = "".join(self.tokens[one].text for one in some)
                found = self.known.exact(text)
                before = self.tokens[at - 1].text if at else ""
                sure = before in NODE_CUES | SERVICE_CUES or joined > 1 or text not in COMMON
                if found and sure:
                    kind = NODE if NODE in found and (SERVICE not in found or before in NODE_CUES) else SERVICE
                    self.names[at] = kind, found[kind]
                    self.taken.update(some)

    def guessed(self) -> None:
        """Names by their first part, and with typing errors."""
        tried = 0
        for at, token in enumerate(self.tokens):
            if at in self.taken or token.text in COMMON or len(self.guesses) >= MOST_GUESSED or tried >= MOST_FUZZY:
                continue
            before = self.tokens[at - 1].text if at else ""
            led = before in CUES or len(self.tokens) == 1 or len(token.text) >= NEEDS_CUE
            tried += 1
            found = self.known.beginning(token.text) or (self.known.near(token.text) if led else None)
            if found is None and token.text.endswith("s") and (there := self.known.exact(token.text[:-1])):
                found = next(iter(there.items()))
            if found is not None:
                self.names[at] = found
                self.taken.add(at)
                self.guesses.append(Guess(token.raw, found[1]))

    def found(self) -> Entities:
        """All of it."""

        def of(kind: str) -> tuple[str, ...]:
            return _once(name for _at, (what, name) in sorted(self.names.items()) if what == kind)

        return Entities(
            of(SERVICE), of(NODE), self.severity, tuple(self.families)[:MOST_NAMES], tuple(self.events)[:1],
            tuple(self.incidents)[:MOST_NAMES], tuple(self.guesses), frozenset(self.taken - self.timed),
        )  # fmt: skip


def _once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))[:MOST_NAMES]
