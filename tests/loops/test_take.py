"""Who gets a loop that nobody ever ran, when several ask in the same moment."""

from __future__ import annotations

import contextlib

import pytest
from sqlalchemy import select

from devmesh.loops import loops
from devmesh.loops.lease import take


class Overtaken:
    """A store in which somebody else takes the loop between our look and our write, once."""

    def __init__(self, db, clock, rival):
        self.read, self._db, self._clock, self._rival = db.read, db, clock, rival

    @contextlib.contextmanager
    def write(self):
        """One write, after the rival's."""
        rival, self._rival = self._rival, None
        if rival is not None:
            assert take(self._db, self._clock, "forget-keys", rival).owner == rival
        with self._db.write() as connection:
            yield connection


@pytest.mark.parametrize(("rival", "term"), [("theirs", None), ("ours", 1)])
def test_two_that_take_a_new_loop_at_once_do_not_fail(mesh, clock, rival, term):
    """Of two processes one gets it and the other none; two threads of one process share it. Nobody gets an error."""
    lease = take(Overtaken(mesh.db, clock, rival), clock, "forget-keys", "ours")
    assert (lease and lease.term) == term
    with mesh.db.read() as connection:
        assert [(row.owner, row.term) for row in connection.execute(select(loops))] == [(rival, 1)]
    if lease is not None:
        with lease.write():
            pass
