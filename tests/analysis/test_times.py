"""Times as people write them: which window is meant, also when clocks are changed, and never an error."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devmesh.analysis import moments
from devmesh.analysis.times import window_in
from devmesh.analysis.words import read

BERLIN = ZoneInfo("Europe/Berlin")
NOW = "2026-01-23T10:00"  # a Friday


def us(local: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> int:
    """An instant by a wall clock."""
    return int(datetime.fromisoformat(local).replace(tzinfo=zone, fold=fold).timestamp()) * 1_000_000


def meant(question: str, now: str = NOW) -> tuple[int | None, int | None] | None:
    """The window that a question means."""
    found = window_in(read(question).tokens, us(now), BERLIN)
    return None if found is None else (found.since_us, found.until_us)


@pytest.mark.parametrize(
    ("said", "since", "until"),
    [
        ("yesterday evening", "2026-01-22T18:00", "2026-01-23T00:00"),
        ("since Jan 20", "2026-01-20T00:00", NOW),
        ("since the 20th of January", "2026-01-20T00:00", NOW),
        ("last night", "2026-01-22T22:00", "2026-01-23T06:00"),
        ("last night at 2", "2026-01-23T01:45", "2026-01-23T02:15"),
        ("last night at 11 pm", "2026-01-22T22:45", "2026-01-22T23:15"),
        ("around 3 am", "2026-01-23T02:30", "2026-01-23T03:30"),
        ("around 11 am", "2026-01-22T10:30", "2026-01-22T11:30"),
        ("at 3 in the morning", "2026-01-23T02:45", "2026-01-23T03:15"),
        ("at 5 yesterday afternoon", "2026-01-22T16:45", "2026-01-22T17:15"),
        ("this morning", "2026-01-23T06:00", NOW),
        ("in the last two hours", "2026-01-23T08:00", NOW),
        ("over the past 90 minutes", "2026-01-23T08:30", NOW),
        ("last 15m", "2026-01-23T09:45", NOW),
        ("in the last couple of days", "2026-01-21T10:00", NOW),
        ("in the last week", "2026-01-16T10:00", NOW),
        ("last week", "2026-01-12T00:00", "2026-01-19T00:00"),
        ("this week", "2026-01-19T00:00", NOW),
        ("since last week", "2026-01-12T00:00", NOW),
        ("last month", "2025-12-01T00:00", "2026-01-01T00:00"),
        ("between 14:00 and 15:30 on Tuesday", "2026-01-20T14:00", "2026-01-20T15:30"),
        ("on Tuesday between 2 and 4 pm", "2026-01-20T14:00", "2026-01-20T16:00"),
        ("from 22:00 to 02:00", "2026-01-22T22:00", "2026-01-23T02:00"),
        ("from Monday to Wednesday", "2026-01-19T00:00", "2026-01-22T00:00"),
        ("on 2026-01-20", "2026-01-20T00:00", "2026-01-21T00:00"),
        ("on 20.01.2026", "2026-01-20T00:00", "2026-01-21T00:00"),
        ("on December 24", "2025-12-24T00:00", "2025-12-25T00:00"),
        ("last weekend", "2026-01-17T00:00", "2026-01-19T00:00"),
        ("last Friday", "2026-01-16T00:00", "2026-01-17T00:00"),
        ("on Friday", "2026-01-23T00:00", NOW),
        ("the day before yesterday", "2026-01-21T00:00", "2026-01-22T00:00"),
        ("three days ago", "2026-01-20T00:00", "2026-01-21T00:00"),
        ("two hours ago", "2026-01-23T07:30", "2026-01-23T08:30"),
        ("half past two this morning", "2026-01-23T02:15", "2026-01-23T02:45"),
        ("at noon yesterday", "2026-01-22T11:45", "2026-01-22T12:15"),
        ("since 8am", "2026-01-23T08:00", NOW),
        ("since yesterday until 3 am today", "2026-01-22T00:00", "2026-01-23T03:00"),
        ("gestern abend", "2026-01-22T18:00", "2026-01-23T00:00"),
        ("heute nacht", "2026-01-22T22:00", "2026-01-23T06:00"),
        ("seit dem 20. januar", "2026-01-20T00:00", NOW),
        ("in den letzten zwei stunden", "2026-01-23T08:00", NOW),
        ("vor drei stunden", "2026-01-23T06:30", "2026-01-23T07:30"),
        ("zwischen 14 und 15 uhr am dienstag", "2026-01-20T14:00", "2026-01-20T15:00"),
        ("gegen 3 uhr", "2026-01-23T02:30", "2026-01-23T03:30"),
        ("letzte woche", "2026-01-12T00:00", "2026-01-19T00:00"),
    ],
)  # fmt: skip
def test_what_people_write(said, since, until):
    """Each means this window on that Friday."""
    assert meant(f"what failed on db {said}?") == (us(since), us(until))


@pytest.mark.parametrize("said", ["", "tomorrow", "on 2026-02-30", "on 2027-01-01", "top 5 errors of 12", "incident 3"])
def test_what_says_no_time_that_was(said):
    """No time, no day of any calendar, only times to come: nobody said when."""
    assert meant(f"what failed {said}") is None


@pytest.mark.parametrize(
    ("now", "said", "hours"),
    [
        ("2026-03-29T12:00", "today", 11),  # the hour from 2 to 3 did not come
        ("2026-03-30T12:00", "yesterday", 23),
        ("2026-10-26T12:00", "yesterday", 25),
        ("2026-10-25T12:00", "last night", 9),
        ("2026-10-25T12:00", "in the last 12 hours", 12),
        ("2026-10-25T12:00", "at 02:30", 1.5),  # it came twice
        ("2026-03-29T12:00", "at 02:30", 1.5),  # it never came
        ("2026-03-29T12:00", "between 01:00 and 04:00", 2),
    ],
)
def test_days_on_which_the_clocks_are_changed(now, said, hours):
    """A window is as long as it really was."""
    since, until = meant(f"errors {said}", now)
    assert (until - since) / 3.6e9 == hours


TIMELY = [
    *moments.UNITS, *moments.COUNTS, *moments.WEEKDAYS, *moments.MONTHS, *moments.PART_WORDS, *moments.RELATIONS,
    *moments.LAST, *moments.NOWS, "3", "31", "99999", "24:00", "14:30", "2026-13-45", "31.02.", "ago", "vor", "today",
    "tonight", "halb", "am", "pm", "the",
]  # fmt: skip


@given(st.lists(st.sampled_from(TIMELY), max_size=12).map(" ".join))
def test_any_order_of_such_words_is_a_window_or_none(question):
    """It begins before it ends, and ends by now."""
    found = meant(question)
    if found is not None:
        since, until = found
        assert until is not None
        assert until <= us(NOW)
        assert since is None or since < until


@given(st.text(max_size=300))
def test_any_text_is_read(question):
    """Whatever people, or programs, send."""
    meant(question)
