"""What comes by plan, and did not, in words."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from devmesh.detectors.model import Finding, Habit

LINE_CHARS = 120
HOUR_MIN, DAY_MIN, WEEK_MIN = 60, 24 * 60, 7 * 24 * 60
IN_HOURS_MIN = 2 * HOUR_MIN  # how a period is told


def head_of(text: str) -> str:
    """The head of a family's text, as a habit quotes it."""
    return text if len(text) <= LINE_CHARS else f"{text[:LINE_CHARS]}…"


def told_in(one: Finding, zone: tzinfo) -> str:
    """A finding's text, with its times by the clock of a zone."""
    return one.text if one.habit is None else words_of(one.habit, zone)


def words_of(habit: Habit, zone: tzinfo = UTC) -> str:
    """`Finished borg` normally comes at 03:10 ±6 min (41 of 42 days); not seen by 03:40 UTC."""
    said = f"`{habit.line}` normally comes"
    at, often = datetime.fromtimestamp(habit.at * 60, zone), f"({habit.seen} of {habit.expected}"
    if habit.period % DAY_MIN:
        last = datetime.fromtimestamp((habit.at - habit.period) * 60, zone)
        every = f"every {_span(habit.period)} ±{habit.spread} min"
        return f"{said} {every} {often} times); not seen since {last:%H:%M} {last:%Z}"
    days = habit.period // DAY_MIN
    noun, every = {1: ("days", ""), 7: ("weeks", f"on {at:%A}s ")}.get(days, ("times", f"every {days} days "))
    by = datetime.fromtimestamp(habit.due * 60, zone)
    return f"{said} {every}at {at:%H:%M} ±{habit.spread} min {often} {noun}); not seen by {by:%H:%M} {by:%Z}"


def _span(minutes: int) -> str:
    if minutes == HOUR_MIN:
        return "hour"
    return f"{minutes / HOUR_MIN:.3g} hours" if minutes >= IN_HOURS_MIN else f"{minutes} minutes"
