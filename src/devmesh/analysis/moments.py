"""The words of time: days, parts of a day, times of day, stretches, and how they relate; what `times.py` puts together.

Each rule looks at a few tokens from one place on, so reading is linear in the question.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

MINUTE_US, HOUR_US, DAY_US = 60_000_000, 3_600_000_000, 86_400_000_000
AMONG = {"since", "until", "to", "around", "between"}  # relations, no times
UNITS = {
    **dict.fromkeys(("minute", "minutes", "min", "mins", "m", "minuten"), MINUTE_US),
    **dict.fromkeys(("hour", "hours", "h", "hr", "hrs", "stunde", "stunden"), HOUR_US),
    **dict.fromkeys(("day", "days", "d", "tag", "tage", "tagen"), DAY_US),
    **dict.fromkeys(("week", "weeks", "w", "woche", "wochen"), 7 * DAY_US),
    **dict.fromkeys(("month", "months", "monat", "monate", "monaten"), 30 * DAY_US),
}
_COUNTS = (
    "one a an ein eine einer eine", "two couple zwei", "three few drei", "four vier", "five fünf", "six sechs",
    "seven sieben", "eight acht", "nine neun", "ten zehn", "eleven elf", "twelve zwölf",
)  # fmt: skip
COUNTS = {word: n for n, some in enumerate(_COUNTS, 1) for word in some.split()}
_DAYS = (
    "monday mon montag", "tuesday tue tues dienstag", "wednesday wed mittwoch", "thursday thu thur thurs donnerstag",
    "friday fri freitag", "saturday samstag sonnabend", "sunday sonntag",
)  # fmt: skip
WEEKDAYS = {word: n for n, some in enumerate(_DAYS) for word in some.split()}
_MONTHS = (
    "january jan januar jänner", "february feb februar", "march mar märz", "april apr", "may mai", "june jun juni",
    "july jul juli", "august aug", "september sep sept", "october oct oktober okt", "november nov",
    "december dec dezember dez",
)  # fmt: skip
MONTHS = {word: n for n, some in enumerate(_MONTHS, 1) for word in some.split()}
PART_WORDS = {
    "morning": "morning", "mornings": "morning", "morgen": "morning", "früh": "morning", "vormittag": "morning",
    "afternoon": "afternoon", "nachmittag": "afternoon", "evening": "evening", "abend": "evening", "night": "night",
    "nacht": "night", "nachts": "night", "morgens": "morning", "abends": "evening", "nachmittags": "afternoon",
}  # fmt: skip
RELATIONS = {
    "since": "since", "seit": "since", "after": "since", "nach": "since", "until": "until", "till": "until",
    "before": "until", "bis": "to", "to": "to", "and": "to", "und": "to", "-": "to", "\u2013": "to", "around": "around",
    "about": "around", "circa": "around", "ca": "around", "roughly": "around", "gegen": "around", "near": "around",
    "between": "between", "zwischen": "between", "through": "to",
}  # fmt: skip
SMALL = {
    "the",
    "of",
    "in",
    "on",
    "at",
    "this",
    "der",
    "den",
    "dem",
    "die",
    "am",
    "im",
    "um",
    "o'clock",
    "a",
    "uhr",
    "s",
}
LAST = {"last", "past", "previous", "letzte", "letzten", "letzter", "letztes", "vergangene", "vergangenen", "vorige"}
THIS = {"this", "diese", "dieser", "diesem", "dieses", "current"}
NOWS = {"now", "currently", "gerade", "jetzt", "momentan", "derzeit", "moment"}
TOS = {word for word, kind in RELATIONS.items() if kind == "to"}
OPEN_HOUR, HOURS, MINUTES = 12, 24, 60
LONGEST_DAYS = 3_660
NIGHTLY = 6
EVENING = 18


@dataclass(frozen=True)
class Clock:
    """A minute of the day; `open`: it may be before or after noon."""

    minute: int
    open: bool = False


@dataclass(frozen=True)
class Atom:
    """Some tokens that say one thing about a time: those from `first` to before `last`."""

    kind: str  # day, part, clock, span, now, or a relation
    first: int
    last: int
    day: date | None = None
    part: str = ""
    clock: Clock | None = None
    span: tuple[int, int] | None = None
    pad_us: int = 0


def atoms_of(texts: Sequence[str], today: date, now_us: int, zone: tzinfo) -> list[Atom]:
    """What the words say about time, in order. Raises ValueError for a day that no calendar has."""
    reader, out, at = _Reader(texts, today, now_us, zone), list[Atom](), 0
    while at < len(texts):
        found = next((one for rule in reader.rules if (one := rule(at)) is not None), None)
        if found is not None:
            out.append(found)
        at = found.last if found is not None else at + 1
    return _related(out, texts)


def _related(atoms: Sequence[Atom], texts: Sequence[str]) -> list[Atom]:
    """Only relations that have a time beside them, small words passed over; these then touch it."""
    out: list[Atom] = []
    for place, one in enumerate(atoms):
        if one.kind not in AMONG:
            out.append(one)
            continue
        after = atoms[place + 1] if place + 1 < len(atoms) else None
        if after is None or not set(texts[one.last : after.first]) <= SMALL:
            continue
        before = out[-1] if out else None
        touching = before is not None and before.kind not in AMONG and before.last == one.first
        if one.kind != "to" or touching:
            out.append(Atom(one.kind, one.first, after.first))
    return out


class _Reader:
    """The rules; each gives what stands at a token, or None."""

    def __init__(self, texts: Sequence[str], today: date, now_us: int, zone: tzinfo) -> None:
        self.texts, self.today, self.now_us, self.zone = texts, today, now_us, zone
        self.rules: tuple[Callable[[int], Atom | None], ...] = (
            self.ago, self.stretch, self.night, self.named_day, self.weekday, self.dated, self.spoken_clock,
            self.clock, self.part, self.present, self.relation,
        )  # fmt: skip

    def word(self, at: int) -> str:
        """The token at a place; empty beyond the end."""
        return self.texts[at] if 0 <= at < len(self.texts) else ""

    def counted(self, at: int) -> tuple[int, int] | None:
        """A number and how many tokens say it."""
        word = self.word(at)
        if word.isascii() and word.isdecimal() and len(word) <= 5:  # noqa: PLR2004 - longer is no count
            return int(word), 1
        if word in COUNTS:
            more = 1 + (self.word(at + 1) in {"couple", "few"})
            more += self.word(at + more) == "of"
            return COUNTS[self.word(at + 1)] if self.word(at + 1) in {"couple", "few"} else COUNTS[word], more
        return None

    def measured(self, at: int) -> tuple[int, int] | None:
        """A length in microseconds and how many tokens say it: two hours, 30m."""
        word = self.word(at)
        digits = len(word) - len(word.lstrip("0123456789"))
        if 0 < digits <= 5 and word[digits:] in UNITS:  # noqa: PLR2004
            return int(word[:digits]) * UNITS[word[digits:]], 1
        found = self.counted(at)
        unit = UNITS.get(self.word(at + found[1])) if found else None
        return None if found is None or unit is None else (found[0] * unit, found[1] + 1)

    def ago(self, at: int) -> Atom | None:
        """Two hours ago, vor zwei Stunden: around then; three days ago: that day."""
        german = self.word(at) == "vor"
        found = self.measured(at + german)
        if found is None or not (german or self.word(at + found[1]) == "ago"):
            return None
        length, last = found[0], at + found[1] + 1
        if length > LONGEST_DAYS * DAY_US:
            return None
        if length >= DAY_US:
            return Atom("day", at, last, day=self.today - timedelta(days=length // DAY_US))
        then, pad = self.now_us - length, (30 if length >= HOUR_US else 10) * MINUTE_US
        return Atom("span", at, last, span=(then - pad, then + pad), pad_us=pad)

    def stretch(self, at: int) -> Atom | None:
        """The last two hours, the past week, this week, last weekend."""
        word, following = self.word(at), self.word(at + 1)
        if word in LAST and (found := self.measured(at + 1)) is not None and found[0] <= LONGEST_DAYS * DAY_US:
            return Atom("span", at, at + 1 + found[1], span=(self.now_us - found[0], self.now_us))
        if following in {"weekend", "wochenende"} and word in LAST | THIS:
            return self._days(at, 2, self._weekend(over=word in LAST), 2)
        if word in {"weekend", "wochenende"}:
            return self._days(at, 1, self._weekend(over=False), 2)
        within = self.word(at - 1) == "the" or word in {"past", "vergangenen"}
        if word in LAST and following in UNITS:
            unit = UNITS[following]
            if unit < DAY_US or within or unit == DAY_US:
                return Atom("span", at, at + 2, span=(self.now_us - unit, self.now_us))
        monday = self.today - timedelta(days=self.today.weekday())
        first = self.today.replace(day=1)
        before = (first - timedelta(days=1)).replace(day=1)
        return (
            {
                (True, "week"): lambda: self._days(at, 2, monday - timedelta(days=7), 7),
                (False, "week"): lambda: self._days(at, 2, monday, 7),
                (True, "month"): lambda: self._days(at, 2, before, (first - before).days),
                (False, "month"): lambda: self._days(at, 2, first, 31),
            }.get((word in LAST, {"woche": "week", "monat": "month"}.get(following, following)), lambda: None)()
            if word in LAST | THIS
            else None
        )

    def _weekend(self, *, over: bool) -> date:
        saturday = self.today - timedelta(days=(self.today.weekday() - 5) % 7)
        return saturday - timedelta(days=7) if over and self.today.weekday() >= 5 else saturday  # noqa: PLR2004

    def _days(self, at: int, tokens: int, first: date, days: int) -> Atom:
        edges = (datetime.combine(one, time(), self.zone) for one in (first, first + timedelta(days=days)))
        since, until = (round(one.timestamp()) * 1_000_000 for one in edges)
        return Atom("span", at, at + tokens, span=(since, until))

    def night(self, at: int) -> Atom | None:
        """Last night, tonight, overnight, heute nacht."""
        word, following = self.word(at), self.word(at + 1)
        yesterday = self.today - timedelta(days=1)
        hour = datetime.fromtimestamp(self.now_us / 1e6, self.zone).hour
        if word in LAST and following in {"night", "nacht"}:
            return Atom("part", at, at + 2, day=yesterday, part="night")
        if (word, following) == ("heute", "nacht"):
            return Atom("part", at, at + 2, day=yesterday if hour < EVENING else self.today, part="night")
        if word in {"overnight", "over"} and (word == "overnight" or following == "night"):
            return Atom("part", at, at + 1 + (word == "over"), day=yesterday, part="night")
        if word == "tonight":
            early = hour < NIGHTLY
            return Atom(
                "part", at, at + 1, day=yesterday if early else self.today, part="night" if early else "evening"
            )
        if word in LAST | THIS and following in PART_WORDS:
            part = PART_WORDS[following]
            past = word in LAST and part != "morning"
            return Atom("part", at, at + 2, day=yesterday if past else self.today, part=part)
        return None

    def named_day(self, at: int) -> Atom | None:
        """today, yesterday, the day before yesterday."""
        if self.texts[at : at + 3] == ["day", "before", "yesterday"]:
            return Atom("day", at, at + 3, day=self.today - timedelta(days=2))
        back = {"today": 0, "heute": 0, "yesterday": 1, "gestern": 1, "vorgestern": 2}.get(self.word(at))
        return None if back is None else Atom("day", at, at + 1, day=self.today - timedelta(days=back))

    def weekday(self, at: int) -> Atom | None:
        """Tuesday: the latest one, today among them; last Tuesday: before today."""
        last = self.word(at) in LAST
        word = self.word(at + last)
        short = {"sat": 5, "sun": 6}.get(word) if self.word(at - 1) in {"on", "since", "until", "last"} else None
        number = WEEKDAYS.get(word.removesuffix("s") if word.endswith("days") else word, short)
        if number is None:
            return None
        back = (self.today.weekday() - number) % 7
        back += 7 if last and back == 0 else 0
        return Atom("day", at, at + 1 + last, day=self.today - timedelta(days=back))

    def dated(self, at: int) -> Atom | None:
        """2026-01-20, 20.01.2026, 20.1., Jan 20, 20 January 2026, the 20th."""
        word = self.word(at)
        if len(word) == 10 and word[4:5] == "-" == word[7:8] and word.replace("-", "").isdecimal():  # noqa: PLR2004
            return Atom("day", at, at + 1, day=date.fromisoformat(word))
        if word.count(".") == 2 and word.replace(".", "").isdecimal():  # noqa: PLR2004
            said = word.split(".")
            return Atom("day", at, at + 1, day=self._year(int(said[1]), int(said[0]), said[2]))
        for name, number, tokens in ((at, at + 1, 2), (at + 1, at, 2), (at + 2, at, 3)):
            between = tokens == 2 or self.word(at + 1) == "of"  # noqa: PLR2004
            day, month = _ordinal(self.word(number)), MONTHS.get(self.word(name))
            if between and day is not None and month is not None:
                year = self.word(at + tokens)
                told = year if len(year) == 4 and year.isdecimal() else ""  # noqa: PLR2004
                return Atom("day", at, at + tokens + bool(told), day=self._year(month, day[0], told))
        found = _ordinal(word)
        if found is None or not found[1] or self.word(at - 1) not in {"the", "on", "since", "until"}:
            return None
        first = self.today.replace(day=1)
        month_of = first if found[0] <= self.today.day else (first - timedelta(days=1)).replace(day=1)
        return Atom("day", at, at + 1, day=month_of.replace(day=found[0]))

    def _year(self, month: int, day: int, year: str) -> date:
        """Of the year that is said, else the latest that there was."""
        if year:
            return date(int(year), month, day)
        this = date(self.today.year, month, day)
        return this if this <= self.today else date(self.today.year - 1, month, day)

    def spoken_clock(self, at: int) -> Atom | None:
        """noon, midnight, half past two, quarter to nine, halb drei."""
        word = self.word(at)
        if word in {"noon", "midday", "mittag", "mittags", "midnight", "mitternacht"}:
            return Atom("clock", at, at + 1, clock=Clock(0 if word in {"midnight", "mitternacht"} else 12 * 60))
        if word == "halb" and (found := self.counted(at + 1)) is not None:
            return Atom("clock", at, at + 2, clock=Clock(found[0] * 60 - 30, open=True))
        away = {("half", "past"): 30, ("quarter", "past"): 15, ("quarter", "to"): -15}.get((word, self.word(at + 1)))
        found = self.counted(at + 2) if away is not None else None
        if found is None or away is None or not 0 < found[0] <= OPEN_HOUR:
            return None
        last, half = self._half(at + 2 + found[1])
        hour = found[0] % OPEN_HOUR + 12 * (half == "pm")
        return Atom("clock", at, last, clock=Clock(hour * 60 + away, open=not half))

    def clock(self, at: int) -> Atom | None:
        """14:00, 3 am, 9pm, 3 o'clock, 14 Uhr; a bare hour behind `at` or `around`."""
        word = self.word(at)
        hours, _colon, minutes = word.partition(":")
        if minutes and hours.isdecimal():
            minute = int(minutes.partition(":")[0])
            last, half = self._half(at + 1)
            open_hour = not half and len(hours) == 1 and int(hours) <= OPEN_HOUR
            return self._clock(at, last, int(hours), minute, half, open_hour=open_hour)
        digits = word[: len(word) - len(word.lstrip("0123456789"))]
        if word[len(digits) :] in {"am", "pm"} and 0 < len(digits) <= 2:  # noqa: PLR2004
            return self._clock(at, at + 1, int(digits), 0, word[len(digits) :], open_hour=False)
        found = self.counted(at) if word not in {"a", "an", "few", "couple", "ein", "eine", "one"} else None
        if found is None or found[0] > HOURS:
            return None
        last, half = self._half(at + found[1])
        clocked = (
            half or self.word(at + found[1]) in {"uhr", "o'clock"} or self.texts[at + 1 : at + 3] == ["o", "clock"]
        )
        led = self.word(at - 1) in {"at", "around", "um", "gegen", "about"}
        ranged = self._before_clock(at) or self._bare(at) or self._bare(at - 2)
        if not (clocked or led or ranged) or (led and self.word(at + 1) in UNITS):
            return None
        if not half and self.word(at + 1) == "uhr":
            last = at + 2
        german = self.word(at + 1) == "uhr"
        return self._clock(at, last, found[0], 0, half, open_hour=not half and not german)

    def _before_clock(self, at: int) -> bool:
        """Between 2 and 4 pm, zwischen 14 und 15 Uhr: the first hour says less."""
        if self.word(at + 1) not in TOS:
            return False
        word = self.word(at + 2)
        return word.endswith(("am", "pm")) or self.word(at + 3) in {"am", "pm", "uhr"}

    def _bare(self, at: int) -> bool:
        """From 2 to 3 this morning: hours alone, where what follows is a time."""
        led = self.word(at - 1) in {"from", "between", "von", "zwischen"} and self.word(at + 1) in TOS
        counted = self.counted(at) is not None and self.counted(at + 2) is not None
        return (
            led and counted and self.word(at + 3) in {"", "this", "in", "on", "yesterday", "today", "gestern", "heute"}
        )

    def _clock(self, at: int, last: int, hour: int, minute: int, half: str, *, open_hour: bool) -> Atom | None:
        if half and not 0 < hour <= OPEN_HOUR:
            return None
        hour = hour % OPEN_HOUR + 12 * (half == "pm") if half else hour
        if hour > HOURS or minute >= MINUTES:
            return None
        return Atom("clock", at, last, clock=Clock(hour % HOURS * 60 + minute, open=open_hour and hour <= OPEN_HOUR))

    def _half(self, at: int) -> tuple[int, str]:
        """Am or pm, if it stands there, and where it ends."""
        return (at + 1, self.word(at)) if self.word(at) in {"am", "pm"} else (at, "")

    def part(self, at: int) -> Atom | None:
        """morning, evening, night; of the day that is said beside it."""
        part = PART_WORDS.get(self.word(at))
        known = self.word(at - 1) in {"gestern", "heute", "vorgestern", "am"} or self.word(at) != "morgen"
        greeting = self.word(at - 1) in {"good", "guten", "gute"}
        return Atom("part", at, at + 1, part=part) if part and known and not greeting else None

    def present(self, at: int) -> Atom | None:
        """Right now, at the moment."""
        return Atom("now", at, at + 1) if self.word(at) in NOWS else None

    def relation(self, at: int) -> Atom | None:
        """since, until, between, around."""
        kind = RELATIONS.get(self.word(at))
        return Atom(kind, at, at + 1) if kind else None


def _ordinal(word: str) -> tuple[int, bool] | None:
    """A day of a month, and whether it is written as one: 20th, 1st, 20."""
    digits = word[: len(word) - len(word.lstrip("0123456789"))]
    tail = word[len(digits) :]
    if not 0 < len(digits) <= 2 or tail not in {"", "st", "nd", "rd", "th"}:  # noqa: PLR2004
        return None
    return (int(digits), bool(tail)) if 1 <= int(digits) <= 31 else None  # noqa: PLR2004
