"""What looks wrong: one file for each detector, over counts by minute of families.

Owns findings, detector_state, watch_state. In: counts by minute, families' texts and levels, what is normal. Out:
findings, each with its weight as evidence. Promises: deterministic, so that the past can be looked at with the code
that watches; no detector reads raw text, rules over texts are matched once for each family.
"""

from devmesh.detectors.drift import LEAST_DAYS, Drift
from devmesh.detectors.habits import told_in
from devmesh.detectors.live import Live, Looked
from devmesh.detectors.model import About, Finding, Habit, by_time
from devmesh.detectors.queries import Progress, Stored
from devmesh.detectors.service import Detectors
from devmesh.detectors.states import DetectorState, names_in
from devmesh.detectors.together import Together
from devmesh.detectors.tuning import Tuning
from devmesh.detectors.watch import Watch
from devmesh.detectors.weeks import Weeks

__all__ = [
    "LEAST_DAYS", "About", "DetectorState", "Detectors", "Drift", "Finding", "Habit", "Live", "Looked", "Progress",
    "Stored", "Together", "Tuning", "Watch", "Weeks", "by_time", "names_in", "told_in",
]  # fmt: skip
