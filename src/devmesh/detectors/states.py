"""How each detector stands: what it finds, whether it only learns yet, how much it found."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from devmesh.detectors import (
    births,
    correlation,
    error_rate,
    loudness,
    primitives,
    queries,
    quietness,
    schedule,
    silence,
    successor,
    unheard,
)
from devmesh.errors import InvalidInput

HOUR_US, HOUR_MIN, DAY_MIN = 3_600_000_000, 60, 24 * 60

FINDS = {
    primitives.NAME: "a line that is bad news in any fleet: memory ran out, disk full, unit failed",
    births.NAME: "an error or a warning that was never seen before",
    loudness.NAME: "a pattern that says more than it ever did, and not by luck",
    quietness.NAME: "a pattern that says far less than it does, though its service is there",
    error_rate.NAME: "more errors of a service than it usually has",
    silence.NAME: "a service or a node that has a rhythm and lost it",
    schedule.NAME: "the line that did not come: a backup, a cron job",
    successor.NAME: "a line that is always followed by another, and was not",
    unheard.NAME: "a node whose agent is not heard any more, and why",
    correlation.NAME: "a unit that was killed when memory ran out; came up, and had not gone down in good order",
}


@dataclass(frozen=True)
class DetectorState:
    """A detector: `learned_us` is when it tells what it finds, None while nothing is stored; until then it learns."""

    name: str
    finds: str
    learning: bool
    learned_us: int | None
    findings_24h: int
    findings_30d: int


def names_in(text: str) -> frozenset[str]:
    """Detectors by name, with commas between them. Raises InvalidInput for one that there is not."""
    names = frozenset(one.strip() for one in text.split(",")) - {""}
    for name in sorted(names - FINDS.keys()):
        raise InvalidInput(f"There is no detector {name[:64]!r}.", hint=f"There are: {', '.join(FINDS)}.")
    return names


def states(connection: Connection, now_us: int) -> list[DetectorState]:
    """Of all detectors, in the order of the page."""
    minute, at = now_us // (HOUR_US // HOUR_MIN), queries.progress(connection)
    day, month = (queries.counts(connection, minute - days * DAY_MIN) for days in (1, 30))
    learned = None if at is None or at.learned_hour is None else at.learned_hour * HOUR_US
    learning = learned is None or now_us < learned
    return [
        DetectorState(name, finds, learning, learned, day.get(name, 0), month.get(name, 0))
        for name, finds in FINDS.items()
    ]
