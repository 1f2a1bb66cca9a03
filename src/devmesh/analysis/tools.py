"""The tools by which a question gets its evidence: what each takes, and the bounds that hold for all.

What they do is handed in (`answering.py` in the faces' shared layer: each is thin over what faces call already, and
rooms may not import that layer). Whoever plans calls by name and arguments; every result says its window, has at most
20 rows and 6,000 characters, and every call is recorded. Nothing here writes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from devmesh.clock import Clock
from devmesh.errors import DevMeshError

MOST_ROWS, MOST_CHARS, MOST_TEXT = 20, 6_000, 300
MOST_CALLS = 24
Name = Annotated[str, Field(max_length=255)]
Names = Annotated[list[Name], Field(max_length=8)]
Rows = Annotated[int, Field(ge=1, le=MOST_ROWS)]
When = Annotated[str, Field(max_length=64)]


class Takes(BaseModel):
    """Arguments of a tool; others than these are refused."""

    model_config = ConfigDict(extra="forbid")


class Where(Takes):
    """Of which nodes and services (none: of all), from when to when: times as people write them, or microseconds."""

    node: Names = []
    service: Names = []
    since: When
    until: When = "now"
    limit: Rows = MOST_ROWS


class SearchTemplates(Where):
    """Families by words and meaning, with how often they were said in the hours of the window."""

    query: Annotated[str, Field(min_length=1, max_length=1_000)]


class QueryLogs(Where):
    """Lines, the newest first; `template` are families (f12) or templates (t345), `priority` the least severe."""

    template: Names = []
    priority: Name = ""
    contains: Annotated[str, Field(max_length=1_000)] = ""


class GetTemplateStats(Where):
    """How often a family (f12) or a template (t345) was said, by node and hour."""

    template: Name


class GetServiceOverview(Where):
    """How much was said, by severity, and the loudest families of a severity and worse."""

    priority: Name = "err"


class GetLogContext(Takes):
    """The lines of a node around an event."""

    event: Name
    before: Annotated[int, Field(ge=0, le=MOST_ROWS)] = 5
    after: Annotated[int, Field(ge=0, le=MOST_ROWS)] = 5


class WhatChanged(Where):
    """Families that are new, gone, louder or quieter than in the week before, and what people and programs changed."""


class ListIncidents(Where):
    """Incidents that went on in the window, the newest onset first; `status` as `devmesh incidents` takes it."""

    status: Name = ""
    limit: Rows = 10


class GetIncident(Takes):
    """One incident with its report."""

    number: int


class GraphNeighbours(Takes):
    """What a service or a host needs and who fails with it, by the inventory, the nearest first."""

    name: Name
    limit: Rows = MOST_ROWS


TAKES: dict[str, type[Takes]] = {
    "search_templates": SearchTemplates,
    "query_logs": QueryLogs,
    "get_template_stats": GetTemplateStats,
    "get_service_overview": GetServiceOverview,
    "get_log_context": GetLogContext,
    "what_changed": WhatChanged,
    "list_incidents": ListIncidents,
    "get_incident": GetIncident,
    "graph_neighbours": GraphNeighbours,
}


@dataclass(frozen=True)
class Found:
    """What a tool found: plain rows, the best first, of a window (microseconds; None is open), and sums over it."""

    rows: list[dict[str, Any]]
    since_us: int | None
    until_us: int | None
    sums: Mapping[str, Any] = field(default_factory=dict)


Run = Callable[[Any], Found]  # takes the arguments of `TAKES`; raises DevMeshError


@dataclass(frozen=True)
class Result:
    """What a call came to: at most 20 rows, cut to size (`cut` says whether there was more), or why it failed."""

    tool: str
    arguments: Mapping[str, Any]
    rows: tuple[dict[str, Any], ...]
    since_us: int | None
    until_us: int | None
    sums: Mapping[str, Any]
    cut: bool
    error: str
    took_ms: int


class Toolbox:
    """The tools of one answer: at most 24 calls until `deadline_s` (the clock's monotonic seconds)."""

    def __init__(self, runs: Mapping[str, Run], clock: Clock, deadline_s: float) -> None:
        self._runs, self._clock, self._deadline_s = runs, clock, deadline_s
        self.results: list[Result] = []

    @property
    def late(self) -> bool:
        """Whether time is up."""
        return self._clock.monotonic_s() >= self._deadline_s

    def call(self, name: str, /, **arguments: Any) -> Result:
        """Call a tool by its name. What is wrong with the call stands in the result; nothing is raised for it."""
        began_s = self._clock.monotonic_s()
        found, error = None, ""
        try:
            if self.late or len(self.results) >= MOST_CALLS:
                error = "Not called: the time or the calls of this answer are used up."
            elif name not in TAKES:
                error = f"There is no tool {name[:64]!r}."
            else:
                found = self._runs[name](TAKES[name](**arguments))
        except ValidationError as wrong:
            first = wrong.errors()[0]
            error = f"{'.'.join(map(str, first['loc']))}: {first['msg']}."
        except DevMeshError as refused:
            error = refused.message
        rows, cut = bounded(found.rows if found else [])
        took_ms = round((self._clock.monotonic_s() - began_s) * 1_000)
        window = (found.since_us, found.until_us) if found else (None, None)
        result = Result(name[:64], arguments, rows, *window, found.sums if found else {}, cut, error, took_ms)
        self.results.append(result)
        return result


def bounded(rows: list[dict[str, Any]]) -> tuple[tuple[dict[str, Any], ...], bool]:
    """Rows that fit the bounds, and whether something was cut: long texts to 300 characters, then rows from the end."""
    out, left, cut = list[dict[str, Any]](), MOST_CHARS, len(rows) > MOST_ROWS
    for row in rows[:MOST_ROWS]:
        short = {key: _short(value) for key, value in row.items()}
        left -= len(json.dumps(short))
        if left < 0:
            return tuple(out), True
        cut = cut or short != row
        out.append(short)
    return tuple(out), cut


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= MOST_TEXT else value[: MOST_TEXT - 1] + "…"
    if isinstance(value, list | tuple):
        return [_short(one) for one in value[:MOST_ROWS]]
    return value
