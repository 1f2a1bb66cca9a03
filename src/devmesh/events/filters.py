"""What people ask for, and what they get: `Filter`, `Event`, `Page`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl
from sqlalchemy import ColumnElement, and_, func, literal_column, or_

from devmesh.errors import InvalidInput
from devmesh.events.tables import log_events

MAX_PATTERN = 1_000


@dataclass(frozen=True)
class Filter:
    """Which events; every part that is given must hold.

    `node_ids`, `service_ids`, `template_ids`: None is any, empty is none. `priority` is the least severe taken (syslog
    numbers). `since_us` is inclusive, `until_us` exclusive. `contains` ignores the case of ASCII letters; `regex` is
    Rust's.
    """

    node_ids: tuple[int, ...] | None = None
    service_ids: tuple[int, ...] | None = None
    template_ids: tuple[int, ...] | None = None
    priority: int | None = None
    since_us: int | None = None
    until_us: int | None = None
    contains: str | None = None
    regex: str | None = None

    @property
    def nothing(self) -> bool:
        """True where no event can match: a name was asked for that nobody has."""
        return any(ids == () for ids in (self.node_ids, self.service_ids, self.template_ids))

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
class Page:
    """Some events, newest first; `cursor` asks for the next ones, `searched_to_us` is how far back was looked."""

    events: list[Event]
    cursor: str | None
    searched_to_us: int | None


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
    table = log_events.c
    parts: list[ColumnElement[bool]] = []
    if asked.node_ids is not None:
        parts.append(table.node_id.in_(asked.node_ids))
    if asked.service_ids is not None:
        parts.append(table.service_id.in_(asked.service_ids))
    if asked.template_ids is not None:
        parts.append(table.template_id.in_(asked.template_ids))
    if asked.priority is not None:
        parts.append(table.priority <= asked.priority)
    return and_(True, *parts)


def says(words: str) -> ColumnElement[bool]:
    """Messages that contain `words`, with the case of ASCII letters ignored.

    LIKE is the fastest way but ends at the first NUL, in the text and in the pattern alike.
    """
    message = log_events.c.message
    exact = func.instr(func.lower(message), _ascii_lower(words)) > 0
    if "\0" in words:
        return exact
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    with_nul = func.instr(message, literal_column("char(0)")) > 0
    return or_(message.like(f"%{escaped}%", escape="\\"), and_(with_nul, exact))


def _ascii_lower(text: str) -> str:
    return "".join(char.lower() if char.isascii() else char for char in text)
