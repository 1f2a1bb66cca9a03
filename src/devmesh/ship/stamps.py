"""Times as text logs write them, to microseconds since the epoch, UTC.

Rules where a log leaves something out. No zone: the given zone, by default this machine's. No year: the latest year in
which the time is not more than a day after the file was last written (so December read in January is last year's), or,
with a given first year, that one, and the next after each step from a late month to an early one. Of an hour that the
end of summer time repeats, the first is meant.
"""

from __future__ import annotations

import datetime as dt
import re
import time
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

HEAD_CHARS = 48  # a stamp further to the right is part of the text
DAY_US = 86_400_000_000
_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES, 1)}
HALF_A_YEAR = 6
DECEMBER = 12
FIRST_FULL_YEAR = 100
MOST_HOURS = 10_000
_MONTH = r"(?P<mon>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_TIME = r"(?P<h>\d\d?):(?P<m>\d\d):(?P<s>\d\d)(?:[.,](?P<f>\d{1,9}))?"
_ZONE = r"(?:\s?(?P<z>Z|UTC|GMT|[+-]\d\d:?\d\d|(?<=\d)[+-]\d\d)(?![\w:]))?"
_NOT_BEFORE = r"(?<![\w.:/-])"

# Most telling first; each is searched in the head of a line.
_FORMATS = [
    r"(?P<Y>\d{4})-(?P<M>\d\d)-(?P<D>\d\d)(?:[T_]|\s{1,2})" + _TIME + _ZONE,
    r"(?P<Y>\d{4})/(?P<M>\d\d)/(?P<D>\d\d)(?:[ T]| - )" + _TIME + _ZONE,
    r"(?P<D>\d\d)/" + _MONTH + r"/(?P<Y>\d{4})[: ]" + _TIME + _ZONE,
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? " + _MONTH + r" {1,2}(?P<D>\d\d?) " + _TIME + r" (?P<Y>\d{4})",
    r"(?P<D>\d\d?)[- ]" + _MONTH + r"[- ](?P<Y>\d{4}),? " + _TIME + _ZONE,
    _MONTH + r" {1,2}(?P<D>\d\d?),? (?P<Y>\d{4}) " + _TIME + r"(?: (?P<p>[AP]M))?",
    _MONTH + r" {1,2}(?P<D>\d\d?) " + _TIME,
    r"(?P<D>\d\d)\.(?P<M>\d\d)\.(?P<Y>\d{4})[ T]" + _TIME,
    r"(?P<M>\d\d?)/(?P<D>\d\d?)/(?P<Y>\d{4})(?:,? |[:-])" + _TIME + r"(?: (?P<p>[AP]M))?" + _ZONE,
    r"(?P<M>\d\d?)/(?P<D>\d\d?)/(?P<Y>\d\d), " + _TIME + r"(?: (?P<p>[AP]M))?",
    r"(?P<Y>\d\d)/(?P<M>\d\d)/(?P<D>\d\d) " + _TIME,
    r"^(?P<Y>\d\d)(?P<M>\d\d)(?P<D>\d\d) (?P<h>\d\d)(?P<m>\d\d)(?P<s>\d\d)(?= )",
    r"audit\((?P<e>1\d{9})\.(?P<f>\d{3}):",
    r"^\[?(?P<e>1\d{9})(?:\.(?P<f>\d{1,9}))?(?=[\] ])",
]
_ANY = [re.compile(pattern if pattern.startswith("^") else _NOT_BEFORE + pattern) for pattern in _FORMATS]


class Stamp(NamedTuple):
    """A time and where in the line it stands."""

    ts_us: int
    start: int
    end: int


class Stamps:
    """Reads the times of one file's lines, in their order."""

    def __init__(self, reference_us: int, zone: Optional[dt.tzinfo] = None, first_year: Optional[int] = None) -> None:
        """`reference_us`: when the file was last written."""
        self._reference_us, self._zone, self._year = reference_us, zone, first_year
        self._last_month = 0
        self._hours: Dict[Tuple[int, int, int, int], int] = {}
        self._order: List[int] = list(range(len(_ANY)))

    def find(self, line: str) -> Optional[Stamp]:
        """The time in the head of a line; the format that fitted last is tried first where it cannot hide a better
        one.
        """
        head = line[: HEAD_CHARS * 2]
        for place, index in enumerate(self._order):
            match = _ANY[index].search(head)
            if match is None or match.start() > HEAD_CHARS:
                continue
            ts_us = self._instant(match.groupdict())
            if ts_us is not None:
                if place:
                    self._order.insert(0, self._order.pop(place))
                return Stamp(ts_us, match.start(), match.end())
        return None

    def parse(self, text: str) -> Optional[int]:
        """The time that `text` is."""
        stamp = self.find(text)
        return None if stamp is None else stamp.ts_us

    def _instant(self, part: Dict[str, Optional[str]]) -> Optional[int]:
        fraction_us = int(((part.get("f") or "") + "000000")[:6])
        if part.get("e"):
            return int(part["e"] or 0) * 1_000_000 + fraction_us
        named = (part.get("mon") or "").lower()
        month = _MONTHS[named] if named else int(part.get("M") or 0)
        day, hour = int(part.get("D") or 0), int(part.get("h") or 0)
        if part.get("p"):
            hour = hour % 12 + (12 if part["p"] == "PM" else 0)
        rest_us = (int(part.get("m") or 0) * 60 + int(part.get("s") or 0)) * 1_000_000 + fraction_us
        if not named and month > DECEMBER >= day:
            month, day = day, month  # 22/11/2026
        zone = part.get("z")

        def in_year(year: int) -> Optional[int]:
            hour_s = self._hour(year, month, day, hour) if zone is None else _utc_hour(year, month, day, hour, zone)
            return None if hour_s is None else hour_s * 1_000_000 + rest_us

        if part.get("Y"):
            year = int(part["Y"] or 0)
            return in_year(year if year >= FIRST_FULL_YEAR else 2000 + year)
        return self._in_some_year(month, in_year)

    def _in_some_year(self, month: int, in_year: Callable[[int], Optional[int]]) -> Optional[int]:
        if self._year is not None:
            if self._last_month - month > HALF_A_YEAR:
                self._year += 1
            early = 1 if self._last_month and month - self._last_month > HALF_A_YEAR else 0
            if not early:
                self._last_month = month
            return in_year(self._year - early)
        newest = time.gmtime(self._reference_us / 1e6 + 86_400).tm_year
        for year in range(newest, newest - 9, -1):  # nine: 29 February
            ts_us = in_year(year)
            if ts_us is not None and ts_us <= self._reference_us + DAY_US:
                return ts_us
        return None

    def _hour(self, year: int, month: int, day: int, hour: int) -> Optional[int]:
        """Seconds of the beginning of an hour in the log's zone."""
        key = (year, month, day, hour)
        if key not in self._hours:
            try:
                local = dt.datetime(year, month, day, hour, tzinfo=self._zone)
                seconds = int(local.timestamp())
            except (ValueError, OverflowError, OSError):
                return None
            if len(self._hours) > MOST_HOURS:
                self._hours.clear()
            self._hours[key] = seconds
        return self._hours[key]


def _utc_hour(year: int, month: int, day: int, hour: int, zone: str) -> Optional[int]:
    digits = zone.replace(":", "")
    offset_s = 0
    if digits[0] in "+-":
        offset_s = (int(digits[1:3]) * 3600 + int(digits[3:5] or 0) * 60) * (-1 if digits[0] == "-" else 1)
    try:
        return int(dt.datetime(year, month, day, hour, tzinfo=dt.timezone.utc).timestamp()) - offset_s
    except (ValueError, OverflowError):
        return None
