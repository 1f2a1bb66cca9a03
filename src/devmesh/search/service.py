"""The room's verbs: keep the index in step with the families, and find.

The index is memory alone. Each question first takes in what changed since the last one; a loop does the same while
nobody asks, so that the first question is quick too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace

from devmesh.errors import InvalidInput
from devmesh.loops import Loop
from devmesh.search.finder import Document, Finder, Found, Hit, Value, asked_words
from devmesh.search.words import words
from devmesh.templates import Templates

PAGE = 2_000
LIMIT_MAX = 200

NamesOf = Callable[[Iterable[int]], dict[int, str]]


class Search:
    """Finding families by words and by meaning."""

    def __init__(self, templates: Templates, service_names: NamesOf, finder: Finder) -> None:
        self._templates, self._service_names, self._finder = templates, service_names, finder
        self._seen: tuple[int, int] = (0, 0)
        self._lock = threading.Lock()

    def templates(self, question: str, limit: int = 10) -> Found:
        """At most `limit` (200) families that answer the question, best first."""
        if not 1 <= limit <= LIMIT_MAX:
            raise InvalidInput(f"limit must be between 1 and {LIMIT_MAX}.", hint="10 is the default.")
        if not question.strip():
            raise InvalidInput("The question is empty.", hint="Say what you look for, such as: disk is dying")
        self.follow()
        found = self._finder.find(question, limit)
        return replace(found, hits=self._with_values(question, found.hits))

    def _with_values(self, question: str, hits: list[Hit]) -> list[Hit]:
        """The hits that values gave, each with a value for each word of the question, as people know them."""
        asked, given = asked_words(question), [hit.family_id for hit in hits if "values" in hit.why.ranks]
        met: dict[int, dict[str, Value]] = {}
        for one in self._templates.swallowing(given, asked) if given else ():
            for word in set(asked).intersection(words(one.value)):
                met.setdefault(one.family_id, {}).setdefault(word, Value(word, one.placeholder, one.value))
        return [replace(hit, why=replace(hit.why, values=tuple(met.get(hit.family_id, {}).values()))) for hit in hits]

    def follow(self) -> int:
        """Take in what changed since; how many families that were."""
        done = 0
        with self._lock:
            while changes := self._templates.changed_families(*self._seen, PAGE):
                names = self._service_names({change.service_id for change in changes})
                living = [change for change in changes if not change.gone]
                values = self._templates.swallowed(one.id for one in living)
                self._finder.put(
                    Document(
                        one.id, names.get(one.service_id, ""), one.text, one.example, tuple(values.get(one.id, ()))
                    )
                    for one in living
                )
                self._finder.remove(change.id for change in changes if change.gone)
                self._seen = (changes[-1].changed_us, changes[-1].id)
                done += len(changes)
        return done

    def loops(self) -> list[Loop]:
        """Keep the index in step in every process, so that nobody waits for it."""
        return [Loop("index-families", 5.0, lambda _limit, _lease: min(self.follow(), PAGE - 1), PAGE, everywhere=True)]

    def __len__(self) -> int:
        return len(self._finder)
