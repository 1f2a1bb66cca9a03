"""The room's verbs: the incidents of the past."""

from __future__ import annotations

from dataclasses import dataclass

from devmesh.detectors import Detectors, Finding
from devmesh.incidents import tables  # noqa: F401 - the store knows them by this
from devmesh.incidents.grouping import Grouping, Incident


@dataclass(frozen=True)
class Replayed:
    """What a look at the past found; `first_hour` and `learned_hour` (since 1970, UTC) are None for an empty store."""

    incidents: tuple[Incident, ...]
    findings: tuple[Finding, ...]
    pairs: tuple[tuple[int, int], ...]  # (service, node) that spoke
    first_hour: int | None


class Incidents:
    """What belongs together."""

    def __init__(self, detectors: Detectors) -> None:
        self._detectors = detectors

    def replay(self, since_us: int, until_us: int, learn_h: int) -> Replayed:
        """The incidents that would have been opened, thin ones included, learning from the first `learn_h` hours."""
        past, grouping, findings = self._detectors.past(since_us, until_us, learn_h), Grouping(), list[Finding]()
        for hour in past:
            found = past.watch.observe(hour)
            findings += found
            grouping.observe(hour, found)
        pairs = past.watch.normal.pairs
        spoke = zip(pairs["service"].tolist(), pairs["node"].tolist(), strict=True)
        return Replayed(tuple(grouping.incidents), tuple(findings), tuple(spoke), past.watch.normal.first_hour)
