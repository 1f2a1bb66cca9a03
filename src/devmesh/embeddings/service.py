"""The room's verbs: keep a vector of every family for the active model, and say how that stands.

One loop embeds families without a vector, in batches with a pause between, and once an hour compares everything (an
anti-join). A model that is away stops it for a while and costs nothing else. After a change of model the old vectors
stay in use until the new ones are complete.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.embeddings import mariadb, overview, stored
from devmesh.embeddings.model import EmbeddingUnavailable, Provider, Vectors
from devmesh.embeddings.overview import Kept, Made
from devmesh.embeddings.stored import StoredModel
from devmesh.errors import NotFound, Unavailable
from devmesh.loops import Lease, Loop
from devmesh.templates import FamilyChange, Templates

log = logging.getLogger(__name__)

SWEEP_US = 3_600_000_000
LOOK_S = 60.0
_PLACEHOLDER = re.compile(r"<([a-z*][a-z0-9_:*.-]*)>")
_WORDS = {"*": "something", "n": "number", "num": "number", "ip": "address", "hex": "hexadecimal"}

ProviderOf = Callable[[str], Provider]


@dataclass(frozen=True)
class Progress:
    """How far the families are embedded for the active model, and which model answers meanwhile."""

    model: str
    complete: bool
    answering: str


class Questions:
    """Families near a question: asked of the model that answers now, by a provider whose patience is short."""

    def __init__(self, embeddings: Embeddings, provider_of: ProviderOf) -> None:
        self._embeddings, self._provider_of = embeddings, provider_of
        self._providers: dict[str, Provider] = {}

    def nearest(self, question: str, limit: int) -> list[tuple[int, float]]:
        """(family id, cosine), nearest first. Raises EmbeddingUnavailable."""
        model = self._embeddings.answering()
        if model is None:
            raise EmbeddingUnavailable("No family is embedded yet.", hint="It begins by itself within seconds.")
        provider = self._providers.setdefault(model.name, self._provider_of(model.name))
        return self._embeddings.nearest(model, provider.embed([question])[0], limit)


class Embeddings:
    """Vectors of families; `provider` None means off."""

    def __init__(self, db: Database, clock: Clock, templates: Templates, provider: Provider | None, batch: int) -> None:
        self._db, self._clock, self._templates, self.provider, self._batch = db, clock, templates, provider, batch
        self._active: StoredModel | None = None
        self._former: StoredModel | None = None
        self._with_table = 0
        self._seen: tuple[int, int] = (0, 0)
        self._swept_us = 0
        self._trouble = ""
        self._lacks, self._looked_s = "", -LOOK_S

    # -- asking ------------------------------------------------------------

    def answering(self) -> StoredModel | None:
        """The model whose vectors answer: the active one, or while it is incomplete the one before it."""
        active = self._open()
        if active is not None and active.complete:
            self._former = None
            return active
        if self._former is None:
            self._former = stored.newest_complete(self._db)
        return self._former or active

    def nearest(self, model: StoredModel, vector: Vectors, limit: int) -> list[tuple[int, float]]:
        """(family id, cosine) nearest to a question's vector; none to a zero one. Raises EmbeddingUnavailable."""
        _check({0: vector}, model.name, model.dim)
        self._look()
        return model.nearest(self._db, vector, limit) if vector.any() else []

    def health(self) -> tuple[str, str]:
        """ok, degraded or off, and why."""
        if self.provider is None:
            return "off", "Switched off by DEVMESH_EMBEDDING_PROVIDER=off."
        if self._trouble:
            return "degraded", self._trouble
        return "ok", self._lacks

    def _look(self) -> None:
        """See once a minute what makes searches slow on MariaDB; health itself asks nothing of the store."""
        now = self._clock.monotonic_s()
        if self._db.dialect == "sqlite" or now < self._looked_s + LOOK_S:
            return
        model = self.answering()
        self._lacks = mariadb.lacks(self._db, model.table, model.dim) if model is not None and model.complete else ""
        self._looked_s = now

    def kept(self) -> list[Kept]:
        """The vectors of every model that was ever used."""
        return overview.kept(self._db, self.answering())

    def make_index(self, tell: Callable[[float], None], *, again: bool = False) -> Made:
        """Make the index over the vectors that answer; `tell` hears the share that is done. Raises NotFound before any
        are there, Unavailable while they come or another process makes it.
        """
        model = self.answering()
        if model is None:
            raise NotFound("No family is embedded yet.", hint="A running server begins by itself within seconds.")
        if not model.complete:
            raise Unavailable(
                f"The families are still being embedded for {model.name}.",
                hint="Make the index when 'devmesh vectors' says that they are complete: each vector then costs less.",
            )
        return overview.make_index(self._db, model, tell, again=again)

    def progress(self) -> Progress:
        """How far the active model is."""
        active, answering = self._open(), self.answering()
        name = self.provider.name if self.provider is not None else ""
        return Progress(name, active is not None and active.complete, answering.name if answering is not None else "")

    # -- the loop ------------------------------------------------------------

    def loops(self) -> list[Loop]:
        """One loop, where a provider is set."""
        return [Loop("embed-families", 5.0, self.step, limit=self._batch)] if self.provider is not None else []

    def step(self, limit: int, lease: Lease) -> int:
        """Embed at most `limit` families that changed; raises EmbeddingUnavailable while the model is away."""
        provider, now = self.provider, self._clock.now_us()
        if provider is None:
            return 0
        if now - self._swept_us > SWEEP_US:
            self._seen, self._swept_us = (0, 0), now
        changes = self._templates.changed_families(*self._seen, limit)
        if not changes:
            self._complete(lease)
            self._look()
            return 0
        try:
            self._embed(provider, changes, lease)
        except EmbeddingUnavailable as error:
            self._trouble = error.message
            raise
        self._trouble = ""
        self._seen = (changes[-1].changed_us, changes[-1].id)
        return len(changes)

    def _embed(self, provider: Provider, changes: Sequence[FamilyChange], lease: Lease) -> None:
        texts = {change.id: spoken(change.text) for change in changes if not change.gone}
        gone = [change.id for change in changes if change.gone]
        model = self._open()
        if model is not None:
            self._make_table(model)
        known = model.hashes(self._db, list(texts)) if model is not None else {}
        made = self._vectors(provider, {key: text for key, text in texts.items() if known.get(key) != _hash(text)})
        _check(made, provider.name, model.dim if model is not None else provider.dim)
        vectors = {key: one for key, one in made.items() if one.any()}
        gone += [key for key in made if key in known and key not in vectors]  # a text that means nothing has no vector
        if not vectors and (model is None or not gone):
            return
        if model is None:
            with lease.write() as connection:
                model = stored.create(connection, provider, self._clock.now_us())
            self._make_table(model)
        with lease.write() as connection:
            model.store(connection, {key: (_hash(texts[key]), one) for key, one in vectors.items()}, gone)
        self._active = model
        model.remember(vectors, gone)

    def _make_table(self, model: StoredModel) -> None:
        """The model's table, where this process has not seen it yet; apart, for MariaDB's DDL ends a transaction."""
        if self._with_table != model.id:
            with self._db.change_schema() as connection:
                stored.make_table(connection, model)
            self._with_table = model.id

    def _vectors(self, provider: Provider, wanted: dict[int, str]) -> dict[int, Vectors]:
        """A vector for each text; one that the gateway refuses is found by halves and left out until the next sweep."""
        if not wanted:
            return {}
        try:
            return dict(zip(wanted, provider.embed(list(wanted.values())), strict=True))
        except EmbeddingUnavailable as error:
            if error.details.get("reason") != "refused":
                raise
            if len(wanted) == 1:
                log.warning("the gateway refuses a family's text family=%d", next(iter(wanted)))
                return {}
        keys = list(wanted)
        halves = keys[: len(keys) // 2], keys[len(keys) // 2 :]
        return {
            key: one for half in halves for key, one in self._vectors(provider, {k: wanted[k] for k in half}).items()
        }

    def _complete(self, lease: Lease) -> None:
        """Note that every family has its vector, once."""
        model = self._open()
        if model is None or model.complete:
            return
        with lease.write() as connection:
            stored.mark_complete(connection, model, self._clock.now_us())
        model.complete = True

    def _open(self) -> StoredModel | None:
        """The active model, where it has vectors; until it is complete, as the process that embeds has left it."""
        if self.provider is not None and (self._active is None or not self._active.complete):
            found = stored.find(self._db, self.provider.name)
            if self._active is None or found is None:
                self._active = found
            else:
                self._active.complete = found.complete
        return self._active


def spoken(text: str) -> str:
    """A family's text with its placeholders as words: `<ip>` is an address."""
    return _PLACEHOLDER.sub(lambda match: _WORDS.get(match[1], match[1].replace(":", " ").replace("_", " ")), text)


def _check(vectors: Mapping[int, Vectors], name: str, dim: int) -> None:
    """Raise EmbeddingUnavailable for vectors that are not of this model: another length, or no numbers."""
    lengths = {len(one) for one in vectors.values()}
    if lengths - {dim}:
        raise EmbeddingUnavailable(
            f"The model {name} now gives vectors of {max(lengths - {dim})} numbers, not {dim} as stored.",
            hint="Another model needs another name: EMBEDDING_MODEL.",
        )
    if not all(np.isfinite(one).all() for one in vectors.values()):
        raise EmbeddingUnavailable(f"The model {name} gave numbers that are not finite.")


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
