"""The state file: whatever happens to a save, the one before it is still there (F02, F03)."""

from __future__ import annotations

import errno
import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devmesh.ship.piece import Lost
from devmesh.ship.state import StateFile
from devmesh.ship.track import Track


def test_what_was_saved_is_loaded(tmp_path):
    """The newest of two slots, over many saves and a restart."""
    state = StateFile(str(tmp_path))
    assert state.load() is None
    for number in range(5):
        state.save({"number": number})
        assert StateFile(str(tmp_path)).load() == {"number": number}
    again = StateFile(str(tmp_path))
    again.load()
    again.save({"number": 5})
    assert StateFile(str(tmp_path)).load() == {"number": 5}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["state.0", "state.1"]


def test_a_tear_at_every_byte_leaves_the_save_before(tmp_path):
    """The newest slot cut anywhere, or ending in old bytes: the other one is loaded, and the next save succeeds."""
    state = StateFile(str(tmp_path))
    state.save({"streams": {"a": 1}, "padding": "x" * 50})
    state.save({"streams": {"a": 2}, "padding": "y" * 50})
    newest = tmp_path / "state.1"
    if b'"a":2' not in newest.read_bytes():
        newest = tmp_path / "state.0"
    whole = newest.read_bytes()
    for cut in range(len(whole)):
        newest.write_bytes(whole[:cut])
        assert StateFile(str(tmp_path)).load()["streams"] == {"a": 1}
        newest.write_bytes(whole[:cut] + b"\x55" * (len(whole) - cut))
        assert StateFile(str(tmp_path)).load()["streams"] == {"a": 1}
    survivor = StateFile(str(tmp_path))
    survivor.load()
    survivor.save({"streams": {"a": 3}})
    assert StateFile(str(tmp_path)).load()["streams"] == {"a": 3}


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.binary(max_size=300), st.binary(max_size=300))
def test_garbage_is_no_state(tmp_path_factory, one, other):
    """Any bytes in both slots: nothing is loaded, nothing is raised, and a save works."""
    directory = tmp_path_factory.mktemp("garbage")
    (directory / "state.0").write_bytes(one)
    (directory / "state.1").write_bytes(other)
    state = StateFile(str(directory))
    assert state.load() is None
    state.save({"fine": True})
    assert StateFile(str(directory)).load() == {"fine": True}


@pytest.mark.parametrize("failure", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("after_bytes", [0, 10, 40])
def test_a_full_or_failing_disk_costs_only_that_save(tmp_path, monkeypatch, failure, after_bytes):
    """The write fails half-way: OSError, the save before is loaded, and the next one goes through."""
    state = StateFile(str(tmp_path))
    state.save({"n": 1})
    state.save({"n": 2})
    real, left = os.write, [after_bytes]

    def failing(fd: int, data: bytes) -> int:
        if left[0] <= 0:
            raise OSError(failure, "injected")
        written = real(fd, data[: left[0]])
        left[0] -= written
        return written

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", failing)
        with pytest.raises(OSError, match="injected"):
            state.save({"n": 3})
    assert StateFile(str(tmp_path)).load() == {"n": 2}
    state.save({"n": 4})
    assert StateFile(str(tmp_path)).load() == {"n": 4}


def test_a_track_survives_the_state_file():
    """Everything of a track comes back through JSON."""
    track = Track("abc", "file")
    track.epoch, track.floor, track.high, track.base = 3, 1, 99, "/var/log/x"
    track.acknowledged(1, 10, "aa")
    track.acknowledged(20, 30, "bb")
    track.gaps = [Lost(11, 19, True, "vacuumed")]
    back = Track.restored("abc", json.loads(json.dumps(track.document())))
    assert vars(back) == vars(track)


@pytest.mark.parametrize("harm", ["gone", "garbage"])
def test_without_its_state_the_agent_asks_the_server(fake, ship_once, tmp_path, harm):
    """State deleted or scribbled over: the server's coverage is enough, nothing is sent twice (F03)."""
    log = tmp_path / "app.log"
    log.write_text("".join(f"2026-11-20T10:00:00Z line {n} with some words\n" for n in range(20)))
    ship_once(files=(str(log),))
    sent = len(fake.requests)
    for slot in (tmp_path / "state").glob("state.*"):
        if harm == "gone":
            slot.unlink()
        else:
            slot.write_bytes(b"scribble" * 20)
    assert ship_once(files=(str(log),)) == 0
    assert len(fake.requests) == sent
    assert len(fake.messages()) == 20
