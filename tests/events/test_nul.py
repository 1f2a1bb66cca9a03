"""NUL inside of messages: found by every word behind it, whenever it was said, and paid for only where it is."""

from __future__ import annotations

import pytest

from bodies import NOW_US, line, rows, take
from devmesh.events import nul
from devmesh.events.filters import Filter, says

MINUTE_US = 60_000_000


@pytest.mark.parametrize("when", [0, -60 * MINUTE_US, 60 * MINUTE_US], ids=["alone", "earlier", "later"])
def test_words_behind_nul_are_found(mesh, when):
    """Whatever came before or after, in whichever commit, no message hides its end behind NUL."""
    take(mesh, line("head\0tail one", ts_us=NOW_US))
    take(mesh, line("head\0tail two", ts_us=NOW_US + when))
    take(mesh, line("plain tail", ts_us=NOW_US - 90 * MINUTE_US))
    for asked in (Filter(contains="TAIL"), Filter(contains="tail", since_us=NOW_US - 91 * MINUTE_US)):
        assert len(mesh.events.query(asked).events) == mesh.events.count(asked) == 3
    lately = Filter(contains="tail", since_us=NOW_US - 61 * MINUTE_US)
    assert len(mesh.events.query(lately).events) == mesh.events.count(lately) == 2


def test_the_span_holds_every_such_message(mesh):
    """One row, from the first to the last of them; none while there is none."""
    take(mesh, line("plain"))
    assert rows(mesh, "SELECT * FROM nul_span") == []
    take(mesh, line("a\0", ts_us=NOW_US) + line("plain", ts_us=NOW_US + 9) + line("\0b", ts_us=NOW_US + 5))
    take(mesh, line("c\0c", ts_us=NOW_US - 7))
    with mesh.db.read() as connection:
        assert nul.span(connection) == (NOW_US - 7, NOW_US + 5)


def test_where_there_is_none_only_like_is_asked():
    """The cheap condition is the whole condition."""
    assert "length" in str(says("word", nul=True))
    assert "length" not in str(says("word", nul=False))
