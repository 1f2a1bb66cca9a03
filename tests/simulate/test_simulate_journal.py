"""What is written is what journald and the store take: entries for journal-remote, few templates."""

from __future__ import annotations

import shutil
import subprocess

import msgspec
import pytest
from simulated_days import HOUR_US, MONDAY_US, simulation, text_of

from devmesh.clock import FakeClock
from devmesh.mesh import open_mesh
from devmesh.settings import load_settings
from devmesh.simulate import Simulation, Wish, default_inventory

REMOTE = "/lib/systemd/systemd-journal-remote"
NOW_US = MONDAY_US + 40 * HOUR_US
WISHES = [Wish(kind, MONDAY_US + 2 * HOUR_US) for kind in ("oom-loop", "clock-jump", "reboot")]


@pytest.mark.skipif(not shutil.which(REMOTE) or not shutil.which("journalctl"), reason="needs systemd-journal-remote")
def test_journal_remote_takes_every_entry(tmp_path):
    """The real tool reads the export, and journalctl gives back each message with its fields, in order."""
    made = simulation(*WISHES, days=0.25)
    journal = made.journal()
    text = "".join(entry for some in made for entry in journal.export(some))
    file = tmp_path / "all.journal"
    done = subprocess.run(
        [REMOTE, "-o", str(file), "-"], input=text.encode(), capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    told = subprocess.run(
        ["journalctl", "--file", str(file), "-o", "json", "--all", "--no-pager"],
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout
    got = [msgspec.json.decode(line) for line in told.splitlines()]
    expected = [msgspec.json.decode(line) for line in text_of(simulation(*WISHES, days=0.25)).splitlines()]
    assert len(got) == len(expected)

    assert sorted(map(_said, got)) == sorted(map(_said, expected))


def _said(entry: dict) -> tuple[str, ...]:
    """What both forms say of an entry."""
    fields = entry.get("fields", entry)
    node, message = entry.get("node") or entry["_HOSTNAME"], entry.get("message") or entry["MESSAGE"]
    at = entry.get("ts_us") or entry["__REALTIME_TIMESTAMP"]
    return (node, fields["_BOOT_ID"], fields["PRIORITY"], fields.get("_PID", ""), message, str(at))


def test_a_day_is_few_templates(tmp_path):
    """Programs have few statements: also with some faults in it a day of the whole fleet stays below 600."""
    wishes = [Wish(kind, MONDAY_US + 4 * HOUR_US) for kind in ("database-outage", "crash-loop", "reboot")]
    made = Simulation(default_inventory(), 1, MONDAY_US, MONDAY_US + 24 * HOUR_US, wishes)
    mesh = open_mesh(load_settings(data_dir=tmp_path), clock=FakeClock(NOW_US))
    mesh.intake.start()
    try:
        counted = templates_of(mesh, made)
    finally:
        mesh.intake.stop()
        mesh.close()
    assert counted < 600


def templates_of(mesh, made) -> int:
    """The templates of a store that all of this went into."""
    from devmesh.cli.history.stores import LocalStore
    from devmesh.cli.simulated import send

    told = send(made, made.journal(), LocalStore(mesh))
    assert (told.stored, told.repeated, told.rejected) == (told.events, 0, 0)
    while mesh.runner.once("template-totals"):
        pass
    return mesh.templates.counts()[0]
