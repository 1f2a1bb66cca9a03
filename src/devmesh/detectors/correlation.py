"""What says more together than alone: a service that the kernel killed, a node that came up and never went down."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, MutableMapping
from dataclasses import replace

import numpy as np

from devmesh.detectors.model import About, Finding
from devmesh.detectors.rules import BOOTED, SHUT_DOWN
from devmesh.memory import Baselines, Hour, Large

NAME = "correlation"
MEMORY, FAILED = "out of memory", "unit failed"
KILLED_MIN = 5
ORDERLY_MIN = 60
GROWN_UP_MIN = 24 * 60
KILLED, CRASHED = 3.0, 4.0
NEWS = {"new", "louder", "error rate", "successor"}
BEFORE_MIN, AFTER_MIN, CALM = 1, 10, 0.3
# Whom the kernel names ("Kill process" until 5.1), that systemd saw one of a unit's processes killed so, how it ended.
PROCESS = re.compile(r"kill(?:ed)? process \S+ \(([^)]*)\)", re.IGNORECASE)
OF_UNIT = re.compile(r"process of this unit has been killed|result 'oom-kill'", re.IGNORECASE)
SIGKILL = re.compile(r"code=killed, status=\S+/KILL", re.IGNORECASE)
UNIT = re.compile(r"^(\S+?)(?:@\S*)?\.(?:service|scope)\b")
VARIES = "<"  # in place of a name: a family of several
WORD = re.compile(r"[a-z]+")
ALIKE = 4  # letters that a process and its unit begin with alike, if their names are not shorter
BOOT, SHUTDOWN = 1, 2

Pair = tuple[int, int]


class Correlation:
    """Observes hour by hour, with what the other detectors found."""

    def __init__(self) -> None:
        self._marks: MutableMapping[int, int] = Large()  # by family: BOOT, SHUTDOWN or 0
        self._killed: dict[int, int] = {}  # by node: when memory ran out
        self._processes: dict[int, dict[str, int]] = defaultdict(dict)  # by node: whom the kernel named, when
        self._units: dict[Pair, int] = {}  # (service, node) of which systemd says it: when
        self._shut: dict[int, int] = {}  # by node: when it went down in good order
        self._booted: dict[int, int] = {}
        self._spoke: dict[int, int] = {}  # by node: its last minute in the hours before

    def observe(self, hour: Hour, normal: Baselines, found: list[Finding]) -> list[Finding]:
        """The findings of an hour, its own among them; what a node says around a boot is mostly no news."""
        starts, own = self._boots(hour, normal)
        self._spoke |= zip(hour.counts.node.tolist(), hour.counts.minute.tolist(), strict=True)
        calmer = [replace(one, weight=one.weight * CALM) if _starting(one, starts) else one for one in found]
        return [*calmer, *self._kills(found, normal), *own]

    def _kills(self, found: Iterable[Finding], normal: Baselines) -> list[Finding]:
        """The units that failed on a node because the kernel killed a process of theirs when memory ran out there."""
        out = []
        for one in sorted(found, key=lambda one: (one.minute, one.kind != MEMORY)):
            text = "" if one.family is None else normal.shapes[one.family].text
            if one.kind == MEMORY:
                self._killed[one.node] = one.minute
                if OF_UNIT.search(text):
                    self._units[one.service, one.node] = one.minute
                elif (named := PROCESS.search(text)) is not None:
                    names = self._processes[one.node].items()
                    lately = {name: at for name, at in names if at >= one.minute - KILLED_MIN}
                    self._processes[one.node] = lately | {named[1]: one.minute}
            elif one.kind == FAILED and self._was_killed(one, text):
                said = "failed: killed when its node ran out of memory"
                out.append(_finding(one.minute, "killed", (one.service, one.node, one.family), KILLED, said))
        return out

    def _was_killed(self, one: Finding, text: str) -> bool:
        """Whether who failed is whom the kernel killed: systemd says so of the unit, the kernel names its process, or
        it was killed and the kernel's lines name nobody.
        """
        since = one.minute - KILLED_MIN
        if self._killed.get(one.node, since - 1) < since:
            return False
        if self._units.get((one.service, one.node), since - 1) >= since:
            return True
        names = [name for name, minute in self._processes[one.node].items() if minute >= since]
        unit = UNIT.search(text)
        if unit is not None and any(_alike(name, unit[1]) for name in names):
            return bool(SIGKILL.search(text))
        return bool(SIGKILL.search(text)) and all(VARIES in name for name in names)

    def _boots(self, hour: Hour, normal: Baselines) -> tuple[list[Pair], list[Finding]]:
        """(node, minute) of boots and shutdowns, and findings of boots that no shutdown went before."""
        counts, starts, out = hour.counts, list[Pair](), list[Finding]()
        families, rows = np.unique(counts.family, return_inverse=True)
        marks = np.array([self._mark(family, normal) for family in families.tolist()], dtype=np.int64)[rows]
        # Of one minute shutdowns come first: a virtual machine is up again within it.
        for row in sorted(np.flatnonzero(marks).tolist(), key=lambda row: (counts.minute[row], marks[row] == BOOT)):
            minute, node, family = int(counts.minute[row]), int(counts.node[row]), int(counts.family[row])
            starts.append((node, minute))
            if marks[row] == SHUTDOWN:
                self._shut[node] = minute
            elif self._abrupt(node, minute) and minute - normal.born_on(node) > GROWN_UP_MIN:
                text = "came up, and had not gone down in good order"
                found = _finding(minute, "no shutdown", (int(counts.service[row]), node, family), CRASHED, text)
                before = counts.minute[(counts.node == node) & (counts.minute < minute)]
                out.append(replace(found, since=int(before[-1]) if len(before) else self._spoke.get(node)))
        return starts, out

    def _mark(self, family: int, normal: Baselines) -> int:
        if family not in self._marks:
            text = normal.shapes[family].text
            self._marks[family] = BOOT if BOOTED.search(text) else SHUTDOWN if SHUT_DOWN.search(text) else 0
        return self._marks[family]

    def _abrupt(self, node: int, minute: int) -> bool:
        again = minute - self._booted.get(node, -1 << 40) < KILLED_MIN
        self._booted[node] = minute
        return not again and minute - self._shut.get(node, -1 << 40) > ORDERLY_MIN


def _alike(process: str, unit: str) -> bool:
    """Whether a process is called nearly as a unit is: mariadbd and mariadb, php-fpm8.2 and php8.2-fpm."""
    one, other = (next(iter(WORD.findall(name.lower())), "") for name in (process, unit))
    letters = min(ALIKE, len(one), len(other))
    return letters > 0 and one[:letters] == other[:letters]


def _starting(one: Finding, starts: Collection[Pair]) -> bool:
    """Whether a finding of little weight by itself comes with a boot or a shutdown of its node."""
    return one.detector in NEWS and any(
        node == one.node and minute - BEFORE_MIN <= one.minute <= minute + AFTER_MIN for node, minute in starts
    )


def _finding(minute: int, kind: str, who: tuple[int, int, int | None], weight: float, text: str) -> Finding:
    about = About.NODE if kind == "no shutdown" else About.SELF
    return Finding(minute, NAME, kind, *who, weight, kind == "no shutdown", about, text)
