"""Who is told what, and when not: routes by severity, service and node, and quiet hours. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from fnmatch import fnmatchcase

from devmesh.channels import SEVERITIES, Channel, Route
from devmesh.notifications.model import Notice


def channels_for(notice: Notice, routes: Sequence[Route], channels: Mapping[str, Channel]) -> frozenset[str]:
    """The channels of every route that fits; without routes, all of them for warnings and worse."""
    if not routes:
        routes = (Route(channels=tuple(channels)),) if channels else ()
    return frozenset(name for route in routes if _fits(route, notice) for name in route.channels)


def _fits(route: Route, notice: Notice) -> bool:
    return (
        notice.rank <= SEVERITIES.index(route.severity)
        and _any(route.services, notice.services)
        and _any(route.nodes, notice.nodes)
    )


def _any(patterns: Sequence[str], names: Iterable[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


@dataclass(frozen=True)
class Quiet:
    """Hours of the day in which only what cannot wait is told."""

    hours: tuple[int, int] | None  # minutes after midnight; the second may be on the next day
    zone: tzinfo
    critical_waits: bool

    def now(self, now_us: int) -> bool:
        """Whether it is quiet now, by the clock on the wall."""
        if self.hours is None:
            return False
        moment = datetime.fromtimestamp(now_us / 1e6, self.zone)
        begin, end = self.hours
        minute = moment.hour * 60 + moment.minute
        return begin <= minute < end if begin < end else minute >= begin or minute < end

    def words(self) -> str:
        """`22:00 to 07:00`."""
        return " to ".join(f"{minute // 60:02d}:{minute % 60:02d}" for minute in self.hours or ())
