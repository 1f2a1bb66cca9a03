"""Against a real journald: rotation under load, its death and restart, vacuum (F04, F09, F11).

It runs alone in a private mount namespace, so this needs root and unshare; without them the tests are skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
RIG = Path(__file__).with_name("journald_rig.py")
Ask = Callable[..., Any]

pytestmark = pytest.mark.usefixtures("systemd")


@pytest.fixture
def rig() -> Iterator[Ask]:
    """A function that tells the rig what to do and gives its answer."""
    if os.geteuid() != 0 or not Path("/lib/systemd/systemd-journald").exists():
        pytest.skip("a journald of our own needs root and systemd")
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no mount namespaces here")
    process = subprocess.Popen(
        ["unshare", "--mount", "--propagation", "private", sys.executable, str(RIG)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=dict(os.environ, PYTHONPATH=str(ROOT / "src")),
    )  # fmt: skip

    def ask(*said: object) -> Any:
        if said:
            process.stdin.write(json.dumps(said) + "\n")
            process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            pytest.fail(process.stderr.read())
        return json.loads(answer)

    ask()
    try:
        yield ask
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()
        process.stderr.close()


def options(url: str, tmp_path: Path) -> list[str]:
    """The agent's, for the rig's journal."""
    where = ["--journal-dir", "/var/log/journal", "--state-dir", str(tmp_path / "state")]
    return ["--to", url, "--node", "n1", *where]


def agent(rig: Ask, url: str, tmp_path: Path) -> None:
    """One run of the agent over the rig's journal."""
    assert rig("agent", *options(url, tmp_path), "--once") == 0


def stored(fake) -> list[tuple[str, int, str]]:
    """(seqnum id, seqnum, message) of the rig's entries on the server."""
    return sorted(
        (name.split(";")[0], seq, event["message"])
        for name, kept in fake.streams.items()
        for seq, event in kept.events.items()
        if event["fields"].get("SYSLOG_IDENTIFIER") == "rig"
    )


def test_rotation_death_and_restart_lose_and_repeat_nothing(fake, url, rig, tmp_path):
    """Files rotate every few hundred entries, journald is killed with -9 twice: the server has what the journal has."""
    for _round in range(2):
        rig("send", 1_200)
        agent(rig, url, tmp_path)
        rig("kill")
        rig("send", 500)
        rig("rotate")
        rig("send", 300)
        agent(rig, url, tmp_path)
    agent(rig, url, tmp_path)
    journal = sorted((seqnum_id, seq, message) for seqnum_id, seq, message in rig("journal"))
    assert len(journal) > 3_500
    assert stored(fake) == journal
    assert fake.gaps() == []


def test_following_a_journal_that_rotates_all_the_time(fake, url, rig, tmp_path):
    """The agent reads while journald writes thousands a second and rotates several times a second (F09)."""
    arrived = threading.Event()
    fake.always = lambda exchange: (exchange.answer(200, exchange.commit()), arrived.set())
    rig("send", 500)
    rig("follow", *options(url, tmp_path))
    for _part in range(4):
        for _rotation in range(4):
            rig("send", 700)
            rig("rotate")
        arrived.clear()
        assert arrived.wait(30), "the agent sends nothing"
    assert rig("unfollow") == 0
    agent(rig, url, tmp_path)
    assert stored(fake) == sorted((seqnum_id, seq, message) for seqnum_id, seq, message in rig("journal"))
    assert len(stored(fake)) == 500 + 4 * 4 * 700
    assert fake.gaps() == []


def test_what_vacuum_took_is_counted_to_the_entry(fake, url, rig, tmp_path):
    """Entries written and vacuumed while the agent was off: written - stored = the gap (F04)."""
    rig("send", 300)
    agent(rig, url, tmp_path)
    before = len(stored(fake))
    rig("send", 3_000)
    rig("rotate")
    rig("send", 50)
    rig("vacuum")
    agent(rig, url, tmp_path)
    after = stored(fake)
    left = rig("journal")
    assert len(left) < 3_000
    (gap,) = fake.gaps()
    assert gap["reason"] == "vacuumed"
    (kept,) = fake.streams.values()
    assert len(kept.coverage) == 1
    lost = gap["to"] - gap["from"] + 1
    assert gap["exact"]
    assert lost == kept.coverage[0][1] - len(kept.events)
    assert 0 <= lost - (300 + 3_000 + 50 - len(after)) <= 20  # journald's own lines were among what is gone
    assert before == 300
