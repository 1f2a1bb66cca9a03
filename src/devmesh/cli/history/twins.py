"""Whether a file that begins like a known one and ends between two of its marks is that file, or another.

Marks are lines that the store knows a file by, ever further apart; what a file says behind the last one that it shares
is looked for among the stored events of the times that its lines name.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING

from devmesh.cli.history.streams import Place

if TYPE_CHECKING:
    from devmesh.cli.history.formats import Item

LOOKED_AT = 16
_REDACTED = "[REDACTED:"

SaidAt = Callable[[int], Collection[str]]


def unverified(place: Place) -> bool:
    """Whether the store has more of the stream than its marks vouch for."""
    return bool(place.coverage) and place.fits_to < place.coverage[-1][1]


def is_another(items: Iterable[Item], place: Place, said_at: SaidAt, cut_off: Callable[[], bool]) -> bool:
    """True where the store holds what the file says up to the last mark, and not its last whole event behind it.

    `cut_off` says once the items are read whether the file ends within a line. `said_at` gives the messages stored of
    an instant. Where it misses some of those up to the mark it can tell nothing (they expired, have no times, were
    taken with another zone), and the file counts as the known one.
    """
    vouched: deque[Item] = deque(maxlen=LOOKED_AT)
    behind: deque[Item] = deque(maxlen=2)
    for item in items:
        (vouched if item.last <= place.fits_to else behind).append(item)
        if item.last > place.coverage[-1][1]:
            behind.pop()
            break
    else:
        if cut_off() and behind:
            behind.pop()
    if not vouched or not behind or behind[-1].ts_us is None or is_held(behind[-1], said_at):
        return False
    return all(is_held(item, said_at) for item in vouched)


def is_held(item: Item, said_at: SaidAt) -> bool:
    """Whether the store has the event, or as much of it as whoever brought it had; one that redaction changed may be
    any.
    """
    if item.ts_us is None or not item.data:
        return False
    message = str(json.loads(item.data).get("message"))
    return any(
        said.startswith(message) or message.startswith(said) or _REDACTED in said for said in said_at(item.ts_us)
    )
