"""How programs phrase their lines: the files in `programs/`, one for each program, read into sections of sayings.

A file is a head (`key  value`), then sections. In `[usual]` and `[work]` a line begins with its mean rate (`12/h`,
`3/d`, `1/w`), in `[at …]` and in every other section with `-` or a weight (`3x`). `+a..b` goes on with the saying
above, a to b seconds later, with the same values; `@other` lets another program of the node speak. Then the priority
as journald has it, and the text with its `{slots}` (see slots.py). `[work]` is what stops where a dependency fails;
`[calls]` (or `[calls TYPE]` of what is called) has rates, too, and tells of each peer where that is wished for.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from devmesh.simulate.errors import SimulationError

PRIORITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
HOURS = {"h": 1.0, "d": 24.0, "w": 168.0}
WEEK_MIN = 7 * 24 * 60
EPOCH_MIN = 4 * 24 * 60  # 1970 began on a Thursday: minute 0 of a week is Monday 00:00 UTC, four days later
USUAL, WORK, AT, CALLS = "usual", "work", "at ", "calls"
_LINE = re.compile(
    rf"(?:(?P<rate>[\d.]+)/(?P<unit>[hdw])|(?P<weight>[\d.]+)x|(?P<dash>-)|\+(?P<after>[\d.]+?)(?:\.\.(?P<until>[\d.]+))?)"
    rf"\s+(?:@(?P<who>\S+)\s+)?(?P<priority>{'|'.join(PRIORITIES)})(?:\s+(?P<text>.*))?"
)
_SLOT = re.compile(r"\{\{|\}\}|\{([a-z_]+(?:\.\d)?(?::[^{}]*)?)\}")
_CLOCK = re.compile(rf"at (?:(?:({'|'.join(DAYS)}) )?(\d\d):(\d\d)|:(\d\d)|\*/(\d+))(?: ~(\d+))?( later)?")
_HEAD = {
    "identifier", "unit", "types", "names", "runs", "rhythm", "pid", "transport", "comm", "image", "about", "port",
}  # fmt: skip


@dataclass(frozen=True)
class Text:
    """A text with slots: `form` takes one value for each of `keys` by the operator %."""

    form: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One line of a saying: `after` seconds (from, to) behind the one before; `who` speaks, if it is another one."""

    after: tuple[float, float]
    who: str
    priority: int
    text: Text


@dataclass(frozen=True)
class Saying:
    """Lines that belong together. `rate`: a mean number an hour, in sections without rates the weight."""

    rate: float
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Job:
    """Sayings at fixed minutes of the week (Monday 00:00 UTC is 0, ascending), up to `jitter_s` late. `later`: what was
    due while its node was down comes after the boot, as timers with Persistent= and anacron have it.
    """

    minutes: tuple[int, ...]
    jitter_s: float
    sayings: tuple[Saying, ...]
    later: bool = False

    def within(self, first: int, count: int) -> list[int]:
        """When it is due in `count` minutes from minute `first` of a week on (less than a week), from 0 on."""
        end = first + count
        found = self.minutes[bisect_left(self.minutes, first) : bisect_left(self.minutes, end)]
        again = self.minutes[: bisect_left(self.minutes, end - WEEK_MIN)] if end > WEEK_MIN else ()
        return [one - first for one in found] + [one - first + WEEK_MIN for one in again]


@dataclass(frozen=True)
class Program:
    """One program's vocabulary and how the journal files it."""

    name: str
    head: Mapping[str, str]
    sections: Mapping[str, tuple[Saying, ...]] = field(default_factory=dict)
    jobs: tuple[Job, ...] = ()
    rewording: tuple[tuple[str, str], ...] = ()

    def words(self, key: str) -> tuple[str, ...]:
        """A list in the head."""
        return tuple(self.head.get(key, "").split())

    def says(self, section: str) -> tuple[Saying, ...]:
        """The sayings under a heading; none if it has nothing to say there."""
        return self.sections.get(section, ())


@cache
def programs() -> dict[str, Program]:
    """Every program that ships with DevMesh, by the name of its file."""
    folder = files("devmesh.simulate") / "programs"
    found = sorted((one for one in folder.iterdir() if one.name.endswith(".lines")), key=lambda one: one.name)
    return {name: read_program(name, one.read_text("utf-8")) for one in found if (name := one.name[: -len(".lines")])}


@cache
def generic() -> Program:
    """What any program may say: types that nobody wrote lines for speak so."""
    return programs()["generic"]


def read_program(name: str, text: str) -> Program:
    """A program from its file. Raises SimulationError with the line."""
    head: dict[str, str] = {}
    rough: dict[str, list[list[Step]]] = {}
    rates: dict[str, list[float]] = {}
    rewording: list[tuple[str, str]] = []
    section = ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
            rough.setdefault(section, [])
            rates.setdefault(section, [])
        elif not section:
            key, _space, value = line.partition(" ")
            if key not in _HEAD:
                raise SimulationError(f"{name}.lines:{number}: no {key!r} in a head.", ", ".join(sorted(_HEAD)))
            head[key] = value.strip()
        elif section == "rewording":
            old, arrow, new = line.partition(" => ")
            if not arrow:
                raise SimulationError(f"{name}.lines:{number}: a rewording is 'old => new'.")
            rewording.append((old, new))
        else:
            _add(rough[section], rates[section], line, f"{name}.lines:{number}")
    sections = {
        one: tuple(Saying(rate, tuple(steps)) for rate, steps in zip(rates[one], rough[one], strict=True))
        for one in rough
        if one != "rewording"
    }
    jobs = tuple(_job(one, sections.pop(one), name) for one in list(sections) if one.startswith(AT))
    return Program(name, head, sections, jobs, tuple(rewording))


def _add(sayings: list[list[Step]], rates: list[float], line: str, where: str) -> None:
    """Put a line into its section: a new saying, or a further step of the last one."""
    said = _LINE.fullmatch(line)
    if said is None:
        raise SimulationError(f"{where}: {line[:60]!r} is no line.", "12/h info TEXT, - err TEXT, +1..3 info TEXT")
    after = float(said["after"] or 0)
    step = Step(
        (after, float(said["until"] or after)),
        said["who"] or "",
        PRIORITIES.index(said["priority"]),
        text_of(said["text"] or ""),
    )
    if said["after"] is None:
        sayings.append([step])
        rates.append(float(said["rate"]) / HOURS[said["unit"]] if said["rate"] else float(said["weight"] or 1))
    elif sayings:
        sayings[-1].append(step)
    else:
        raise SimulationError(f"{where}: there is nothing to go on from.")


def text_of(text: str) -> Text:
    """Split a text at its slots; `{{` and `}}` are braces."""
    keys: list[str] = []

    def slot(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0][0]
        keys.append(found[1])
        return "%s"

    return Text(_SLOT.sub(slot, text.replace("%", "%%")), tuple(key.replace("%%", "%") for key in keys))


def _job(section: str, sayings: tuple[Saying, ...], name: str) -> Job:
    said = _CLOCK.fullmatch(section)
    if said is None:
        raise SimulationError(
            f"{name}.lines: [{section}] is no time.", "[at 03:10], [at Sun 03:10], [at :17], [at */5]"
        )
    day, hour, minute, each_hour, step, jitter, later = said.groups()
    if step:
        minutes: Iterable[int] = range(0, WEEK_MIN, int(step))
    elif each_hour:
        minutes = range(int(each_hour), WEEK_MIN, 60)
    elif day:
        minutes = (DAYS.index(day) * 1440 + int(hour) * 60 + int(minute),)
    else:
        minutes = range(int(hour) * 60 + int(minute), WEEK_MIN, 1440)
    return Job(tuple(minutes), float(jitter or 5), sayings, bool(later))
