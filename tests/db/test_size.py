"""How large the data is, whatever room its log keeps."""

from __future__ import annotations

from sqlalchemy import text

from bodies import line, take
from devmesh.house import stats


def test_the_log_of_a_store_is_no_event(mesh):
    """Many writes of one row make the log longer and no event larger."""
    take(mesh, b"".join(line(f"word {number}") for number in range(50)))
    before = stats(mesh)["bytes_per_event"]
    again = text("UPDATE nodes SET created_us = created_us + 1")
    for _ in range(300):
        mesh.db.transact(lambda connection: connection.execute(again))
    assert 0 < stats(mesh)["bytes_per_event"] <= before * 1.05
