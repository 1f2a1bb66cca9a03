"""A process that dies between claiming, sending and marking: the message arrives, at most twice (F54)."""

from __future__ import annotations

import os
import signal

import pytest
from far_side import always, notice

from devmesh.errors import Unavailable
from devmesh.notifications import outbox
from processes import run_forked

KEY = "0123456789abcdef"
DIE = """
from devmesh.mesh import open_mesh
from devmesh.settings import load_settings
mesh = open_mesh(load_settings(embedding_provider="off"))
mesh.runner.once("send-notifications")
"""


@pytest.mark.parametrize(("point", "arrives"), [("notification_claimed", 1), ("notification_sent", 2)])
def test_a_killed_process_repeats_at_most_once_and_loses_nothing(make_mesh, discord, step, point, arrives):
    """Whoever comes next sends what the dead one may not have sent, under the same number, and then it is over."""
    url = f"http://127.0.0.1:{discord.server_address[1]}/in"
    channels = {"hook": {"kind": "webhook", "url": url, "key": KEY, "private": True}}
    mesh = make_mesh(channels=channels)
    mesh.notifications.tell(notice())
    folder, store = mesh.settings.data_dir, mesh.settings.database_url
    mesh.close()
    env = {
        **os.environ, "DEVMESH_CRASH_AT": point, "DEVMESH_DATA_DIR": str(folder), "DEVMESH_DATABASE_URL": store,
        "DEVMESH_CHANNELS__HOOK__KIND": "webhook", "DEVMESH_CHANNELS__HOOK__URL": url,
        "DEVMESH_CHANNELS__HOOK__KEY": KEY, "DEVMESH_CHANNELS__HOOK__PRIVATE": "true",
    }  # fmt: skip
    discord.answers = [always(204)] * 3
    assert run_forked(DIE, env=env, log=folder / "died.log") == -signal.SIGKILL
    mesh = make_mesh(channels=channels)
    [row] = mesh.notifications.deliveries(9).rows
    assert (row.state, row.tries) == ("waiting", 1)
    with mesh.db.write() as connection:  # the minute in which the dead one's lease holds
        connection.exec_driver_sql("UPDATE loops SET lease_until_us = 0")
    assert [step(mesh), step(mesh)] == [1, 0]
    assert [heads["DevMesh-Delivery"] for _, _, heads, _ in discord.requests] == ["7-1"] * arrives


def test_who_lost_the_lease_sends_nothing(make_mesh, discord, step):
    """A process that slept finds out before the message leaves, not after."""
    from devmesh.loops import LeaseLost, interrupt
    from devmesh.loops.lease import take

    url = f"http://127.0.0.1:{discord.server_address[1]}/in"
    mesh = make_mesh(channels={"hook": {"kind": "webhook", "url": url, "key": KEY, "private": True}})
    mesh.notifications.tell(notice())
    lease = take(mesh.db, mesh.clock, "send-notifications", "sleeper")
    with mesh.db.write() as connection:
        interrupt(connection, "send-notifications")
    with pytest.raises(LeaseLost):
        mesh.notifications.step(1_000, lease)
    assert discord.requests == []


def test_a_store_that_goes_after_the_message_left_repeats_nothing(house, discord, step, monkeypatch):
    """Without a crash the process knows what it sent: it notes that before it sends anything else."""
    mesh = house()
    mesh.notifications.tell(notice())
    whole = outbox.mark

    def away(*_):
        raise Unavailable

    monkeypatch.setattr(outbox, "mark", away)
    for _ in range(3):
        with pytest.raises(Unavailable):
            step(mesh)
    assert mesh.notifications.deliveries(9).rows[0].state == "waiting"
    monkeypatch.setattr(outbox, "mark", whole)
    assert step(mesh) == 0
    assert mesh.notifications.deliveries(9).rows[0].state == "sent"
    assert len(discord.requests) == 1
