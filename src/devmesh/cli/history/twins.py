"""Whether a file that begins like a known one and ends between two of its marks is that file, or another.

Marks are lines that the store knows a file by, ever further apart; what a file says behind the last one that it shares
is compared with the stored events of the same bytes.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from devmesh.cli.history.streams import Place

if TYPE_CHECKING:
    from devmesh.cli.history.formats import Item
    from devmesh.cli.history.inputs import Window
    from devmesh.events import Numbered
    from devmesh.nodes.ranges import Range

LOOKED_AT = 16
HOUR_US = 3_600_000_000
FURTHER_BYTES = 64 * 1024
STAMP_BYTES = 10  # of a line's head tell whether it begins with a time as its neighbours do
_REDACTED = "[REDACTED:"

Said = Callable[["Range", "Range | None"], Sequence["Numbered"]]  # the stored of these numbers, of these times


def unverified(place: Place) -> bool:
    """Whether the store has more of the stream than its marks vouch for."""
    return bool(place.coverage) and place.fits_to < place.coverage[-1][1]


def is_another(items: Iterable[Item], place: Place, said: Said, window: Window) -> bool:
    """True where the store holds what the file says up to the last mark, and not its last event behind it.

    `window` is what the items are read from. Where the store misses some of those up to the mark it can tell nothing
    (they expired), and the file counts as the known one. So does one whose last line may be cut off within what the
    store has there.
    """
    vouched: deque[Item] = deque(maxlen=LOOKED_AT)
    behind: deque[Item] = deque(maxlen=2)
    ended = True
    for item in items:
        (vouched if item.last <= place.fits_to else behind).append(item)
        if item.last > place.coverage[-1][1]:
            behind.pop()
            ended = False
            break
    cut = behind.pop() if ended and window.in_line and behind else None
    if not vouched or not (behind or cut):
        return False
    for times in (_times([*vouched, *behind]), None):
        stored = _Stored([*vouched], said, times)
        if not all(stored.holds(item) for item in vouched):
            continue
        there = _Stored([vouched[-1], *behind, *([cut] if cut else [])], said, times)
        if behind and not there.holds(behind[-1]):
            return True
        if cut is None or there.has(cut) or times is None:
            return cut is not None and not there.may_hold_cut(cut, window)
    return False


def is_held(item: Item, said: Said) -> bool:
    """Whether the store has the event, or as much of it as whoever brought it had."""
    return item.ts_us is not None and _Stored([item], said, (item.ts_us, item.ts_us + 1)).holds(item)


class _Stored:
    """What the store has of the bytes of some items, and a little further."""

    def __init__(self, items: Sequence[Item], said: Said, times: Range | None) -> None:
        self._before = _told(items[-2])[0] if len(items) > 1 else -1
        self._said: dict[int, list[str]] = defaultdict(list)
        self._heads: dict[int, int] = {}
        rows = said((_told(items[0])[0], items[-1].last + FURTHER_BYTES), times)
        for one, following in pairwise([*rows, None]):
            assert one is not None  # noqa: S101
            self._said[one.seq].append(one.message)
            if following is not None and following.stream_id == one.stream_id and _REDACTED not in one.message:
                head = following.seq - one.seq - len(one.message.encode()) - 1
                self._heads[one.seq] = max(head, self._heads.get(one.seq, 0))

    def has(self, item: Item) -> bool:
        """Whether an event begins where the item does."""
        return _told(item)[0] in self._said

    def holds(self, item: Item) -> bool:
        """Whether one says what the item says."""
        seq, message = _told(item)
        return any(_alike(said, message) for said in self._said.get(seq, ()))

    def may_hold_cut(self, item: Item, window: Window) -> bool:
        """Whether the item, whose last line has no end, may be the beginning of an event here, or of its head: of the
        time and names that are no part of a message.
        """
        seq, message = _told(item)
        before = (line for said in self._said.get(self._before, ()) for line in said.split("\n")[1:])
        if self.holds(item) or any(_alike(line, message) for line in before):
            return True
        head = self._heads.get(seq, max(self._heads.values(), default=0))
        if len(window.last) > head or "\n" in message:
            return False
        neighbours = (window.first_whole, window.last_whole)
        return any(_shape(window.last) == _shape(line[: len(window.last)]) for line in neighbours)


def _times(items: Sequence[Item]) -> Range | None:
    """From the first to an hour after the last; None where one has no time."""
    times = [item.ts_us for item in items if item.ts_us is not None]
    return (min(times), max(times) + HOUR_US) if len(times) == len(items) else None


def _told(item: Item) -> tuple[int, str]:
    """(first byte, message) of an event; its bytes alone of what is none."""
    said = msgspec.json.decode(item.data) if item.data.startswith(b"{") else {}
    return said.get("seq", item.first), str(said.get("message"))


def _alike(said: str, message: str) -> bool:
    """Whether the one is the beginning of the other, up to where redaction changed the stored one."""
    known, mark, _rest = said.partition(_REDACTED)
    if not known or not message:
        return bool(mark) or said == message
    return known.startswith(message) or message.startswith(known)


def _shape(head: bytes) -> bytes:
    """Where a line's first bytes have digits, letters and others: times written alike have the same."""
    return re.sub(rb"[A-Za-z]", b"a", re.sub(rb"\d", b"0", head[:STAMP_BYTES]))
