"""What people ask for, and what they get: `Filter`, `Event`, `Page`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl
from sqlalchemy import ColumnElement, and_, not_

from devmesh.db.lists import one_of
from devmesh.db.words import contains
from devmesh.errors import InvalidInput
from devmesh.events.tables import log_events

MAX_PATTERN = 1_000


@dataclass(frozen=True)
class Filter:
    """Which events; every part that is given must hold.

    `node_ids`, `service_ids`, `template_ids`: None is any, empty is none. `priority` is the least severe taken (syslog
    numbers). `since_us` is inclusive, `until_us` exclusive. `contains` ignores the case of ASCII letters; `regex` is
    Rust's. `without_template_ids` are those that are left out.
    """

    node_ids: tuple[int, ...] | None = None
    service_ids: tuple[int, ...] | None = None
    template_ids: tuple[int, ...] | None = None
    priority: int | None = None
    since_us: int | None = None
    until_us: int | None = None
    contains: str | None = None
    regex: str | None = None
    without_template_ids: tuple[int, ...] = ()

    def names(self) -> tuple[tuple[str, tuple[int, ...] | None], ...]:
        """(column, ids) of each kind of name that may be asked for."""
        return ("node_id", self.node_ids), ("service_id", self.service_ids), ("template_id", self.template_ids)

    @property
    def nothing(self) -> bool:
        """True where no event can match: a name was asked for that nobody has."""
        return any(ids == () for _column, ids in self.names())

    @property
    def takes_all(self) -> bool:
        """True where every event of its time matches."""
        return self == Filter(since_us=self.since_us, until_us=self.until_us)

    @property
    def reads_text(self) -> bool:
        """True where messages themselves must be looked through."""
        return bool(self.contains or self.regex)


@dataclass(frozen=True)
class Event:
    """One event as every face shows it; `id` is the public one, `<ts_us>-<id>`."""

    id: str
    ts_us: int
    received_us: int
    node: str
    service: str
    priority: int
    pid: int | None
    template_id: str
    message: str
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Numbered:
    """What an event says, and which of its stream it is."""

    stream_id: int
    seq: int
    message: str


@dataclass(frozen=True)
class Page:
    """Some events, newest first; `cursor` asks for the next ones, `searched_to_us` is how far back was looked."""

    events: list[Event]
    cursor: str | None
    searched_to_us: int | None


@dataclass(frozen=True)
class Context:
    """The lines around an event, in order of time, that event among them.

    A time is there only where its side has fewer lines than were asked for because looking took too long: everything
    from `looked_from_us` to the event was looked through, and from the event to before `looked_to_us`.
    """

    events: list[Event]
    looked_from_us: int | None
    looked_to_us: int | None


def parse_event_id(text: str) -> tuple[int, int]:
    """(ts_us, id) of a public id or cursor; raises InvalidInput."""
    ts, _dash, number = text.rpartition("-")
    try:
        key = int(ts), int(number)
    except ValueError:
        raise InvalidInput(f"{text!r} is no event id.", hint="Ids look like 1700000000000000-42.") from None
    if not all(-(2**63) <= part < 2**63 for part in key):
        raise InvalidInput(f"{text!r} is no event id.", hint="Ids look like 1700000000000000-42.")
    return key


def check_words(words: str) -> None:
    """Raise InvalidInput for more words than can be looked for."""
    if len(words) > MAX_PATTERN:
        raise InvalidInput(f"contains is longer than {MAX_PATTERN} characters.", hint="Look for a part of it.")


def check_regex(pattern: str) -> None:
    """Raise InvalidInput for a pattern that Rust's regex does not take."""
    if len(pattern) > MAX_PATTERN:
        raise InvalidInput(f"The regular expression is longer than {MAX_PATTERN} characters.", hint="Shorten it.")
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.PolarsError as error:
        told = [line.removeprefix("error:").strip() for line in str(error).splitlines() if line.startswith("error:")]
        reason = told[0] if told else "it is malformed"
        raise InvalidInput(
            f"The regular expression cannot be used: {reason}.",
            hint="Rust's syntax holds: no look-around, no back-references.",
        ) from None


def conditions(asked: Filter) -> ColumnElement[bool]:
    """The part of a filter that SQL can judge without reading messages, time left out."""
    parts = [one_of(log_events.c[name], ids) for name, ids in asked.names() if ids is not None]
    if asked.without_template_ids:
        parts.append(not_(one_of(log_events.c.template_id, asked.without_template_ids)))
    if asked.priority is not None:
        parts.append(log_events.c.priority <= asked.priority)
    return and_(True, *parts)


def says(*words: str, nul: bool) -> ColumnElement[bool]:
    """Messages that contain one of `words`, with the case of ASCII letters ignored. `nul`: some of them may hold NUL
    (`nul.py`).
    """
    return contains(log_events.c.message, *words, nul=nul)
