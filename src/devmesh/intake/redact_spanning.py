"""Private keys that programs log line by line: one key over several entries of the same sender.

The rules see one entry at a time and know a key by its first line; the lines after it are plain base64. So after a
first line without its end, what looks like a key's line from the same (node, service, pid) is replaced until the end
comes or `KEY_LINES` entries of that sender went by. State is bounded: `SENDERS` open keys, the oldest forgotten first.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

KEY_LINES: Final = 200  # a 16,384-bit RSA key has 195
SENDERS: Final = 1000

# Disjoint neighbours, so linear: a line of base64, its short last one, or a header of RFC 1421.
_KEY_LINE: Final = re.compile(
    r"\s*(?:[A-Za-z0-9+/]{16,}={0,2}|[A-Za-z0-9+/]+={1,2}|(?:Proc-Type|DEK-Info|Comment|Version): .*)\s*"
)
_begin: Final = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")
_end: Final = re.compile(r"-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")


class OpenKeys:
    """The senders that are in the middle of a key. Not for several threads at once."""

    def __init__(self) -> None:
        self._lines_left: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._lines_left)

    def redact(self, batch: pl.DataFrame, hinted: list[int], mark: Callable[[str], str]) -> tuple[pl.DataFrame, int]:
        """The `EventBatch` with the middle lines of keys replaced by `mark(text)`, and how many were.

        Rows are taken in their order; only the rows `hinted` can begin a key. Call it before the rules: they take the
        first lines away.
        """
        begins = [row for row, message in zip(hinted, batch["message"][hinted], strict=True) if _begin.search(message)]
        if not self._lines_left and not begins:
            return batch, 0
        senders = batch.select(pl.format("{}\0{}\0{}", "node", "service", pl.col("pid").fill_null(0))).to_series()
        involved = {*self._lines_left, *senders[begins]}
        rows = senders.is_in(list(involved)).arg_true()
        messages = batch["message"][rows].to_list()
        masked = [self._one(*pair, mark) for pair in zip(senders[rows].to_list(), messages, strict=True)]
        count = sum(new is not old for new, old in zip(masked, messages, strict=True))
        texts = pl.Series("message", masked, dtype=pl.String)
        return batch.with_columns(batch["message"].scatter(rows, texts)), count

    def _one(self, sender: str, message: str, mark: Callable[[str], str]) -> str:
        """One entry of a sender that has or had an open key."""
        left = self._lines_left.pop(sender, 0)
        begin = None
        for begin in _begin.finditer(message):  # noqa: B007 - the last one counts
            pass
        if begin is not None:
            if not _end.search(message, begin.end()):
                self._open(sender, KEY_LINES)
            return message
        if not left or _end.search(message):
            return message
        self._open(sender, left - 1)
        return mark(message) if _KEY_LINE.fullmatch(message) else message

    def _open(self, sender: str, lines_left: int) -> None:
        if lines_left:
            self._lines_left[sender] = lines_left
        if len(self._lines_left) > SENDERS:
            del self._lines_left[next(iter(self._lines_left))]
