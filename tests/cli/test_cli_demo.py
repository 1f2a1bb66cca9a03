"""`devmesh demo`: nothing of the machine reaches it, nothing stays of it, and what breaks is found and told."""

from __future__ import annotations

import logging
import re
import signal
import subprocess
import sys
from datetime import UTC

import pytest
from cli_house import NOW_US, environment
from hypothesis import given
from hypothesis import strategies as st

from devmesh.cli.demo import alone
from devmesh.cli.demo_fleet import MINUTE_US, SECOND_US, Play, begins_us
from devmesh.cli.demo_show import CONSOLE, Show, compared
from devmesh.cli.words import program
from devmesh.clock import FakeClock
from devmesh.notifications.console import Console
from devmesh.notifications.model import Notice
from devmesh.simulate import Truth

CAUSE, WITNESS = ("mariadb", "db"), ("docs-api", "apps")
TRUTH = Truth(
    "database-outage", CAUSE, NOW_US, NOW_US + 90 * SECOND_US, NOW_US + SECOND_US, (CAUSE, WITNESS), harmless=False
)  # fmt: skip


def row(number: int, *suspects: tuple[str, str], services=("mariadb", "docs-api"), nodes=("db", "apps")) -> dict:
    """An incident as HTTP lists it."""
    blamed = [{"service": one, "node": node, "score": 3.0, "reasons": ["unit failed"]} for one, node in suspects]
    return {
        "id": number, "title": "mariadb on db: unit failed", "services": list(services), "nodes": list(nodes),
        "suspects": blamed, "inconclusive": not suspects,
    }  # fmt: skip


def test_no_setting_of_the_machine_reaches_it(tmp_path, monkeypatch):
    """Neither a channel of devmesh.toml, nor a store, an address or a gateway of the environment or .env."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "devmesh.toml").write_text(
        'retention_days = 3\n[channels.team]\nkind = "ntfy"\nurl = "https://ntfy.sh/x"\n'
    )
    (tmp_path / ".env").write_text("DEVMESH_HOST=0.0.0.0\nDEVMESH_QUIET_HOURS=00:00-23:59\n")
    monkeypatch.setenv("DEVMESH_DATABASE_URL", "mysql+pymysql://root@db/devmesh")
    monkeypatch.setenv("DEVMESH_DATA_DIR", str(tmp_path / "real"))
    monkeypatch.setenv("GATEWAY_URL", "http://gateway")
    settings = alone(tmp_path / "demo", 0)
    assert {name: one.kind for name, one in settings.channels.items()} == {"terminal": "console"}
    assert settings.store_url == f"sqlite:///{tmp_path}/demo/devmesh.db"
    assert (settings.host, settings.gateway_url, settings.quiet_hours) == ("127.0.0.1", "", "")
    assert settings.retention_days == 90
    assert settings.public_url == f"http://127.0.0.1:{settings.port}"
    assert settings.port > 0


@pytest.mark.parametrize(
    ("on_path", "argv", "typed"),
    [
        (True, "/x/.venv/bin/devmesh", "devmesh"),
        (False, ".venv/bin/devmesh", ".venv/bin/devmesh"),
        (False, "/x/src/devmesh/__main__.py", f"{sys.executable} -m devmesh"),
    ],
)
def test_what_is_to_be_typed_can_be_typed(monkeypatch, on_path, argv, typed):
    """After `make demo` in a fresh clone there is no `devmesh` on the path."""
    monkeypatch.setattr("shutil.which", lambda _name: "/usr/bin/devmesh" if on_path else None)
    monkeypatch.setattr("sys.argv", [argv])
    assert program() == typed


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("demo", "--keep", "DATA"), 6, "There is a store in"),
        (("--data-dir", "DATA", "demo"), 2, "The demo has a store of its own."),
        (("demo", "--fault", "meteor"), 2, "There is no fault 'meteor'."),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_written(options, code, words, cli):
    """With what to do; the store that is there stays as it is."""
    store = cli.data_dir / "devmesh.db"
    before = store.stat().st_mtime_ns
    said = cli(*(str(cli.data_dir) if one == "DATA" else one for one in options), code=code).stderr
    assert words in said
    assert "hint: " in said
    assert store.stat().st_mtime_ns == before


@pytest.mark.parametrize("after", ["A demo:", "The fleet lives"])
def test_ctrl_c_ends_it_and_nothing_is_left(after, tmp_path):
    """While its past goes in, and while it lives: 0, no word of trouble, no folder, nothing in the machine's store."""
    (tmp_path / "tmp").mkdir()
    env = environment(tmp_path / "real", TMPDIR=str(tmp_path / "tmp"))
    days = "7" if after == "A demo:" else "0.01"
    process = subprocess.Popen(
        [sys.executable, "-m", "devmesh", "demo", "--days", days],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=env,
    )  # fmt: skip
    try:
        assert any(after in line for line in process.stdout)
        assert list((tmp_path / "tmp").iterdir())
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, errors) == (0, "")
    assert ("It ends before anything broke." in rest) == (days == "0.01")
    assert not list((tmp_path / "tmp").iterdir())
    assert not (tmp_path / "real").exists()


@given(st.integers(0, 4_000_000_000_000_000))
def test_it_breaks_soon_and_well_before_a_full_minute(now_us):
    """5 to 35 s from now, at least 30 s before detectors look: so it can be told within two minutes."""
    at_us = begins_us(now_us)
    assert 5 * SECOND_US <= at_us - now_us <= 35 * SECOND_US
    assert at_us % MINUTE_US <= 30 * SECOND_US


@pytest.fixture
def show(tmp_path) -> Show:
    """A show whose fault has begun."""
    clock = FakeClock(NOW_US)
    show = Show(Play("database-outage", 1, 900, clock), alone(tmp_path, 0), spoil=False, for_s=None)
    show._truth = TRUTH
    clock.advance(30)
    return show


def told(show: Show, number: int) -> None:
    """Let the channel write of an incident, as it does."""
    logger = logging.getLogger(CONSOLE)
    logger.addHandler(show.heard)
    try:
        notice = Notice(number, 1, "warning", "open", "mariadb on db: unit failed", NOW_US, lines=("It is down.",))
        Console(UTC, "").send(notice, None)
    finally:
        logger.removeHandler(show.heard)


def test_it_was_a_success_once_the_fault_was_told(show, capsys):
    """Found alone is not enough, nor that somebody was told of something else."""
    assert "Nothing was found of the fault." in show.verdict()
    show._see([row(1, ("smbd", "nas"), services=["smbd"], nodes=["nas"])])
    told(show, 1)
    assert "1 other incident was found" in show.verdict()
    show._see([row(2, WITNESS)])
    assert show.verdict() == "The fault was found, and nobody was told of it."
    told(show, 2)
    assert show.verdict() == ""
    assert "told" not in capsys.readouterr().out
    show._pass_on(2)
    said = r"^\d\d:\d\d:\d\d  told       Warning: mariadb on db: unit failed\n    It is down\.$"
    assert re.search(said, capsys.readouterr().out, re.MULTILINE)


def test_what_ends_before_it_breaks_was_no_success(show):
    """And not for want of finding it."""
    show._play.clock.advance(-31)
    assert show.verdict() == "It ended before anything broke: give --for more seconds."


def test_each_step_is_said_once_and_a_change_of_mind_too(show, capsys):
    """Detected, explained, and who is suspected then."""
    for suspects in ((), [WITNESS], [WITNESS], [CAUSE, WITNESS]):
        show._see([row(1, *suspects)])
    steps = [line.split("  ", 1)[1] for line in capsys.readouterr().out.splitlines()]
    assert steps == [
        "detected   incident 1: mariadb on db: unit failed",
        "explained  incident 1: inconclusive",
        "explained  incident 1: first suspect docs-api on apps (unit failed)",
        "explained  incident 1: first suspect mariadb on db (unit failed)",
    ]


@pytest.mark.parametrize(
    ("own", "heard", "words"),
    [
        ([], {}, "found nothing of it"),
        (
            [row(3, CAUSE)],
            {3: NOW_US + 41 * SECOND_US},
            "incident 3, told after 40 s; first suspect mariadb on db: right",
        ),
        ([row(3, CAUSE, WITNESS)], {}, "incident 3, not told; first suspect mariadb on db: right"),
        ([row(3, WITNESS, CAUSE)], {}, "first suspect docs-api on apps: wrong, the cause is suspect 2"),
        ([row(3, WITNESS)], {}, "first suspect docs-api on apps: wrong, the cause is no suspect"),
        ([row(3)], {}, "incident 3, not told; no suspect"),
    ],
)
def test_the_truth_is_said_beside_it(own, heard, words):
    """Also where DevMesh was wrong."""
    truth, made = compared(TRUTH, own, heard, NOW_US + 60 * SECOND_US, UTC)
    assert truth == "The truth  database-outage: mariadb on db, in the log from 14:00:01 on"
    assert words in made


def test_the_truth_of_what_has_not_begun_is_not_said():
    """Whoever ends it at once is spared the riddle's answer."""
    assert compared(TRUTH, [], {}, NOW_US - 1, UTC) == ["It ends before anything broke."]


@pytest.mark.soak
def test_a_cascade_is_found_explained_and_told_within_two_minutes(tmp_path):
    """The whole of it, as it is typed: every step is said, the true cause is suspected, nothing is left."""
    (tmp_path / "tmp").mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "devmesh", "demo", "--days", "3", "--for", "120"],
        capture_output=True, text=True, cwd=tmp_path, timeout=300, check=False,
        env=environment(tmp_path / "real", TMPDIR=str(tmp_path / "tmp")),
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    at = [done.stdout.index(word) for word in ("begins to break", "detected ", "explained ", "  told ")]
    assert at == sorted(at)
    assert re.search(r"told after \d+ s; first suspect postgresql on db: right", done.stdout)
    assert not list((tmp_path / "tmp").iterdir())
