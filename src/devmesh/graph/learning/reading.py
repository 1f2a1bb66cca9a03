"""From logs: new lines of templates that tell whom somebody touches become evidence, each line once.

A template is matched once; a commit that has none of those that tell something costs its list of templates. Lines are
read in bounded steps from a stored position, which moves with what was made of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from devmesh.events import Event
from devmesh.graph.evidence import LOGS, MOUNTS, Seen
from devmesh.graph.learning.directory import MOUNTED
from devmesh.graph.learning.model import ADDRESS, LISTENER, MOUNT, Place
from devmesh.graph.learning.phrases import Found, Phrase, What, phrases_for, read
from devmesh.graph.learning.targets import address_of, is_local, is_nobodys, target_of
from devmesh.templates import Templates

DAY_US = 86_400_000_000
LINES = 2_000  # of one commit
MOST_TARGETS = 50  # of one service in one step: a flood of targets is no evidence
CHUNK = 1_000
UNKNOWN, DULL = 0, 1
Kept = tuple[str, str, str, str, int]  # service, node, target, source, day


class Phrasebook:
    """By which phrases the lines of each template may tell something, as far as anybody asked."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._by_id: dict[int, tuple[Phrase, ...]] = {}
        self._looked = bytearray()  # a byte for each template: dull ones are most of them

    def telling(self, template_ids: Sequence[int]) -> list[int]:
        """Those that tell something."""
        most = max(template_ids, default=-1)
        if most >= len(self._looked):
            self._looked.extend(bytes(most + CHUNK - len(self._looked)))
        new = [one for one in template_ids if self._looked[one] == UNKNOWN]
        for start in range(0, len(new), CHUNK):
            for one in self._templates.templates(new[start : start + CHUNK]):
                self._looked[one.id] = DULL
                if said := phrases_for(one.text):
                    self._by_id[one.id] = said
        return [one for one in template_ids if one in self._by_id]

    def of(self, template_id: str) -> tuple[Phrase, ...]:
        """The phrases of `t12`."""
        return self._by_id.get(int(template_id[1:]), ())


@dataclass(frozen=True)
class Read:
    """What lines tell: of whom somebody touches, day by day, and of places."""

    seen: tuple[Seen, ...]
    places: tuple[Place, ...]


def read_lines(events: Iterable[Event], book: Phrasebook, services: frozenset[str]) -> Read:
    """What these lines tell. `services`: names in lower case, which a single word must be one of."""
    sums: dict[Kept, list[int]] = {}
    targets: dict[str, set[str]] = defaultdict(set)
    places: dict[Place, None] = {}
    for event in events:
        for found in dict.fromkeys(read(event.message, book.of(event.template_id))):
            place = _place(event, found)
            if place is not None:
                places.setdefault(place)
                continue
            said = _target(found, services)
            if said is None or len(targets[event.service] | {said[0]}) > MOST_TARGETS:
                continue
            targets[event.service].add(said[0])
            key = (event.service, event.node, *said, event.ts_us // DAY_US)
            row = sums.setdefault(key, [0, 0, event.ts_us, event.ts_us])
            row[0] += 1
            row[1] += found.failed
            row[2], row[3] = min(row[2], event.ts_us), max(row[3], event.ts_us)
    by_day = sorted(sums.items(), key=_by_day)
    seen = tuple(Seen(*key[:4], first, last, n, failures) for key, (n, failures, first, last) in by_day)
    return Read(seen, tuple(places))


def _by_day(row: tuple[Kept, list[int]]) -> int:
    return row[0][4]


def _target(found: Found, services: frozenset[str]) -> tuple[str, str] | None:
    """What was touched, in its shortest form, and the source; None for what is no target."""
    if found.what is What.MOUNTED:
        return MOUNTED, MOUNTS
    if found.what is What.WORD:
        return (found.to.lower(), LOGS) if found.to.lower() in services else None
    if found.what is not What.CALLS:
        return None
    target = target_of(f"{found.to}:{found.port}" if found.port else found.to)
    return (str(target), LOGS) if target is not None and not is_nobodys(target.host) else None


def _place(event: Event, found: Found) -> Place | None:
    """What a line says of its own node."""
    to = address_of(found.to) or found.to.lower()
    day = event.ts_us // DAY_US * DAY_US  # what is said each minute is one place
    if found.what is What.LISTENS:
        return Place(LISTENER, event.node, to, found.port, event.service, last_us=day)
    if found.what is What.MOUNTS and to:
        return Place(MOUNT, event.node, to, last_us=day)
    if found.what is What.OWN and address_of(to) and not is_local(to):
        return Place(ADDRESS, event.node, to, last_us=day)
    return None
