"""What templates looked like: up to 5 messages of each, and up to 20 values of each placeholder.

Intake hands a few messages of each commit over (`Observer.see`, memory only, bounded); a loop writes them down. Values
are found by laying the template over its message: literal text must match, what stands between is the placeholder's.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl
from sqlalchemy import Connection, func, insert, select

from devmesh.db.bulk import add_counts
from devmesh.templates.canonical import canonicalize
from devmesh.templates.model import Sample
from devmesh.templates.tables import template_samples, template_values

SAMPLES = 5
VALUES = 20
VALUE_CHARS = 200
SAMPLE_CHARS = 4_000
MAX_PLACEHOLDERS = 24
PENDING_TEMPLATES = 2_000
PLACEHOLDER = re.compile(r"<[a-z*][a-z0-9_:*.-]*>")

Seen = tuple[int, Sample]  # a template's id and a message


class Observer:
    """Keeps a few messages of each template until the loop writes them down."""

    def __init__(self) -> None:
        self._pending: dict[int, list[Sample]] = {}
        self._seen: Counter[int] = Counter()
        self._lock = threading.Lock()

    def lacking(self, template_ids: Iterable[int]) -> set[int]:
        """Which of these this process has handed fewer than 5 messages of."""
        with self._lock:
            return {one for one in template_ids if self._seen[one] < SAMPLES}

    def see(self, some: Iterable[Seen]) -> None:
        """Remember at most 5 messages a template, of at most 2,000 templates; the rest is let go."""
        with self._lock:
            for template_id, sample in some:
                if template_id not in self._pending and len(self._pending) >= PENDING_TEMPLATES:
                    continue
                samples = self._pending.setdefault(template_id, [])
                if len(samples) < SAMPLES:
                    samples.append(replace(sample, message=sample.message[:SAMPLE_CHARS]))
                    self._seen[template_id] += 1

    def take(self, limit: int) -> dict[int, list[Sample]]:
        """Hand over what is there of at most `limit` templates."""
        with self._lock:
            keys = list(self._pending)[:limit]
            return {key: self._pending.pop(key) for key in keys}


def placeholders(template: str) -> list[str]:
    """The placeholders of a canonical text, by position."""
    return PLACEHOLDER.findall(template)


def values_in(template: str, message: str) -> list[tuple[int, str]]:
    """(position, value) of each placeholder, as far as the template fits over the message; else nothing."""
    parts = PLACEHOLDER.split(template)
    if not 1 < len(parts) <= MAX_PLACEHOLDERS + 1:
        return []
    found, at = [], 0
    text = " ".join(message.split())
    if not text.startswith(parts[0]):
        return []
    at = len(parts[0])
    for position, literal in enumerate(parts[1:]):
        last = position == len(parts) - 2
        end = len(text) - len(literal) if last else text.find(literal, at + 1) if literal else at
        if end < at or not text.startswith(literal, end):
            return []
        if text[at:end]:
            found.append((position, text[at:end][:VALUE_CHARS]))
        at = end + len(literal)
    return found


Pending = Mapping[int, Sequence[Sample]]


def store(connection: Connection, pending: Pending) -> set[int]:
    """Write samples of many templates down where there are fewer than 5, and count values, at most 20 a placeholder.
    The templates of which there is a sample or a value now that was not there before.
    """
    have = _samples_held(connection, sorted(pending))
    rows: list[dict[str, Any]] = [
        {"template_id": key, "ts_us": one.ts_us, "node_id": one.node_id, "message": one.message}
        for key, some in sorted(pending.items())
        for one in some[: max(0, SAMPLES - have[key])]
    ]
    if rows:
        connection.execute(insert(template_samples), rows)
    said = [(key, one.message) for key, some in pending.items() for one in some]
    texts = canonicalize(pl.Series([message for _key, message in said], dtype=pl.String))
    seen = Counter(
        (key, position, value)
        for (key, message), text in zip(said, texts, strict=True)
        for position, value in values_in(text, message)
    )
    counted, fresh = _within_bounds(connection, seen, sorted(pending))
    if counted:
        columns = {"template_id": pl.Int64, "position": pl.Int64, "value": pl.String, "n": pl.Int64}
        add_counts(connection, template_values, pl.DataFrame(counted, schema=columns, orient="row"))
    return fresh | {int(row["template_id"]) for row in rows}


def _samples_held(connection: Connection, template_ids: Sequence[int]) -> Counter[int]:
    table = template_samples.c
    query = (
        select(table.template_id, func.count()).where(table.template_id.in_(template_ids)).group_by(table.template_id)
    )
    return Counter(dict(connection.execute(query).all()))


def _within_bounds(
    connection: Connection, seen: Counter[tuple[int, int, str]], template_ids: Sequence[int]
) -> tuple[list[tuple[int, int, str, int]], set[int]]:
    """The values to count, sorted: those that are known, and new ones while a placeholder has fewer than 20; and the
    templates that have a new one.
    """
    table = template_values.c
    query = select(table.template_id, table.position, table.value).where(table.template_id.in_(template_ids))
    known = {tuple(row) for row in connection.execute(query)}
    used = Counter((key, position) for key, position, _value in known)
    counted, fresh = [], set()
    for (key, position, value), n in sorted(seen.items()):
        if (key, position, value) not in known:
            if used[key, position] >= VALUES:
                continue
            used[key, position] += 1
            fresh.add(key)
        counted.append((key, position, value, n))
    return counted, fresh
