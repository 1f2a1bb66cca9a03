"""Families: the templates of one service that differ only in words that vary.

The algorithm is pure: it knows texts and levels, no tables. Its whole state is the texts of the families, so a book
made again from what was stored goes on as if it had never stopped, and templates given in one call or one by one end in
the same families.

A template joins a family if both have the same level and the same tokens, where tokens that vary by their looks
(placeholders, words with digits) are equal, and a `<*>` in the family's text takes any name. Families that differ in
one position merge when enough different names stood there, as many as its surroundings ask for: a quoted word or one
after `user` or `=` is a name as soon as it changes, a word in a sentence only after five. The first word never varies,
nor does a word that says what happened (see tokens.py), so Accepted and Failed stay apart. Families only grow and
merge: none is split, none loses a template.

Work is bounded: a template costs a look-up for each of its tokens and for each set of `<*>` positions that families of
its length and first word have; a merge looks at no more than MAX_CANDIDATES families.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from devmesh.templates.tokens import ANY, Token, looks_like_name, may_vary, render, tokenize

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NAMES_IN_SLOT = 2
NAMES_BY_LOOKS = 3
NAMES_AFTER_PREPOSITION = 4
NAMES_IN_SENTENCE = 5
MAX_CANDIDATES = 512
MAX_MASKS = 256

_QUOTES = frozenset("'\"`")
_NAMING = frozenset({  # a word after one of these names a thing
    "user", "username", "client", "account", "group", "role", "realm", "host", "hostname", "server", "peer",
    "address", "node", "domain", "zone", "cluster", "pod", "container", "image", "volume", "disk", "device",
    "interface", "port", "network", "name", "id", "key", "file", "path", "package", "module", "plugin",
    "library", "class", "service", "unit", "instance", "session", "job", "task", "queue", "topic", "table",
    "database", "pool", "channel", "target",
})  # fmt: skip
_PREPOSITIONS = frozenset({"for", "from", "to", "on", "in", "by", "of", "at", "with"})


@dataclass(frozen=True, slots=True)
class StoredFamily:
    """A family as it was stored: its text (with `<*>`) and the level of its templates."""

    id: int
    text: str
    level: int | None


@dataclass(slots=True)
class Outcome:
    """What one call of `assign` changed.

    assigned  template id → family, merges followed; a new family's number is minus the id of its first template
    merged    family that was known before the call → the family that it went into
    texts     text of each family that is new or whose text changed, merged ones left out
    """

    assigned: dict[int, int] = field(default_factory=dict)
    merged: dict[int, int] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class _Family:
    id: int
    level: int | None
    tokens: list[Token]
    keys: tuple[str, ...] = ()
    into: _Family | None = None

    def __post_init__(self) -> None:
        self.keys = tuple(token.key for token in self.tokens)

    def age(self) -> tuple[bool, int]:
        """Stored families before new ones, each in order of id."""
        return self.id < 0, abs(self.id)

    def root(self) -> _Family:
        family = self
        while family.into is not None:
            family = family.into
        return family

    def open_positions(self) -> tuple[int, ...]:
        """Where the text has `<*>`."""
        return tuple(i for i, token in enumerate(self.tokens) if token.text == ANY)


_Key = tuple[int | None, tuple[str, ...]]
_Head = tuple[int | None, int, str]


class FamilyBook:
    """The families of one service."""

    def __init__(self, stored: Iterable[StoredFamily] = ()) -> None:
        """`stored` are the families that were merged into no other, in any order."""
        self._by_key: dict[_Key, _Family] = {}
        self._heads: dict[_Head, dict[int, _Family]] = defaultdict(dict)
        self._masks: dict[_Head, dict[tuple[int, ...], None]] = defaultdict(dict)
        # Most slots hold one family: it stands there bare, because a dict for each would be most of a book's memory.
        self._slots: dict[int, _Family | dict[str, _Family]] = {}
        self._tokens: dict[Token, Token] = {}
        self._touched: dict[int, _Family] = {}
        self._merged: list[_Family] = []
        self._provisional: dict[int, _Family] = {}
        for family in sorted(stored, key=lambda one: one.id):
            self._enter(_Family(family.id, family.level, tokenize(family.text)))
        self._touched.clear()

    def __len__(self) -> int:
        return len(self._by_key)

    def assign(self, templates: Iterable[tuple[int, str, int | None]]) -> Outcome:
        """Give each (template id, canonical text, level) a family, in the order given (let it be that of ids)."""
        homes = {template_id: self._place(template_id, text, level) for template_id, text, level in templates}
        outcome = Outcome({template_id: family.root().id for template_id, family in homes.items()})
        outcome.merged = {family.id: family.root().id for family in self._merged if family.id > 0}
        outcome.texts = {family.id: render(family.tokens) for family in self._touched.values() if family.into is None}
        self._touched.clear()
        self._merged.clear()
        return outcome

    def adopt(self, provisional: int, family_id: int) -> None:
        """Tell a book that lives on which id a new family was stored under."""
        family = self._provisional.pop(provisional, None)
        if family is not None:
            family.id = family_id

    def _place(self, template_id: int, text: str, level: int | None) -> _Family:
        tokens = tokenize(text)
        found = self._fitting(level, tokens)
        if found is not None:
            self._widen(found, tokens)
            return found
        family = self._provisional[-template_id] = _Family(-template_id, level, tokens)
        self._enter(family)
        self._merge_around(family)
        return family

    def _fitting(self, level: int | None, tokens: list[Token]) -> _Family | None:
        """The family whose text these tokens fit."""
        keys = tuple(token.key for token in tokens)
        exact = self._by_key.get((level, keys))
        if exact is not None:
            return exact
        for mask in self._masks.get(_head(level, keys), ()):
            if all(keys[i] == ANY or may_vary(keys[i]) for i in mask):
                masked = list(keys)
                for i in mask:
                    masked[i] = ANY
                fitting = self._by_key.get((level, tuple(masked)))
                if fitting is not None and all(fitting.tokens[i].text == ANY for i in mask if keys[i] != ANY):
                    return fitting
        return None

    def _widen(self, family: _Family, tokens: list[Token]) -> None:
        """Write `<*>` where the family's text differs from these tokens."""
        changed = [i for i, mine in enumerate(family.tokens) if mine.text not in (tokens[i].text, ANY)]
        for i in changed:
            family.tokens[i] = family.tokens[i]._replace(text=ANY)
        if changed:
            self._touched[id(family)] = family
            self._note_mask(family)

    def _enter(self, family: _Family) -> None:
        family.tokens = [self._tokens.setdefault(token, token) for token in family.tokens]
        family.keys = tuple(token.key for token in family.tokens)  # equal words are one text in memory
        self._by_key[family.level, family.keys] = family
        self._heads[_head(family.level, family.keys)][id(family)] = family
        self._touched[id(family)] = family
        self._note_mask(family)
        for i, slot in _slots(family.level, family.keys):
            names = self._names(i, slot)
            self._slots[slot] = {**names, family.keys[i]: family} if len(names) == 1 else names or family
            if len(names) > 1:
                names[family.keys[i]] = family

    def _names(self, position: int, slot: int) -> dict[str, _Family]:
        """The families of a slot by the name that they have at its position."""
        held = self._slots.get(slot)
        if isinstance(held, _Family):
            return {held.keys[position]: held}
        return {} if held is None else held

    def _leave(self, family: _Family) -> None:
        del self._by_key[family.level, family.keys]
        del self._heads[_head(family.level, family.keys)][id(family)]
        for i, slot in _slots(family.level, family.keys):
            names = self._names(i, slot)
            del names[family.keys[i]]
            if not names or self._slots[slot] is family:
                del self._slots[slot]

    def _note_mask(self, family: _Family) -> None:
        masks = self._masks[_head(family.level, family.keys)]
        if len(masks) < MAX_MASKS and (mask := family.open_positions()):
            masks[mask] = None

    def _merge_around(self, family: _Family) -> None:
        """Merge for as long as some position of the family has enough names."""
        merged: _Family | None = family
        while merged is not None:
            family, merged = merged, None
            for i, slot in _slots(family.level, family.keys):
                names = self._names(i, slot)
                if len(names) > 1 and len(names) + (ANY in names) >= _names_needed(family.keys, i, names):
                    merged = self._merge(list(names.values()), i)
                    break

    def _merge(self, families: list[_Family], position: int) -> _Family:
        """One family of several that differ at `position` alone, and of all others that fit its new text."""
        oldest = min(families, key=_Family.age)
        tokens = [*oldest.tokens]
        tokens[position] = tokens[position]._replace(key=ANY, text=ANY)
        pattern = _Family(oldest.id, oldest.level, tokens)
        free = frozenset(pattern.open_positions())
        group = {id(family): family for family in families}
        same = self._by_key.get((pattern.level, pattern.keys))
        if same is not None:
            group[id(same)] = same
        for other in islice(self._heads[_head(pattern.level, pattern.keys)].values(), MAX_CANDIDATES):
            if _fits(other.keys, pattern.keys, free):
                group[id(other)] = other
        first, *rest = sorted(group.values(), key=_Family.age)
        for family in group.values():
            self._leave(family)
        first.keys = pattern.keys
        first.tokens = [
            token._replace(key=ANY, text=ANY) if i in free else token for i, token in enumerate(first.tokens)
        ]
        for family in rest:
            family.into = first
            self._merged.append(family)
            self._widen(first, family.tokens)
        self._enter(first)
        return first


def _head(level: int | None, keys: tuple[str, ...]) -> _Head:
    return level, len(keys), keys[0] if keys else ""


def _slots(level: int | None, keys: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """(position, hash of everything else) for each position at which names could vary."""
    # Of one text each: hashes of tuples nearly add up, so two words that change places would leave the sum as it was.
    hashes = [hash(f"{i} {key}") for i, key in enumerate(keys)]
    total = sum(hashes)
    for i, key in enumerate(keys):
        if i > 0 and (key == ANY or may_vary(key)):
            yield i, hash((level, len(keys), i, total - hashes[i]))


def _names_needed(keys: tuple[str, ...], position: int, names: Iterable[str]) -> int:
    """How many different names make this position one that varies."""
    before = keys[position - 1].lower()
    after = keys[position + 1] if position + 1 < len(keys) else ""
    if before == "=" or before in _NAMING or (before in _QUOTES and before == after):
        return NAMES_IN_SLOT
    if all(name == ANY or looks_like_name(name) for name in names):
        return NAMES_BY_LOOKS
    return NAMES_AFTER_PREPOSITION if before in _PREPOSITIONS else NAMES_IN_SENTENCE


def _fits(keys: tuple[str, ...], pattern: tuple[str, ...], free: frozenset[int]) -> bool:
    """Whether keys of the same length equal the pattern but for names where it is free."""
    return all(keys[i] == key or (i in free and may_vary(keys[i])) for i, key in enumerate(pattern))
