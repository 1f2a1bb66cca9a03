"""What crosses the door of the room memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

HOUR_US = 3_600_000_000


@dataclass(frozen=True)
class Span:
    """From `since_us` to before `until_us`."""

    since_us: int
    until_us: int


@dataclass(frozen=True)
class Change:
    """A family that is not as it was. `kind`: new, gone, louder or quieter.

    `n` events in the window where `expected` were normal; `chance`: how likely that is by luck, and `doubt`, the share
    of luck among all changes that are as sure as this one. Both are None for a new family of a service that was not
    heard before: nothing says how often it brings new ones.
    """

    kind: str
    family_id: int
    service_id: int
    n: int
    expected: float
    chance: float | None
    doubt: float | None


@dataclass(frozen=True)
class Changes:
    """What changed in `window` against `normal`; `quiet_nodes` said nothing in the window and are left out of it."""

    window: Span
    normal: Span
    rows: tuple[Change, ...]
    compared: int
    quiet_nodes: tuple[int, ...]


@dataclass(frozen=True)
class BlindInterval:
    """A time in which nothing could be seen of a node; it lasts where `until_us` is None. Times are the server's.

    `verdict`: node_down, agent_dead, network_cut, server_down, behind or paused, and `unheard` while nobody can know;
    `reason` says it to people. `filled`: its lines came after all. Its agent was waited for from `unheard_us` to
    `again_us` (None: it was heard all along; it is not heard yet); `orderly`: it had said that it would go.
    """

    id: int
    node_id: int
    since_us: int
    until_us: int | None
    verdict: str
    reason: str
    filled: bool
    unheard_us: int | None
    again_us: int | None
    orderly: bool


@dataclass(frozen=True)
class Sight:
    """What could be seen: `blind` are by node the minutes (since 1970) of which lines may be missing, `unseen` the
    intervals in which nodes could not be seen.
    """

    blind: Mapping[int, frozenset[int]] = field(default_factory=dict)
    unseen: Sequence[BlindInterval] = ()
