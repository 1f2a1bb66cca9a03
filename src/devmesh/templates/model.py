"""What crosses the door of the room templates."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sample:
    """A message as it was, of one template."""

    ts_us: int
    node_id: int
    message: str


@dataclass(frozen=True)
class Value:
    """A value that a placeholder took; `position` counts placeholders from 0."""

    position: int
    value: str
    n: int


@dataclass(frozen=True)
class Swallowed:
    """A value that a placeholder of one of a family's templates took (`placeholder` as it stands there: `<path>`)."""

    family_id: int
    placeholder: str
    value: str


@dataclass(frozen=True)
class Template:
    """One canonical shape."""

    id: int
    service_id: int
    text: str
    family_id: int | None
    level: int | None
    created_us: int
    first_seen_us: int | None
    last_seen_us: int | None
    events: int
    merged_into: int | None = None


@dataclass(frozen=True)
class Family:
    """What people and detectors see: templates of one service that differ only in words that vary."""

    id: int
    service_id: int
    text: str
    exemplar_template_id: int
    level: int | None
    created_us: int
    first_seen_us: int | None
    last_seen_us: int | None
    events: int
    templates: int
    label: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class FamilyChange:
    """A family that was born, reworded, or `gone` (merged into another), or got a template, an example or a value, at
    `changed_us`.
    """

    id: int
    service_id: int
    text: str
    changed_us: int
    gone: bool
    example: str = ""
