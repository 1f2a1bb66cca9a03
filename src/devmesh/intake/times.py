"""The time rule: the event's own time where it can be true, else the time of arrival with the claim kept.

Time never rejects an event. A time more than a day ahead of arrival, before 2000, or unreadable becomes the time of
arrival; what the sender said is kept as a claim, and the claim is the flag.
"""

from __future__ import annotations

from typing import Final

import polars as pl

DAY_US: Final = 86_400_000_000
YEAR_2000_US: Final = 946_684_800_000_000


def event_times(ts_us: pl.Series, ts: pl.Series, received_us: int) -> tuple[pl.Series, dict[int, int | str]]:
    """Event times (Int64, no nulls) of n events, and the claims of those whose time was not taken, by row.

    `ts_us` (Int64) wins over `ts` (String: ISO 8601; one without a zone is read as UTC); where both are null the
    time of arrival is the time.
    """
    told = ts_us
    if ts.null_count() < len(ts):
        told = pl.select(pl.coalesce(ts_us, _from_iso(ts))).to_series()
    true = (told >= YEAR_2000_US) & (told <= received_us + DAY_US)
    if true.all(ignore_nulls=False):
        return told.alias("ts_us"), {}
    times = told.zip_with(true, pl.Series([received_us], dtype=pl.Int64).new_from_index(0, len(told)))
    untrue = (~true.fill_null(value=False)).arg_true()
    said = zip(untrue.to_list(), ts_us[untrue].to_list(), ts[untrue].to_list(), strict=True)
    claims = {
        row: text[:64] if number is None else number for row, number, text in said if (number, text) != (None, None)
    }
    return times.alias("ts_us"), claims


def _from_iso(ts: pl.Series) -> pl.Expr:
    text = pl.lit(ts).str.strip_chars().str.replace(",", ".", literal=True)
    zoned = [text, pl.concat_str(text, pl.lit("Z"))]
    parsed = [t.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False).dt.epoch("us") for t in zoned]
    return pl.coalesce(*parsed)
