"""Times as people write them in a question: `last night`, `since Jan 20`, `around 3 am`, `between 14:00 and 15:30 on
Tuesday`, `in the last two hours`; English first, the common German ones too.

Pure: the present and the viewer's zone are passed in. Local times become instants one by one, so days have 23 or 25
hours where the clocks are changed, and an hour that comes twice is meant both times.

    morning 06 to 12, afternoon 12 to 18, evening 18 to 24, night 22 to 06
    at 3 am: a quarter of an hour on both sides; around 3 am: half an hour
    a day without a date is the latest that there was; what lies ahead ends now
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo

from devmesh.analysis.moments import AMONG, MINUTE_US, Atom, Clock, atoms_of
from devmesh.analysis.words import Token

PARTS = {"morning": (6, 12), "afternoon": (12, 18), "evening": (18, 24), "night": (22, 30)}
AT_US, AROUND_US = 15 * MINUTE_US, 30 * MINUTE_US
NOON, HALF_DAY = 12, 12
NOW_US = 60 * MINUTE_US
CALENDAR_DAYS = 366 * 200


@dataclass(frozen=True)
class Window:
    """From `since_us` to before `until_us`; None is not said. `taken`: the tokens that said it; `point`: one
    instant was meant.
    """

    since_us: int | None
    until_us: int | None
    taken: frozenset[int]
    point: bool = False


@dataclass(frozen=True)
class _Group:
    """What belongs to one time: a day, a part of it, a time of day, or a stretch that is known already."""

    day: date | None = None
    part: str = ""
    clock: Clock | None = None
    span: tuple[int, int] | None = None
    around: bool = False
    pad_us: int = 0


def window_in(tokens: Sequence[Token], now_us: int, zone: tzinfo) -> Window | None:
    """The time that a question speaks of; None where it names none, or only times to come."""
    here = _Here(now_us, zone)
    try:
        found = _read(atoms_of([one.text for one in tokens], here.today, now_us, zone), here)
    except (ValueError, OverflowError, OSError):  # no calendar has that day
        return None
    if found is None:
        return None
    until = None if found.until_us is None else min(found.until_us, now_us)
    since = found.since_us
    ahead = (since is not None and since >= now_us) or (since is not None and until is not None and since >= until)
    return None if ahead else replace(found, until_us=until)


class _Here:
    """The present, and instants of local times."""

    def __init__(self, now_us: int, zone: tzinfo) -> None:
        self.now_us, self.zone = now_us, zone
        self.now = datetime.fromtimestamp(now_us / 1e6, zone)
        self.today = self.now.date()

    def at(self, day: date, minute: int, *, late: bool = False) -> int:
        """The instant of a minute of a local day, which may lie on the next; `late`: the second of two."""
        over, rest = divmod(minute, 24 * 60)
        local = datetime.combine(day + timedelta(days=over), time(*divmod(rest, 60)), self.zone)
        return round(local.replace(fold=int(late)).timestamp()) * 1_000_000


def _read(atoms: Sequence[Atom], here: _Here) -> Window | None:
    """Relations first: a range, since, until; else one time."""
    some = [one for one in atoms if one.kind not in AMONG]
    if not some:
        return None
    taken = frozenset(place for one in atoms for place in range(one.first, one.last))
    ranged = _range(atoms, here)
    if ranged is not None:
        return Window(*ranged, taken)
    only = [one for one in some if one.kind != "now"]
    if not only:
        return Window(here.now_us - NOW_US, here.now_us, taken)
    begins, ends = _after(atoms, "since"), _after(atoms, "until")
    if begins and ends:
        return Window(_bounds(_group(begins, here), here)[0], _end(_group(ends, here), here), taken)
    group = _group(only, here)
    around = any(one.kind == "around" for one in atoms)
    group = replace(group, around=around)
    since, until = _bounds(group, here)
    if begins:
        return Window(since + _pad(group), here.now_us, taken)
    if ends:
        return Window(None, _end(group, here), taken)
    return Window(since, until, taken, group.clock is not None or bool(group.pad_us))


def _after(atoms: Sequence[Atom], kind: str) -> list[Atom]:
    """The times that follow on a relation, up to the next one."""
    at = next((place for place, one in enumerate(atoms) if one.kind == kind), None)
    out: list[Atom] = []
    for one in () if at is None else atoms[at + 1 :]:
        if one.kind in {"since", "until"}:
            break
        if one.kind not in AMONG:
            out.append(one)
    return out


def _group(atoms: Sequence[Atom], here: _Here) -> _Group:
    """What these atoms say of one time; of several of a kind the first."""
    made = _Group()
    for one in atoms:
        if one.kind == "day" and made.day is None:
            made = replace(made, day=one.day)
        elif one.kind == "part" and not made.part:
            made = replace(made, part=one.part, day=made.day or one.day)
        elif one.kind == "clock" and made.clock is None:
            made = replace(made, clock=one.clock)
        elif one.kind == "span" and made.span is None:
            made = replace(made, span=one.span, pad_us=one.pad_us)
    if made.part == "night" and made.day is None:
        return replace(made, day=_latest_night(here))
    return made


def _latest_night(here: _Here) -> date:
    return here.today if here.now.hour >= PARTS["night"][0] else here.today - timedelta(days=1)


def _pad(group: _Group) -> int:
    if group.clock is None:
        return group.pad_us
    return AROUND_US if group.around else AT_US


def _bounds(group: _Group, here: _Here) -> tuple[int, int]:
    """From when to when."""
    if group.clock is not None:
        day, minute = _placed(group, group.clock, here)
        both = here.at(day, minute), here.at(day, minute, late=True)
        return min(both) - _pad(group), max(both) + _pad(group)
    if group.span is not None:
        return group.span
    if group.part:
        first, last = PARTS[group.part]
        day = group.day or _latest(here, first * 60)
        begin = here.at(day, first * 60)
        if group.part == "morning" and begin >= here.now_us and day == here.today:  # said at four
            begin = here.at(day, 0)
        return begin, here.at(day, last * 60)
    assert group.day is not None  # noqa: S101 - a group holds something
    return here.at(group.day, 0), here.at(group.day, 24 * 60)


def _end(group: _Group, here: _Here) -> int:
    """What `until` means: the instant, or the end of the day."""
    since, until = _bounds(group, here)
    return since + _pad(group) if group.clock is not None or group.pad_us else until


def _latest(here: _Here, minute: int) -> date:
    """The latest day on which that minute of the day is over."""
    return here.today if here.at(here.today, minute) <= here.now_us else here.today - timedelta(days=1)


def _placed(group: _Group, clock: Clock, here: _Here) -> tuple[date, int]:
    """Day and minute of a time of day, by the part of the day that is said with it."""
    minutes = [clock.minute]
    if clock.open:  # neither am nor pm
        later = clock.minute + HALF_DAY * 60
        if group.part in {"afternoon", "evening"} or (
            group.part == "night" and clock.minute >= PARTS["morning"][0] * 60
        ):
            minutes = [later]
        elif group.part == "" and group.day is None:
            minutes.append(later)
    if group.day is None:
        return max(((_latest(here, one), one) for one in minutes), key=lambda pair: here.at(*pair))
    night = group.part == "night" and minutes[0] < NOON * 60
    return (group.day + timedelta(days=1) if night else group.day), minutes[0]


def _range(atoms: Sequence[Atom], here: _Here) -> tuple[int, int] | None:
    """`between A and B`, `from A to B`, `A - B`: two times that touch the word between them."""
    for at in range(1, len(atoms) - 1):
        link, left, right = atoms[at], atoms[at - 1], atoms[at + 1]
        if link.kind != "to" or left.last != link.first or right.first != link.last:
            continue
        if not {left.kind, right.kind} <= {"clock", "day", "part"}:
            continue
        others = [one for one in (*atoms[: at - 1], *atoms[at + 2 :]) if one.kind in {"day", "part"}]
        first, last = _group([left, *others], here), _group([right, *others], here)
        if left.kind == right.kind == "day":
            later = [one for one in atoms[at + 2 :] if one.kind == "clock"]
            earlier = [one for one in atoms[: at - 1] if one.kind == "clock"]
            if not later and not earlier:
                return _bounds(_group([left], here), here)[0], _bounds(_group([right], here), here)[1]
        if left.kind == "clock" and right.kind == "clock":
            return _clocks(first, last, here)
        return _bounds(first, here)[0], _end(last, here)
    return None


def _clocks(first: _Group, last: _Group, here: _Here) -> tuple[int, int]:
    """From one time of day to another: of the day that is said, else the latest time that began."""
    assert first.clock is not None and last.clock is not None  # noqa: S101, PT018 - both are clocks
    begin, end = first.clock, last.clock
    if begin.open and not end.open and begin.minute + HALF_DAY * 60 <= end.minute:  # from 2 to 4 pm
        first = replace(first, clock=Clock(begin.minute + HALF_DAY * 60))
    day, minute = _placed(first, first.clock or begin, here)
    until = (
        _placed(replace(last, day=first.day or day), end, here)[1] if last.day is None else _placed(last, end, here)[1]
    )
    if until <= minute:
        until += 24 * 60
    return here.at(day, minute), here.at(day, until, late=True)
