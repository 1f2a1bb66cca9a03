"""What was said: append, query, context, tail, counts, expiry.

Owns log_events, event_counts, day_counts, minute_counts, writers, id_blocks, followers, nul_span. In: an EventBatch
with its ids, inside the batch's transaction. Out: pages of events, counts by minute, hour and day. Promises: counts
equal what was stored, and outlive it; reads stop at their limit or after 2 s with a cursor.
"""

from devmesh.events.filters import Context, Event, Filter, Numbered, Page, check_regex, check_words, parse_event_id
from devmesh.events.followers import Position
from devmesh.events.histogram import Histogram
from devmesh.events.model import EVENT_BATCH
from devmesh.events.service import Events, Followed, Resumed

__all__ = [
    "EVENT_BATCH",
    "Context",
    "Event",
    "Events",
    "Filter",
    "Followed",
    "Histogram",
    "Numbered",
    "Page",
    "Position",
    "Resumed",
    "check_regex",
    "check_words",
    "parse_event_id",
]
