"""What templates looked like: up to 5 messages of each, and up to 20 values of each placeholder.

Intake hands a few messages of each commit over (`Observer.see`, memory only, bounded); a loop writes them down. Values
are found by laying the template over its message: literal text must match, what stands between is the placeholder's.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterable

from sqlalchemy import Connection, func, insert, select, update

from devmesh.templates.model import Sample
from devmesh.templates.tables import template_samples, template_values

SAMPLES = 5
VALUES = 20
VALUE_CHARS = 200
SAMPLE_CHARS = 4_000
MAX_PLACEHOLDERS = 24
PENDING_TEMPLATES = 2_000
PLACEHOLDER = re.compile(r"<[a-z*][a-z0-9_:*.-]*>")

Seen = tuple[int, str, Sample]  # template id, its text, a message


class Observer:
    """Keeps a few messages of each template until the loop writes them down."""

    def __init__(self) -> None:
        self._pending: dict[int, tuple[str, list[Sample]]] = {}
        self._seen: Counter[int] = Counter()
        self._lock = threading.Lock()

    def lacking(self, template_ids: Iterable[int]) -> set[int]:
        """Which of these this process has handed fewer than 5 messages of."""
        with self._lock:
            return {one for one in template_ids if self._seen[one] < SAMPLES}

    def see(self, some: Iterable[Seen]) -> None:
        """Remember at most 5 messages a template, of at most 2,000 templates; the rest is let go."""
        with self._lock:
            for template_id, text, sample in some:
                if template_id not in self._pending and len(self._pending) >= PENDING_TEMPLATES:
                    continue
                samples = self._pending.setdefault(template_id, (text, []))[1]
                if len(samples) < SAMPLES:
                    samples.append(sample)
                    self._seen[template_id] += 1

    def take(self, limit: int) -> dict[int, tuple[str, list[Sample]]]:
        """Hand over what is there of at most `limit` templates."""
        with self._lock:
            keys = list(self._pending)[:limit]
            return {key: self._pending.pop(key) for key in keys}


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


def store(connection: Connection, template_id: int, text: str, samples: list[Sample]) -> None:
    """Write samples down while there are fewer than 5, and count values, at most 20 a placeholder."""
    mine = template_samples.c.template_id == template_id
    have = connection.execute(select(func.count()).select_from(template_samples).where(mine)).scalar_one()
    rows = [
        {"template_id": template_id, "ts_us": one.ts_us, "node_id": one.node_id, "message": one.message[:SAMPLE_CHARS]}
        for one in samples[: max(0, SAMPLES - have)]
    ]
    if rows:
        connection.execute(insert(template_samples), rows)
    _count_values(connection, template_id, Counter(pair for one in samples for pair in values_in(text, one.message)))


def _count_values(connection: Connection, template_id: int, seen: Counter[tuple[int, str]]) -> None:
    table = template_values.c
    known = {
        (row.position, row.value)
        for row in connection.execute(select(table.position, table.value).where(table.template_id == template_id))
    }
    used = Counter(position for position, _value in known)
    for (position, value), n in sorted(seen.items()):
        if (position, value) in known:
            this = (table.template_id == template_id) & (table.position == position) & (table.value == value)
            connection.execute(update(template_values).where(this).values(n=table.n + n))
        elif used[position] < VALUES:
            used[position] += 1
            connection.execute(
                insert(template_values).values(template_id=template_id, position=position, value=value, n=n)
            )
