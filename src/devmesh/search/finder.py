"""Finding families by words and by meaning together, in memory: the heart of the room.

The Finder holds the words of every family (service and text) and, with a word model, the vectors of those words. A
question gives up to four rankings: words (BM25), values (values.py), meaning (word by word, see late.py) and, where a
gateway embeds, sentences; reciprocal rank joins them. Every hit says why. Promises: results are deterministic; an
embedding model that is away costs its ranking and nothing else (`Found.missing` says so); safe to use from several
threads.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from devmesh.embeddings import EmbeddingUnavailable
from devmesh.errors import Unavailable
from devmesh.search.bm25 import bm25
from devmesh.search.fuse import DEPTH, Ranking, fuse, rank
from devmesh.search.late import Interaction, WordVectors
from devmesh.search.table import WordTable
from devmesh.search.values import ValueTable
from devmesh.search.words import question_words, words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from devmesh.embeddings import WordProvider

MAX_QUESTION = 1_000  # characters of a question that are read
MAX_QUESTION_WORDS = 32  # each costs about 2 ms over 50,000 families
RANKINGS = ("words", "values", "meaning", "sentences")
MEANING_WEIGHT = 3.0  # meaning holds equal words too, so it is trusted more than words alone


class Nearest(Protocol):
    """Families by the nearness of their whole text; the embeddings room gives one when a gateway is set."""

    def nearest(self, question: str, limit: int) -> Sequence[tuple[int, float]]:
        """(family id, cosine), nearest first. Raises Unavailable."""
        ...


@dataclass(frozen=True)
class Document:
    """A family as search sees it: its text, and one message as it came (redacted), for people ask for values too.

    With the text alone, `/etc/passwd` or `result=denied` would be a placeholder that no question finds; with both,
    what all messages share counts twice.
    """

    family_id: int
    service: str
    text: str
    example: str = ""
    values: tuple[str, ...] = ()  # that its placeholders took, the most frequent first


@dataclass(frozen=True)
class Value:
    """A word of the question that stands in a value which a placeholder took."""

    question: str
    placeholder: str
    value: str


@dataclass(frozen=True)
class Pair:
    """A word of the question and the word of the family that it met."""

    question: str
    found: str
    cosine: float


@dataclass(frozen=True)
class Why:
    """Why a family was found: equal words, words near in meaning, words of values that its placeholders took, its place
    and score in each ranking that has it.
    """

    words: tuple[str, ...] = ()
    values: tuple[Value, ...] = ()
    meaning: tuple[Pair, ...] = ()
    ranks: dict[str, int] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Hit:
    """One family found; scores compare within one answer only."""

    family_id: int
    score: float
    why: Why


@dataclass(frozen=True)
class Found:
    """The answer to a question; `missing` names each ranking that could not be made, with the reason."""

    hits: list[Hit]
    missing: dict[str, str] = field(default_factory=dict)


class Finder:
    """The index of all families."""

    def __init__(self, word_model: WordProvider | None = None, sentences: Nearest | None = None) -> None:
        """Without a word model there is no meaning ranking, without `sentences` no sentence ranking."""
        self._table, self._values = WordTable(), ValueTable()
        self._vectors = WordVectors(word_model) if word_model else None
        self._sentences = sentences
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._table)

    def put(self, documents: Iterable[Document]) -> None:
        """Add families, or replace what is known of them."""
        with self._lock:
            for document in documents:
                self._table.put(document.family_id, words(f"{document.service} {document.text} {document.example}"))
                self._values.put(document.family_id, document.values)
            self._follow()

    def remove(self, family_ids: Iterable[int]) -> None:
        """Forget families; unknown ones are no error."""
        with self._lock:
            for family_id in family_ids:
                self._table.remove(family_id)
                self._values.remove(family_id)
            self._follow()

    def find(self, question: str, limit: int = 10, by: Collection[str] = RANKINGS) -> Found:
        """At most `limit` families, best first, by the rankings named; nothing if the question has no word."""
        asked = asked_words(question)
        if not asked or limit < 1:
            return Found([])
        depth = max(limit, DEPTH)
        missing: dict[str, str] = {}
        sentences = self._rank_sentences(question[:MAX_QUESTION], depth, missing) if "sentences" in by else []
        with self._lock:
            interaction = self._interact(asked, missing) if "meaning" in by else None
            rankings = [*self._rank_words(asked, by, interaction, depth), *sentences]
            if "values" in by:
                rankings += self._rank_values(asked, depth, missing)
            best = [(family, score) for family, score in fuse(rankings) if family in self._table][:limit]
            hits = [Hit(family, score, self._why(family, asked, rankings, interaction)) for family, score in best]
        return Found(hits, missing)

    def _interact(self, asked: Sequence[str], missing: dict[str, str]) -> Interaction | None:
        if not self._vectors or not len(self._table):
            return None
        if reason := self._follow():
            missing["meaning"] = reason
            return None
        return Interaction(self._table, self._vectors, asked)

    def _rank_words(
        self, asked: Sequence[str], by: Collection[str], interaction: Interaction | None, depth: int
    ) -> list[Ranking]:
        families = self._table.families
        made = [rank("words", families, bm25(self._table, asked), depth=depth)] if "words" in by else []
        if interaction:
            made.append(rank("meaning", families, interaction.scores(), MEANING_WEIGHT, depth))
        return made

    def _rank_values(self, asked: Sequence[str], depth: int, missing: dict[str, str]) -> list[Ranking]:
        if reason := self._values.missing():
            missing["values"] = reason
        return self._values.rank(self._table, asked, depth)

    def _rank_sentences(self, question: str, depth: int, missing: dict[str, str]) -> list[Ranking]:
        if not self._sentences:
            return []
        try:
            near = self._sentences.nearest(question, depth)
        except Unavailable as error:  # the model, or the store that compares
            missing["sentences"] = error.message
            return []
        return [Ranking("sentences", [family for family, _ in near], [score for _, score in near], MEANING_WEIGHT)]

    def _follow(self) -> str:
        """Let the vectors follow the words; why they cannot, or nothing."""
        if self._vectors:
            try:
                self._vectors.follow(self._table)
            except EmbeddingUnavailable as error:
                return error.message
        packed = self._table.pack()
        if self._vectors and packed is not None:
            self._vectors.keep(packed)
        return ""

    def _why(
        self, family_id: int, asked: Sequence[str], rankings: Sequence[Ranking], interaction: Interaction | None
    ) -> Why:
        places = {made.name: (made.families.index(family_id), made) for made in rankings if family_id in made.families}
        inside = self._table.words_of(self._table.slot(family_id))
        names = {self._table.names[word] for word in inside}
        met = interaction.met(inside) if interaction else []
        return Why(
            words=tuple(word for word in asked if word in names),
            meaning=tuple(Pair(word, found, round(cosine, 3)) for word, found, cosine in met if word not in names),
            ranks={name: place + 1 for name, (place, _) in places.items()},
            scores={name: made.scores[place] for name, (place, made) in places.items()},
        )


def asked_words(question: str) -> list[str]:
    """The words that a question is found by, each once."""
    return question_words(question[:MAX_QUESTION])[:MAX_QUESTION_WORDS]
