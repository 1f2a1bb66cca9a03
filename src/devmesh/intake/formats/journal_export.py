"""History in journald's export format (`journalctl -o export`), by the reader that the agent has.

One parser and one way from entry to event for both, so that what is imported equals what the agent would have sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from devmesh.intake.formats.history import Cursor, Past
from devmesh.ship.export import read_entries
from devmesh.ship.wire import journal_event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from devmesh.ship.export import Entry


def read_journal_export(stream: BinaryIO, host: str) -> Iterator[Past]:
    """The entries of an export stream in its order, in bounded memory; never raises on bytes.

    `host` is the node's name: a `_HOSTNAME` that is equal to it is left out. Entries that break off are faults.
    """
    for entry in read_entries(stream):
        if entry.whole:
            yield past_of(entry, host)
        else:
            yield Past(entry.first_byte, entry.end_byte, cursor_of(entry), None, "the entry is damaged or breaks off")


def past_of(entry: Entry, host: str) -> Past:
    """A whole entry as history."""
    event = journal_event(entry, host)
    del event["seq"]
    return Past(entry.first_byte, entry.end_byte, cursor_of(entry), event)


def cursor_of(entry: Entry) -> Cursor | None:
    """Which entry of which journal it was, if it says so."""
    return Cursor(entry.seqnum_id, entry.seq, entry.x) if entry.seqnum_id else None
