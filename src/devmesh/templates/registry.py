"""From canonical text to template id: cache, then table, then a new row within the bounds.

Called by intake with the distinct (service, text) pairs of a batch, before the batch's own transaction. New templates
are created in a short transaction of their own and cached only after it. Over a bound, events go to the service's
`<overflow>` template, whose hash is made from the service's id, so that no message can have it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, func, insert, select

from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.templates.canonical import CANON_VERSION
from devmesh.templates.levels import level_of
from devmesh.templates.tables import log_templates

CHUNK = 500
OVERFLOW_TEXT = "<overflow>"
REST_TEXT = "<rest>"
MINUTE_US = 60_000_000


@dataclass(frozen=True)
class Bounds:
    """How many templates may live, and be born."""

    per_service: int = 20_000
    in_all: int = 200_000
    new_per_minute: int = 10_000


@dataclass(frozen=True, slots=True)
class Known:
    """What intake needs of a template: its id (of the one it was merged into) and the level its text states;
    `overflow` where a text found no room and the service's `<overflow>` stands in.
    """

    id: int
    level: int | None
    overflow: bool = False


def text_hash(text: str) -> bytes:
    """16 bytes that find a canonical text."""
    return blake2b(text.encode(), digest_size=16).digest()


def reserved_hash(kind: str, owner_id: int) -> bytes:
    """The hash of a service's `<overflow>` or a family's `<rest>`; no text has it (another personalization)."""
    return blake2b(str(owner_id).encode(), digest_size=16, person=kind.encode()[:16]).digest()


class Registry:
    """The templates of one canonical version, found and created."""

    def __init__(self, db: Database, clock: Clock, bounds: Bounds) -> None:
        self._db, self._clock, self._bounds = db, clock, bounds
        self._cache: dict[tuple[int, bytes], Known] = {}
        self._live: Counter[int] = Counter()
        self._live_total = -1  # not counted yet
        self._births: Counter[int] = Counter()
        self._births_minute = 0
        self._lock = threading.Lock()

    def resolve(self, pairs: Sequence[tuple[int, str]]) -> list[Known]:
        """The templates of distinct (service_id, canonical text) pairs, in their order."""
        keys = [(service_id, text_hash(text)) for service_id, text in pairs]
        with self._lock:
            unknown = {key: text for key, (_service, text) in zip(keys, pairs, strict=True) if key not in self._cache}
            if unknown:
                with self._db.read() as connection:
                    self._cache.update(self._find(connection, list(unknown)))
                born = {key: text for key, text in unknown.items() if key not in self._cache}
                if born:
                    self._create(born)
            over = self._overflow({key[0] for key in keys if key not in self._cache})
            return [self._cache.get(key) or over[key[0]] for key in keys]

    def forget(self) -> None:
        """Empty the cache, after templates were merged or folded."""
        with self._lock:
            self._cache.clear()
            self._live_total = -1

    def _find(self, connection: Connection, keys: Sequence[tuple[int, bytes]]) -> dict[tuple[int, bytes], Known]:
        table, wanted, found = log_templates.c, set(keys), {}
        hashes = sorted({digest for _service, digest in keys})
        for start in range(0, len(hashes), CHUNK):
            rows = connection.execute(
                select(table.id, table.service_id, table.canon_hash, table.level, table.merged_into).where(
                    table.canon_hash.in_(hashes[start : start + CHUNK]) & (table.canon_version == CANON_VERSION)
                )
            )
            for row in rows:
                if (row.service_id, row.canon_hash) in wanted:
                    found[row.service_id, row.canon_hash] = Known(row.merged_into or row.id, row.level)
        return found

    def _create(self, born: dict[tuple[int, bytes], str]) -> None:
        self._count_live()
        allowed = {key: text for key, text in born.items() if self._may_live(key[0])}
        if not allowed:
            return
        counted, self._live_total = self._live_total, -1  # counted anew where the store does not take them
        self._store(allowed)
        self._live_total = counted

    def _overflow(self, service_ids: set[int]) -> dict[int, Known]:
        """The `<overflow>` template of each of these services, in one transaction where some are missing."""
        keys = {service_id: (service_id, reserved_hash("overflow", service_id)) for service_id in service_ids}
        missing = [key for key in keys.values() if key not in self._cache]
        if missing:
            self._store(dict.fromkeys(missing, OVERFLOW_TEXT))
        return {service_id: replace(self._cache[key], overflow=True) for service_id, key in keys.items()}

    def _store(self, texts: dict[tuple[int, bytes], str]) -> None:
        """Make the templates that are not there yet, and remember all of them after the commit."""
        self._cache.update(self._db.transact(lambda connection: self._insert(connection, texts)))

    def _insert(self, connection: Connection, texts: dict[tuple[int, bytes], str]) -> dict[tuple[int, bytes], Known]:
        """All of them, those that were missing made."""
        now, there = self._clock.now_us(), self._find(connection, list(texts))
        rows = [_row(key, text, now) for key, text in texts.items() if key not in there]
        if rows:
            connection.execute(insert(log_templates), rows)
        return there | self._find(connection, [key for key in texts if key not in there])

    def _count_live(self) -> None:
        if self._live_total >= 0:
            return
        table = log_templates.c
        with self._db.read() as connection:
            rows = connection.execute(
                select(table.service_id, func.count().label("live"))
                .where(table.merged_into.is_(None))
                .group_by(table.service_id)
            )
            self._live = Counter({row.service_id: int(row.live) for row in rows})
        self._live_total = self._live.total()

    def _may_live(self, service_id: int) -> bool:
        minute = self._clock.now_us() // MINUTE_US
        if minute != self._births_minute:
            self._births.clear()
            self._births_minute = minute
        bounds = self._bounds
        full = self._live[service_id] >= bounds.per_service or self._live_total >= bounds.in_all
        if full or self._births[service_id] >= bounds.new_per_minute:
            return False
        self._births[service_id] += 1
        self._live[service_id] += 1
        self._live_total += 1
        return True


def _row(key: tuple[int, bytes], text: str, now: int) -> dict[str, Any]:
    return {
        "service_id": key[0],
        "canon_hash": key[1],
        "canon_version": CANON_VERSION,
        "template": text,
        "level": level_of(text),
        "created_us": now,
        "updated_at": now,
        "event_count": 0,
    }
