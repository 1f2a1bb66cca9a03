"""What every format of history yields: one event of a file with where it lies and which journal entry it was."""

from __future__ import annotations

from typing import Any, NamedTuple


class Cursor(NamedTuple):
    """Which entry of which journal: the parts s=, i= and x= of `__CURSOR`, as the agent uses them."""

    seqnum_id: str
    seq: int
    x: str


class Past(NamedTuple):
    """One entry of a file. The bytes first_byte..end_byte (exclusive) of the decompressed file are covered by it.

    `event` is an object as a line of POST /ingest has it, without `seq`; None where the bytes hold no event, and then
    `fault` says why, without any text of theirs. `cursor` is None where the file does not say it.
    """

    first_byte: int
    end_byte: int
    cursor: Cursor | None
    event: dict[str, Any] | None
    fault: str = ""
