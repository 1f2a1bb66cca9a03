"""The room's verbs: keep a vector of every family for the active model, and say how that stands.

One loop embeds families without a vector, in batches with a pause between, and once an hour compares everything (an
anti-join). A model that is away stops it for a while and costs nothing else. After a change of model the old vectors
stay in use until the new ones are complete.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, delete, insert, select

from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.embeddings.local import LocalProvider
from devmesh.embeddings.model import EmbeddingUnavailable, Provider, Vectors
from devmesh.embeddings.nearest import MatrixIndex
from devmesh.embeddings.tables import embedding_models, vectors_of
from devmesh.loops import Lease, Loop
from devmesh.templates import CANON_VERSION, FamilyChange, Templates

log = logging.getLogger(__name__)

CHUNK_VERSION = 1
SWEEP_US = 3_600_000_000
PAGE = 500
_PLACEHOLDER = re.compile(r"<([a-z*][a-z0-9_:*.-]*)>")
_WORDS = {"*": "something", "n": "number", "num": "number", "ip": "address", "hex": "hexadecimal"}


@dataclass(frozen=True)
class Progress:
    """How far the families are embedded for the active model."""

    model: str
    done: int
    families: int


class Questions:
    """Families near a question, by the vectors of `Embeddings` and a provider for the question itself."""

    def __init__(self, embeddings: Embeddings, provider: Provider) -> None:
        self._embeddings, self._provider = embeddings, provider

    def nearest(self, question: str, limit: int) -> list[tuple[int, float]]:
        """(family id, cosine), nearest first. Raises EmbeddingUnavailable."""
        return self._embeddings.nearest(self._provider.embed([question])[0], limit)


class Embeddings:
    """Vectors of families; `provider` None means off."""

    def __init__(self, db: Database, clock: Clock, templates: Templates, provider: Provider | None, batch: int) -> None:
        self._db, self._clock, self._templates, self.provider, self._batch = db, clock, templates, provider, batch
        self._model_id: int | None = None
        self._index: MatrixIndex | None = None
        self._seen: tuple[int, int] = (0, 0)
        self._swept_us = 0
        self._trouble = ""

    # -- asking ------------------------------------------------------------

    def asking(self, provider: Provider) -> Questions:
        """What search asks: questions go to a provider of their own, whose patience is short."""
        return Questions(self, provider)

    def nearest(self, vector: Vectors, limit: int) -> list[tuple[int, float]]:
        """(family id, cosine) nearest to a question's vector. Raises EmbeddingUnavailable."""
        if self._index is None or vector.shape[0] != self.provider_dim:
            raise EmbeddingUnavailable("No family is embedded yet.", hint="It begins by itself within seconds.")
        return self._index.nearest(vector, limit)

    @property
    def provider_dim(self) -> int:
        """How many numbers a vector of the active model has; 0 while nobody knows."""
        return self.provider.dim if self.provider is not None else 0

    def health(self) -> tuple[str, str]:
        """ok, degraded or off, and why."""
        if self.provider is None:
            return "off", "Switched off by DEVMESH_EMBEDDING_PROVIDER=off."
        if self._trouble:
            return "degraded", self._trouble
        return "ok", ""

    def progress(self) -> Progress:
        """Vectors of the active model beside living families."""
        _templates, families = self._templates.counts()
        return Progress(self.provider.name if self.provider else "", len(self._index or ()), families)

    # -- the loop ------------------------------------------------------------

    def loops(self) -> list[Loop]:
        """One loop, where a provider is set."""
        return [Loop("embed-families", 5.0, self.step, limit=self._batch)] if self.provider is not None else []

    def step(self, limit: int, lease: Lease) -> int:
        """Embed at most `limit` families that changed; raises EmbeddingUnavailable while the model is away."""
        provider = self.provider
        if provider is None:
            return 0
        now = self._clock.now_us()
        if now - self._swept_us > SWEEP_US:
            self._seen, self._swept_us = (0, 0), now
        changes = self._templates.changed_families(*self._seen, limit)
        if not changes:
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
        living = {change.id: spoken(change.text) for change in changes if not change.gone}
        known = self._known(list(living))
        wanted = {key: text for key, text in living.items() if known.get(key) != _hash(text)}
        vectors = self._vectors(provider, wanted)
        gone = [change.id for change in changes if change.gone]
        if not vectors and self._model_id is None:
            return  # nothing of this model is stored, and a gateway has not told its dimension yet
        if not wanted and not gone:
            return
        with lease.write() as connection:
            table = vectors_of(self._model(connection, provider))
            stale = [*wanted, *gone]
            connection.execute(delete(table).where(table.c.family_id.in_(stale)))
            rows = [
                {"family_id": key, "text_hash": _hash(wanted[key]), "vector": vector.astype("<f2").tobytes()}
                for key, vector in vectors.items()
            ]
            if rows:
                connection.execute(insert(table), rows)
        if vectors:
            self._index_of(provider).put(list(vectors), np.array(list(vectors.values()), np.float32))
        self._index_of(provider).remove(gone)

    def _vectors(self, provider: Provider, wanted: dict[int, str]) -> dict[int, Vectors]:
        """A vector for each text; a text that the gateway refuses is found by halves and left out until the next
        sweep.
        """
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

    def _known(self, family_ids: Sequence[int]) -> dict[int, bytes]:
        """Hashes of the texts that vectors exist for."""
        provider = self.provider
        if provider is None or not self._open(provider):
            return {}
        table = vectors_of(self._model_id or 0)
        with self._db.read() as connection:
            rows = connection.execute(
                select(table.c.family_id, table.c.text_hash).where(table.c.family_id.in_(family_ids))
            )
            return {row.family_id: bytes(row.text_hash) for row in rows}

    def _open(self, provider: Provider) -> bool:
        """Load the stored vectors of the model once; False where it has none yet."""
        if self._model_id is not None:
            return True
        table = embedding_models.c
        with self._db.read() as connection:
            query = select(table.id, table.dim).where(
                (table.name == provider.name)
                & (table.canon_version == CANON_VERSION)
                & (table.chunk_version == CHUNK_VERSION)
            )
            row = connection.execute(query.order_by(table.id.desc())).first()
            if row is None:
                return False
            self._model_id, self._index = row.id, MatrixIndex(row.dim)
            stored = vectors_of(row.id)
            for part in connection.execute(select(stored.c.family_id, stored.c.vector)).partitions(PAGE):
                vectors: Vectors = np.frombuffer(b"".join(one.vector for one in part), "<f2").reshape(
                    len(part), row.dim
                )
                self._index.put([one.family_id for one in part], vectors.astype(np.float32))
        return True

    def _model(self, connection: Connection, provider: Provider) -> int:
        """The active model's id, its row and table made where missing."""
        if self._model_id is None:
            row = {
                "name": provider.name,
                "dim": provider.dim,
                "canon_version": CANON_VERSION,
                "chunk_version": CHUNK_VERSION,
                "created_us": self._clock.now_us(),
            }
            self._model_id = int(
                connection.execute(insert(embedding_models).values(row).returning(embedding_models.c.id)).scalar_one()
            )
            vectors_of(self._model_id).create(connection, checkfirst=True)
        return self._model_id

    def _index_of(self, provider: Provider) -> MatrixIndex:
        if self._index is None:
            self._index = MatrixIndex(provider.dim)
        return self._index


def spoken(text: str) -> str:
    """A family's text with its placeholders as words: `<ip>` is an address."""
    return _PLACEHOLDER.sub(lambda match: _WORDS.get(match[1], match[1].replace(":", " ").replace("_", " ")), text)


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()


def local_provider() -> Provider:
    """The model that ships with the house."""
    return LocalProvider()
