"""Names, clones, heartbeats and keys: what the room knows of who speaks."""

from __future__ import annotations

import threading

import pytest

from bodies import line, rows, take
from devmesh.errors import NodeClone
from devmesh.nodes import Claim, Gap, Heartbeat, StreamKey

MINUTE_S = 60


def test_names_get_one_number_each(mesh, make_mesh):
    """The same name has the same number for ever, in every process, also when many ask at once."""
    names = [f"n{number % 50}" for number in range(200)]
    found, threads = [], []
    for _each in range(4):
        thread = threading.Thread(target=lambda: found.append(mesh.nodes.node_names.ids(names)))
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join(30)
    assert len(found) == 4
    assert all(one == found[0] for one in found)
    assert len(set(found[0].values())) == 50
    assert rows(mesh, "SELECT COUNT(*) FROM nodes") == [(50,)]


def test_names_differ_by_case_and_space(mesh):
    """'ssh', 'SSH' and 'ssh ' are three names."""
    assert len(set(mesh.nodes.service_names.ids(["ssh", "SSH", "ssh "]).values())) == 3


def test_thousands_of_names_at_once(mesh):
    """More names than one statement takes are made and found."""
    names = [f"s{number}" for number in range(3_000)]
    ids = mesh.nodes.service_names.ids(names)
    assert mesh.nodes.service_names.names(ids.values()) == {number: name for name, number in ids.items()}


def test_two_machines_as_one_node_are_a_clone(mesh, clock):
    """A second machine id within ten minutes is refused; after silence it is a reinstall and is taken (F17)."""
    node_id = mesh.nodes.node_names.ids(["n1"])["n1"]
    mesh.nodes.check_machine(node_id, "m1")
    clock.advance(8 * MINUTE_S)
    with pytest.raises(NodeClone):
        mesh.nodes.check_machine(node_id, "m2")
    mesh.nodes.check_machine(node_id, "m1")
    clock.advance(9 * MINUTE_S)
    with pytest.raises(NodeClone):
        mesh.nodes.check_machine(node_id, "m2")
    clock.advance(2 * MINUTE_S)
    mesh.nodes.check_machine(node_id, "m2")
    with pytest.raises(NodeClone):
        mesh.nodes.check_machine(node_id, "m1")


def test_a_heartbeat_of_a_clone_is_refused(mesh):
    """Heartbeats count as speaking, too."""
    mesh.nodes.heartbeat("n1", Heartbeat("a", machine_id="m1"))
    with pytest.raises(NodeClone):
        mesh.nodes.heartbeat("n1", Heartbeat("a", machine_id="m2"))


def test_a_node_falls_silent(mesh, clock):
    """running, then late after 90 s, then silent after 5 minutes; a heartbeat brings it back."""
    mesh.nodes.heartbeat("n1", Heartbeat("agent 1", backlog_events=3, clock_us=clock.now_us() + 5_000_000))
    seen = []
    for wait_s in (0, 91, 240):
        clock.advance(wait_s)
        seen.append(mesh.nodes.list().rows[0].state)
    mesh.nodes.heartbeat("n1", Heartbeat("agent 1"))
    assert [*seen, mesh.nodes.list().rows[0].state] == ["running", "late", "silent", "running"]


def test_clock_skew_is_told(mesh, clock):
    """A node's clock is compared with the server's."""
    mesh.nodes.heartbeat("n1", Heartbeat("a", clock_us=clock.now_us() - 3_600_000_000))
    (node,) = mesh.nodes.list().rows
    assert (node.skew_us, node.skew_error_us) == (-3_600_000_000, None)


def test_the_agents_own_estimate_of_its_skew_goes_first(mesh, clock):
    """It knows how long its request took; the way of the heartbeat itself is in the server's difference (F19)."""
    late = clock.now_us() - 20_000_000
    mesh.nodes.heartbeat("n1", Heartbeat("a", clock_us=late, skew_us=300_000_000, skew_error_us=4_000))
    (node,) = mesh.nodes.list().rows
    assert (node.skew_us, node.skew_error_us) == (300_000_000, 4_000)


def test_keys_are_forgotten_after_a_day(mesh, clock):
    """An Idempotency-Key holds for a day at least, and does not stay for ever."""
    node_id = mesh.nodes.node_names.ids(["n1"])["n1"]

    def first_time():
        with mesh.db.write() as connection:
            return mesh.nodes.remember_key(connection, node_id, "k")

    assert [first_time(), first_time()] == [True, False]
    clock.advance(86_000)
    assert mesh.runner.once("forget-keys") == 0
    assert first_time() is False
    clock.advance(500)
    assert mesh.runner.once("forget-keys") == 1
    assert first_time() is True


def test_a_forked_stretch_is_told_once_and_is_no_loss(mesh):
    """What may have been stored twice after a fork stands in the gaps, though it is covered and nothing is lost."""
    key, node_id = StreamKey("s", 0), mesh.nodes.node_names.ids(["n1"])["n1"]
    with mesh.db.write() as connection:
        mesh.nodes.claim(connection, node_id, Claim(key, ((1, 100),)))
    beat = Heartbeat("agent", gaps=(Gap(key, 40, 100, exact=False, reason="forked"),))
    for _each in range(2):
        mesh.nodes.heartbeat("n1", beat)
    assert rows(mesh, "SELECT first_seq, last_seq, reason FROM gaps") == [(40, 100, "forked")]
    assert mesh.nodes.list().rows[0].lost_entries == 0


def test_services_beyond_the_bound_share_one_name(make_mesh):
    """However many names a hostile sender invents, the table stays bounded and no line is lost."""
    mesh = make_mesh(max_services=20)
    known = mesh.nodes.service_names.ids(["sshd"])
    for start in range(0, 90, 30):
        body = b"".join(line("hello", service=f"svc-{number}") for number in range(start, start + 30))
        assert take(mesh, body + line("hello", service="sshd")).stored == 31
    assert rows(mesh, "SELECT COUNT(*) FROM services") == [(21,)]
    assert mesh.nodes.service_names.ids(["sshd"]) == known
    ids = mesh.nodes.service_names.ids(["svc-88", "svc-89"])
    assert set(ids.values()) == set(mesh.nodes.service_names.ids(["<overflow>"]).values())
    assert rows(mesh, "SELECT COUNT(*) FROM log_events") == [(93,)]
