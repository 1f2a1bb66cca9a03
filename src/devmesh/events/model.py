"""The shape of events on their way in: `EVENT_BATCH`, the schema of every frame between intake and store.

A request body becomes one `EventBatch`, a polars frame with exactly these columns in this order; every later step is an
operation on whole columns.

    ts_us        event time, microseconds since the epoch, UTC; never null
    received_us  the server's time of arrival; never null
    node         who sent it; never null
    service      by the service rule, at most 128 characters; never null
    priority     effective syslog priority 0..7 (0 emerg, 3 err, 4 warning, 6 info); never null
    pid          null if unknown
    stream_id    the stream that the batch belongs to; null if the client declares none
    seq          position in the stream; null likewise
    message      text, valid UTF-8, may hold NUL; cut to the limit at the end of the way in
    fields       the remaining structured fields as one compact JSON object; null if there are none. Our own names:
                 `_raw` {field: base64} for bytes that are not UTF-8, `_cut` {field: original bytes} for what was cut
                 (MESSAGE is the message), `_dropped` how many fields were not kept, `_claimed_ts` and
                 `_claimed_priority` what the sender said where the columns say something else.
"""

from __future__ import annotations

from typing import Final

import polars as pl

EVENT_BATCH: Final[dict[str, type[pl.DataType]]] = {
    "ts_us": pl.Int64,
    "received_us": pl.Int64,
    "node": pl.String,
    "service": pl.String,
    "priority": pl.Int8,
    "pid": pl.Int64,
    "stream_id": pl.Int64,
    "seq": pl.Int64,
    "message": pl.String,
    "fields": pl.String,
}
