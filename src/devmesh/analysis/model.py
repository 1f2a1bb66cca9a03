"""What crosses the door of the room analysis, and what its parts hand on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from devmesh.analysis.entities import Entities
from devmesh.analysis.routing import Kind
from devmesh.analysis.tools import Result
from devmesh.investigations import Locked
from devmesh.memory import Span


@dataclass(frozen=True)
class Asked:
    """A question as it was understood. `window` is whole minutes, or whole hours where it is longer than two days;
    `assumed`: nobody said a time. `content`: what to look for; `quoted`: these very words, `loose`:
    words of ours.
    """

    question: str
    kind: Kind
    entities: Entities
    window: Span
    assumed: bool
    content: str
    quoted: bool
    loose: bool
    now_us: int
    zone: tzinfo


@dataclass(frozen=True)
class Part:
    """Statements under a heading."""

    title: str
    statements: tuple[Locked, ...]


@dataclass(frozen=True)
class Answer:
    """What is answered. `notes` are about the question and the search, not about the fleet; `enough`: there was
    evidence; `examples`: what can be asked, where the question was not understood.
    """

    asked: Asked
    parts: tuple[Part, ...]
    notes: tuple[str, ...]
    enough: bool
    examples: tuple[str, ...]
    tools: Sequence[Result]
    struck: int
    taken_out: int
    took_ms: int
