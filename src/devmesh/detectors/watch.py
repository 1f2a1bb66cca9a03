"""All detectors over one hour after the other. The same code watches now and looks at the past.

`observe` is deterministic: the same hours in the same order give the same findings. For an hour that is not over it is
asked again, each minute, on a copy of the watch as it was when the hour began (`fork`, or `copy.deepcopy`).
"""

from __future__ import annotations

from collections.abc import Mapping

from devmesh.detectors.births import Births
from devmesh.detectors.correlation import Correlation
from devmesh.detectors.error_rate import ErrorRate
from devmesh.detectors.loudness import Loudness
from devmesh.detectors.model import Finding, by_time
from devmesh.detectors.primitives import Primitives
from devmesh.detectors.quietness import Quietness
from devmesh.detectors.schedule import Schedule
from devmesh.detectors.silence import Silence
from devmesh.detectors.successor import Successor
from devmesh.detectors.tuning import Tuning
from devmesh.detectors.unheard import Unheard
from devmesh.memory import Baselines, Minutes, Shape


class Watch:
    """Watches a store."""

    def __init__(self, shapes: Mapping[int, Shape], tuning: Tuning = Tuning()) -> None:  # noqa: B008 - it is frozen
        self.normal = Baselines(shapes)
        self.tuning = tuning
        self._primitives, self._births, self._loudness = Primitives(), Births(), Loudness()
        self._silence, self._schedule, self.error_rate = Silence(), Schedule(), ErrorRate()
        self._successor = Successor()
        self._quietness, self._correlation, self._unheard = Quietness(), Correlation(), Unheard()

    def observe(self, counts: Minutes) -> list[Finding]:
        """The findings of the next hour in order of time, the weightiest first; learns from it once it is over."""
        hour, normal = self.normal.meet(counts), self.normal
        learned_h = (normal.first_hour or 0) + self.tuning.learn_h
        told = counts.hour >= learned_h
        # Some remember what was, so they look also while all is only learned.
        found = self._loudness.observe(hour, normal) if told else self._loudness.skip(hour)
        found += self._quietness.observe(hour, normal, told=told)
        found += self._silence.observe(hour, normal, told=told)
        found += self._schedule.observe(hour, normal, told=told)
        found += self._successor.observe(hour, normal, told=told)
        found += self.error_rate.observe(hour, normal, told=told)
        found += self._unheard.observe(hour, normal, told=told)
        if told:
            found += self._primitives.observe(hour, normal)
            found += self._births.observe(hour, normal, learned_h * 60)
            found = self._correlation.observe(hour, normal, found)
        if counts.until >= (counts.hour + 1) * 60:
            normal.learn(hour)
        found = [one for one in found if one.detector not in self.tuning.off]
        return sorted(found, key=by_time)
