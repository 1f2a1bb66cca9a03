"""Times to come as people write them: until when, from when on."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from devmesh.errors import InvalidInput
from devmesh.when import parse_ahead

BERLIN = ZoneInfo("Europe/Berlin")


def us(said: str) -> int:
    """An instant in Berlin."""
    return round(datetime.fromisoformat(said).replace(tzinfo=BERLIN).timestamp()) * 1_000_000


NOW = us("2026-10-24T23:30")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2h", NOW + 7_200_000_000), ("1d 6h", NOW + 108_000_000_000), ("30m ago", NOW - 1_800_000_000), ("now", NOW),
        ("23:45", us("2026-10-24T23:45")), ("06:00", us("2026-10-25T06:00")), ("today 06:00", us("2026-10-24T06:00")),
        ("tomorrow 06:00", us("2026-10-25T06:00")), ("Tomorrow", us("2026-10-25T00:00")),
        ("2026-11-01T02:00", us("2026-11-01T02:00")), ("1795346963216450", 1795346963216450),
    ],
)  # fmt: skip
def test_a_time_that_is_said_alone_lies_ahead(said, meant):
    """A duration is one from now on, a time of day the next one, also in the night in which the clocks are changed."""
    assert parse_ahead(said, NOW, BERLIN) == meant


@pytest.mark.parametrize("said", ["", "tomorrows", "tomorrow never", "25:00", "soon"])
def test_what_is_no_time_is_refused(said):
    """As everywhere."""
    with pytest.raises(InvalidInput):
        parse_ahead(said, NOW, BERLIN)
