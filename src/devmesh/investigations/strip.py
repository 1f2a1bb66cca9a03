"""The strip of changes: what people and programs changed, read from the log itself, newest first; and which of them may
have broken it.

Which families tell of a change is decided once for each family (`kinds.py`); of those alone lines are read. What comes
every day by itself is no change, what a boot starts belongs to the boot, and who comes up again after a crash did not
change anything. A change explains trouble that began after it, soon, in the service that was changed, or on its node if
it concerns the node as a whole. Several that could be it share the confidence: none is sure where another is as near.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from devmesh.events import Event, Events, Filter
from devmesh.investigations.kinds import BOOT, CRASH, HEAD, STARTED, STOPPED, Kind, kind_of
from devmesh.nodes import Nodes
from devmesh.templates import Templates

MINUTE_US, HOUR_US, DAY_US = 60_000_000, 3_600_000_000, 86_400_000_000
MOST = 200  # changes on a strip
READ = 300  # lines of one kind
CRASHES = 500
LONGEST_US = 14 * DAY_US
FOLD_US = 10 * MINUTE_US
BOOT_US, DOWN_US, CRASH_US = 4 * MINUTE_US, 3 * MINUTE_US, 2 * MINUTE_US
HABIT_DAYS, LOOK_BACK_DAYS = 3, 7
TEXT = 300  # characters of a line that are kept
RELEASE = re.compile(r"^Linux version (\S+)")
NEW_KERNEL = "new kernel"
SOON_US = 45 * MINUTE_US  # after which a change explains a third
SAME_TIME_US = MINUTE_US  # a fault that begins in the minute of the change may be counted before it
NODE_SHARE, NAMED_SHARE = 0.5, 0.9
LEAST = 0.02

Pair = tuple[int, int]


@dataclass(frozen=True)
class Change:
    """Something that was changed, or several of a sort within minutes (`n`, from `since_us` on; the newest is shown).

    `explains` (0 to 1): how much of trouble a change of its kind explains; `wide`: it concerns the whole node.
    """

    at_us: int
    kind: str
    node_id: int
    service_id: int
    family_id: int
    template_id: int
    text: str
    event_id: str
    since_us: int
    n: int = 1
    explains: float = 0.5
    wide: bool = False


@dataclass(frozen=True)
class Cause:
    """A change, and how likely it is to have brought the trouble about (0 to 1)."""

    change: Change
    confidence: float
    reason: str


@dataclass(frozen=True)
class Line:
    """A line of a family that tells of a change; kind None is a crash."""

    event: Event
    kind: Kind | None
    node_id: int
    service_id: int
    family_id: int


class Strip:
    """Reads changes; remembers what each family is."""

    def __init__(self, nodes: Nodes, templates: Templates, events: Events) -> None:
        self._nodes, self._templates, self._events = nodes, templates, events
        self._known: dict[int, tuple[Kind | None, bool, int]] = {}  # by family: kind, whether a crash, service

    def read(self, since_us: int, until_us: int, node_ids: Collection[int] | None = None) -> list[Change]:
        """The changes of a time, 14 days of it at most, newest first, 200 at most."""
        since_us = max(since_us, until_us - LONGEST_US)
        nodes = None if node_ids is None else tuple(node_ids)
        asked = Filter(node_ids=nodes, since_us=since_us, until_us=until_us)
        homes = self._homes(self._events.by_template(asked))
        by_kind: dict[Kind | None, list[int]] = defaultdict(list)
        for template, family in homes.items():
            kind, crash, _service = self._known[family]
            if kind is not None or crash:
                by_kind[kind].append(template)
        habits = self._habits([one for kind in by_kind if kind and kind.habit for one in by_kind[kind]], since_us)
        lines = [
            line
            for kind, templates in by_kind.items()
            for line in self._lines(kind, replace(asked, template_ids=tuple(templates)), homes, habits)
        ]
        return folded(lines)[:MOST]

    def _homes(self, templates: Collection[int]) -> dict[int, int]:
        """{template: family}; what their texts tell is known then."""
        homes = self._templates.homes(templates)
        unknown = set(homes.values()) - self._known.keys()
        for asked, family in self._templates.families(unknown).items():
            kind = kind_of(family.text)
            self._known[asked] = kind, kind is None and bool(CRASH.search(family.text[:HEAD])), family.service_id
        return {template: family for template, family in homes.items() if family in self._known}

    def _lines(
        self, kind: Kind | None, asked: Filter, homes: Mapping[int, int], habits: Collection[tuple[int, int]]
    ) -> list[Line]:
        found = self._events.query(asked, READ if kind else CRASHES).events
        node_ids = self._nodes.node_names.ids({one.node for one in found}, create=False)
        out = []
        for one in found:
            family, node = homes[int(one.template_id[1:])], node_ids[one.node]
            if kind is not None and (
                (kind.habit and (family, node) in habits) or (kind.only and not kind.only.search(one.message))
            ):
                continue
            out.append(Line(one, kind, node, self._known[family][2], family))
        return out

    def _habits(self, templates: Sequence[int], since_us: int) -> set[tuple[int, int]]:
        """(family, node) that came on most of the days before by themselves."""
        if not templates:
            return set()
        counts = self._events.hourly(templates, since_us - LOOK_BACK_DAYS * DAY_US, since_us - HOUR_US)
        homes = self._templates.homes(templates)
        days: dict[tuple[int, int], set[int]] = defaultdict(set)
        for template, node, hour in counts.select("template_id", "node_id", pl.col("hour")).iter_rows():
            days[homes.get(template, 0), node].add(hour // 24)
        return {key for key, some in days.items() if len(some) >= HABIT_DAYS}


def folded(lines: Sequence[Line]) -> list[Change]:
    """Changes newest first: without what a boot or a crash brings about, those of a sort within minutes as one."""
    boots, crashes = defaultdict[int, list[int]](list), defaultdict[tuple[int, int], list[int]](list)
    for one in lines:
        if one.kind is None:
            crashes[one.node_id, one.service_id].append(one.event.ts_us)
        elif one.kind.name == BOOT:
            boots[one.node_id].append(one.event.ts_us)
    changes, newest = list[Change](), dict[tuple[int, int, int, str], int]()
    kept = [one for one in lines if one.kind is not None and not _brought_about(one, boots, crashes)]
    for one in sorted(kept, key=lambda one: (-one.event.ts_us, one.event.id)):
        change = _change(one)
        # Packages come by the dozen, each line another one; of other kinds only the same line is the same change.
        sort = "" if change.kind == "packages" else change.text
        key = change.node_id, change.service_id, change.family_id if sort else 0, sort or change.kind
        place = newest.get(key)
        if place is not None and changes[place].since_us - change.at_us <= FOLD_US:
            changes[place] = replace(changes[place], n=changes[place].n + 1, since_us=change.at_us)
            continue
        newest[key] = len(changes)
        changes.append(change)
    return _with_kernels(changes)


def _change(one: Line) -> Change:
    assert one.kind is not None  # noqa: S101 - crashes were left out
    return Change(
        one.event.ts_us, one.kind.name, one.node_id, one.service_id, one.family_id, int(one.event.template_id[1:]),
        one.event.message.strip()[:TEXT], one.event.id, one.event.ts_us, 1, one.kind.explains, one.kind.wide,
    )  # fmt: skip


def _brought_about(
    one: Line, boots: Mapping[int, Sequence[int]], crashes: Mapping[tuple[int, int], Sequence[int]]
) -> bool:
    """Whether a boot, or a crash of the same service, makes this line a matter of course."""
    at, name = one.event.ts_us, one.kind.name if one.kind else ""
    if name == BOOT:
        return False
    habit = one.kind is not None and (one.kind.habit or name == "mount")
    if habit and any(-DOWN_US <= at - boot <= BOOT_US for boot in boots.get(one.node_id, ())):
        return True
    starts = name in (STARTED, STOPPED, "container")
    return starts and any(0 <= at - crash <= CRASH_US for crash in crashes.get((one.node_id, one.service_id), ()))


def _with_kernels(changes: list[Change]) -> list[Change]:
    """A boot that brought another kernel says so."""
    before: dict[int, str] = {}
    out = []
    for one in reversed(changes):
        release = RELEASE.match(one.text) if one.kind == BOOT else None
        if release is not None:
            last = before.get(one.node_id, release[1])
            one = replace(one, kind=BOOT if last == release[1] else NEW_KERNEL)  # noqa: PLW2901
            before[one.node_id] = release[1]
        out.append(one)
    return out[::-1]


def causes(
    changes: Sequence[Change], begun: Mapping[Pair, int], suspects: Collection[Pair], services: Mapping[int, str]
) -> list[Cause]:
    """The changes that may have caused it, the likeliest first.

    `begun`: when each (service, node) in trouble began, in microseconds; `suspects`: those among them who are blamed,
    best first; nobody else's trouble is explained by a change of its own.
    """
    scored = []
    for one in changes:
        best = max((_explains(one, pair, begun.get(pair), services) for pair in suspects), default=(0.0, ""))
        if best[0] >= LEAST:
            scored.append((best[0], one, best[1]))
    total = sum(score for score, _one, _why in scored)
    found = [Cause(one, round(score * score / total, 3), why) for score, one, why in scored]
    return sorted(found, key=lambda one: (-one.confidence, -one.change.at_us))


def _explains(change: Change, pair: Pair, begun_us: int | None, services: Mapping[int, str]) -> tuple[float, str]:
    if begun_us is None or change.since_us > begun_us + SAME_TIME_US or change.node_id != pair[1]:
        return 0.0, ""
    name = services.get(pair[0], "")
    # Of several of a sort within minutes, those after the trouble began explain nothing.
    pause = max(0, begun_us - min(change.at_us, begun_us))
    soon = math.exp(-pause / SOON_US)
    if change.service_id == pair[0]:
        return change.explains * soon, "the same service on the same node"
    if name and re.search(rf"(?<![\w-]){re.escape(name)}(?!\w)", change.text, re.IGNORECASE):
        return max(change.explains, 0.5) * NAMED_SHARE * soon, "names the service, on its node"
    return (change.explains * NODE_SHARE * soon, "concerns the whole node") if change.wide else (0.0, "")
