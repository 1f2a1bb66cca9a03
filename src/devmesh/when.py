"""Times as people write them: `2h`, `30m ago`, `yesterday 14:00`, `today`, `14:30`, ISO 8601, microseconds.

Pure: the present and the viewer's zone are passed in.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, time, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from devmesh.errors import InvalidInput

UNITS_S = {
    "s": 1,
    "sec": 1,
    "m": 60,
    "min": 60,
    "h": 3600,
    "hour": 3600,
    "d": 86400,
    "day": 86400,
    "w": 604800,
    "week": 604800,
}
_STEP = r"(\d{1,9})\s*(seconds?|secs?|s|minutes?|mins?|m|hours?|h|days?|d|weeks?|w)"
_RELATIVE = re.compile(rf"\s*(?:{_STEP}\s*)+(?:ago)?\s*", re.IGNORECASE)
_ONE_STEP = re.compile(_STEP, re.IGNORECASE)
_CLOCK = re.compile(r"(?:(today|yesterday)\s*)?(?:(\d{1,2}):(\d{2})(?::(\d{2}))?)?", re.IGNORECASE)
_TIME_OF_DAY = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?")
HINT = "Write 2h, 'yesterday 14:00', 2026-01-20T14:00:00Z or microseconds since the epoch."
EPOCH_US_DIGITS = 12  # from here on a bare number is microseconds since the epoch
MAX_US = 4_102_444_800_000_000 * 2


def zone_of(name: str) -> tzinfo:
    """The zone called `name`; for an empty name the machine's own (TZ, else /etc/localtime). Raises InvalidInput."""
    if not name:
        return _own_zone()
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: "Europe" is a folder of zones
        raise InvalidInput(f"There is no time zone {name!r}.", hint="Names look like Europe/Berlin.") from error


def _own_zone() -> tzinfo:
    """With its summer time, which `datetime.now().astimezone()` knows for this moment alone."""
    told = os.environ.get("TZ", "").removeprefix(":")
    try:
        if told:
            return ZoneInfo(told)
        with Path("/etc/localtime").open("rb") as file:
            return ZoneInfo.from_file(file)
    except (OSError, ValueError, ZoneInfoNotFoundError):
        return datetime.now().astimezone().tzinfo or UTC


def parse_when(text: str, now_us: int, zone: tzinfo) -> int:
    """The instant that `text` means, in microseconds; raises InvalidInput with what would be right."""
    said = text.strip()
    if said.isdecimal() and len(said) >= EPOCH_US_DIGITS:
        return _bounded(int(said), text)
    if said.lower() == "now":
        return now_us
    if _RELATIVE.fullmatch(said):
        seconds = sum(int(count) * _seconds(unit) for count, unit in _ONE_STEP.findall(said))
        return max(0, now_us - seconds * 1_000_000)
    clock = _CLOCK.fullmatch(said)
    if said and clock is not None:
        return _on_clock(clock, now_us, zone, text)
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        raise InvalidInput(f"{text!r} is no time that can be read.", hint=HINT) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return _bounded(_to_us(moment), text)


def parse_ahead(text: str, now_us: int, zone: tzinfo) -> int:
    """The same for times to come: `2h` is in two hours, a time of day that is over is tomorrow's; `2h ago`, `today
    14:00` and `yesterday` stay what they are. Raises InvalidInput.
    """
    said = text.strip()
    begins = said.lower().partition(" ")[0]
    if begins == "tomorrow":
        return _next_day(parse_when(f"today{said[len(begins) :]}", now_us, zone), zone)
    instant = parse_when(said, now_us, zone)
    if _RELATIVE.fullmatch(said) and not said.lower().endswith("ago"):
        return _bounded(2 * now_us - instant, text)
    return _next_day(instant, zone) if instant <= now_us and _TIME_OF_DAY.fullmatch(said) else instant


def _next_day(instant_us: int, zone: tzinfo) -> int:
    """The same time of day, a day later: 23 or 25 hours where the clocks are changed."""
    moment = datetime.fromtimestamp(instant_us / 1e6, zone)
    return _to_us(datetime.combine(moment.date() + timedelta(days=1), moment.time(), zone))


def _seconds(unit: str) -> int:
    short = unit.lower()
    return UNITS_S.get(short) or UNITS_S[short.rstrip("s")] if short[:3] not in {"min", "sec"} else UNITS_S[short[:3]]


def _on_clock(clock: re.Match[str], now_us: int, zone: tzinfo, text: str) -> int:
    day = datetime.fromtimestamp(now_us / 1e6, zone).date()
    if (clock[1] or "").lower() == "yesterday":
        day -= timedelta(days=1)
    try:
        at = time(int(clock[2] or 0), int(clock[3] or 0), int(clock[4] or 0))
    except ValueError:
        raise InvalidInput(f"{text!r} is no time of day.", hint=HINT) from None
    return _to_us(datetime.combine(day, at, zone))


def _to_us(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _bounded(instant_us: int, text: str) -> int:
    if not 0 <= instant_us <= MAX_US:
        raise InvalidInput(f"{text!r} lies outside of the years 1970 to 2229.", hint=HINT)
    return instant_us


def length(seconds: int) -> str:
    """A span in one or two units: 40 s, 12 min, 3 h 5 min."""
    if seconds < UNITS_S["min"]:
        return f"{max(0, seconds)} s"
    hours, rest = divmod(seconds, UNITS_S["hour"])
    minutes = f"{rest // UNITS_S['min']} min"
    return f"{hours} h {minutes}" if hours else minutes
