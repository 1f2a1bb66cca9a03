"""The agent as a process: killed at every point, ended by SIGTERM, bounded in memory, in one file."""

from __future__ import annotations

import ast
import fcntl
import os
import random
import re
import signal
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from ship_journals import entry, lines, need_journals, write_journal
from ship_server import Exchange

from devmesh.ship import AGENT_VERSION

ROOT = Path(__file__).resolve().parents[2]
POINTS = [
    "before_post",
    "after_post:1",
    "after_post:3",
    "before_state:2",
    "mid_state:1",
    "mid_state:3",
    "after_state:2",
]


def command(url: str, state: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "devmesh.ship", "--to", url, "--node", "n1", "--state-dir", str(state), *more]


def run(url: str, state: Path, *more: str, crash_at: str = "") -> int:
    environment = dict(os.environ, DEVMESH_CRASH_AT=crash_at, PYTHONPATH=str(ROOT / "src"))
    done = subprocess.run(command(url, state, *more), env=environment, capture_output=True, timeout=60, check=False)
    return done.returncode


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_each_point_every_entry_is_stored_once(fake, url, ship_once, tmp_path, point):
    """Kill -9 between any two steps of sending: the next run sends the rest, and only the rest (F01, F02, F32)."""
    need_journals()
    journal = write_journal(tmp_path / "j.journal", lines(1, 30))

    def at_most_eight(exchange: Exchange) -> None:
        if len(exchange.lines) > 8:
            exchange.answer(413, {"limit_bytes": 8_000_000, "limit_events": 8})
        else:
            exchange.answer(200, exchange.commit())

    fake.always = at_most_eight
    assert ship_once(journal_file=str(journal)) == 0
    write_journal(journal, lines(31, 60))
    options = ("--journal-file", str(journal), "--once")
    assert run(url, tmp_path / "state", *options, crash_at=point) == -signal.SIGKILL
    assert ship_once(journal_file=str(journal)) == 0
    assert fake.messages() == [f"entry {n}" for n in range(1, 61)]


def kill_at_random_moments(fake, url, tmp_path, rounds: int) -> None:
    """Kill -9 before or after the commit of a random request, `rounds` times, over a growing and rotating log."""
    chance = random.Random(rounds)  # noqa: S311
    log, written, rotations = tmp_path / "app.log", 0, 0
    options = ("--file", str(log), "--once")
    environment = dict(os.environ, PYTHONPATH=str(ROOT / "src"))
    for _round in range(rounds):
        with log.open("a") as file:
            for written in range(written + 1, written + chance.randrange(20, 80)):  # noqa: B020
                file.write(f"2026-11-20T10:00:00Z entry {written} of the kill test\n")
        if chance.random() < 0.3:
            rotations += 1
            log.rename(tmp_path / f"app.log.{100 + rotations}")
            continue
        left = [chance.randrange(1, 8)]
        started = threading.Event()
        process = subprocess.Popen(
            command(url, tmp_path / "state", *options), env=environment, stderr=subprocess.DEVNULL
        )  # fmt: skip

        def act(exchange: Exchange, process=process, left=left, started=started) -> None:
            started.wait(30)
            left[0] -= 1
            if len(exchange.lines) > 8:
                exchange.answer(413, {"limit_bytes": 8_000_000, "limit_events": 8})
            elif left[0] == 0:
                if chance.random() < 0.5:
                    exchange.commit()
                process.kill()
                exchange.reset()
            else:
                exchange.answer(200, exchange.commit())

        fake.always = act
        started.set()
        process.wait(60)
    fake.always = None
    assert run(url, tmp_path / "state", *options) == 0
    assert sorted(int(message.split()[1]) for message in fake.messages()) == list(range(1, written + 1))


def test_killed_at_random_moments_every_line_is_stored_once(fake, url, tmp_path):
    """The short form."""
    kill_at_random_moments(fake, url, tmp_path, 6)


@pytest.mark.soak
def test_killed_at_random_moments_fifty_times(fake, url, tmp_path):
    """The long form."""
    kill_at_random_moments(fake, url, tmp_path, 50)


def test_sigterm_ends_it_cleanly(fake, url, tmp_path):
    """An agent that follows ends with 0 on SIGTERM, everything sent and remembered."""
    log = tmp_path / "app.log"
    log.write_text("".join(f"2026-11-20T10:00:00Z line {n} of the process test\n" for n in range(20)))
    os.utime(log, (1_700_000_000, 1_700_000_000))
    arrived = threading.Event()
    fake.always = lambda exchange: (exchange.answer(200, exchange.commit()), arrived.set())
    environment = dict(os.environ, PYTHONPATH=str(ROOT / "src"))
    process = subprocess.Popen(
        command(url, tmp_path / "state", "--file", str(log)), env=environment, stderr=subprocess.DEVNULL
    )
    try:
        assert arrived.wait(30)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    assert len(fake.messages()) == 20
    assert fake.heartbeats


def test_an_agent_that_was_stopped_goes_on(fake, url, tmp_path):
    """SIGSTOP while the log grows and rotates, then SIGCONT: everything arrives, once (F20)."""
    log = tmp_path / "app.log"
    goal = [99]  # the last line of a file is held for a while
    reached = threading.Event()

    def write(numbers: range) -> None:
        with log.open("a") as file:
            file.writelines(f"2026-11-20T10:00:00Z line {n} of the process test\n" for n in numbers)

    def answer(exchange: Exchange) -> None:
        exchange.answer(200, exchange.commit())
        if len(fake.messages()) >= goal[0]:
            reached.set()

    fake.always = answer
    write(range(100))
    process = subprocess.Popen(
        command(url, tmp_path / "state", "--file", str(log)),
        env=dict(os.environ, PYTHONPATH=str(ROOT / "src")),
        stderr=subprocess.DEVNULL,
    )
    try:
        assert reached.wait(30)
        process.send_signal(signal.SIGSTOP)
        write(range(100, 400))
        log.rename(tmp_path / "app.log.1")
        write(range(400, 500))
        goal[0] = 450
        reached.clear()
        process.send_signal(signal.SIGCONT)
        assert reached.wait(30)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    assert run(url, tmp_path / "state", "--file", str(log), "--once") == 0
    assert sorted(fake.messages()) == sorted(f"line {n} of the process test" for n in range(500))


def test_two_agents_do_not_share_a_state_directory(fake, url, tmp_path):
    """The second one says so and ends."""
    (tmp_path / "state").mkdir()
    with (tmp_path / "state" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            command(url, tmp_path / "state", "--file", "/x"), env=dict(os.environ, PYTHONPATH=str(ROOT / "src")),
            capture_output=True, timeout=60, check=False, text=True,
        )  # fmt: skip
    assert done.returncode == 2
    assert "another agent" in done.stderr


def test_a_large_backlog_costs_little_memory(fake, url, tmp_path):
    """15,000 entries with huge ones among them: at most 60 MB resident, whatever waits (F13, F21)."""
    need_journals()
    entries = (entry(n, b"m %d " % n + b"x" * (400_000 if n % 3_000 == 0 else 100)) for n in range(1, 15_001))
    journal = write_journal(tmp_path / "j.journal", entries)
    fake.always = lambda exchange: exchange.answer(
        200, {"stored": len(exchange.lines), "repeated": 0, "rejected": 0, **_covered(fake, exchange)}
    )
    program = (
        "import sys; from devmesh.ship.__main__ import main; code = main(sys.argv[1:]);"
        "print([line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')][0]); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *command(url, tmp_path / "s", "--journal-file", str(journal), "--once")[3:]],
        env=dict(os.environ, PYTHONPATH=str(ROOT / "src")), capture_output=True, timeout=120, check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) / 1024 <= 60


def _covered(fake, exchange) -> dict:
    """Coverage alone: the server of the memory test keeps no events."""
    exchange.lines = []
    return {"coverage": exchange.commit()["coverage"]}


def test_the_one_file_runs_with_nothing_installed(fake, url, tmp_path):
    """Make shipper's file: no site packages, no checkout, filters included; built twice it is the same."""
    built = tmp_path / "devmesh-shipper.pyz"
    build = [sys.executable, str(ROOT / "scripts" / "build_shipper.py")]
    subprocess.run([*build, str(built)], check=True, timeout=60, capture_output=True)
    subprocess.run([*build, str(tmp_path / "again.pyz")], check=True, timeout=60, capture_output=True)
    assert built.read_bytes() == (tmp_path / "again.pyz").read_bytes()
    log = tmp_path / "app.log"
    log.write_text(
        "".join(f"2026-11-20T10:00:00Z h {'a' if n % 2 else 'b'}: line {n} of the file test\n" for n in range(20))
    )
    (tmp_path / "filters.yaml").write_text("- drop: {identifier: a}\n")
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(built), *command(url, tmp_path / "state", "--file", str(log), "--once")[3:],
         "--filters", str(tmp_path / "filters.yaml")],
        cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True, timeout=60, check=False, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert fake.messages() == [f"line {n} of the file test" for n in range(0, 20, 2)]


def test_the_agent_runs_on_python_3_9_and_imports_nothing_of_the_house():
    """Its syntax is 3.9's, its imports are the standard library, PyYAML and itself."""
    for path in (ROOT / "src" / "devmesh" / "ship").glob("*.py"):
        tree = ast.parse(path.read_text(), feature_version=(3, 9))
        for node in ast.walk(tree):
            assert type(node).__name__ not in {"Match", "TryStar"}, path
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                top = name.split(".")[0]
                assert top in sys.stdlib_module_names or top == "yaml" or name.startswith("devmesh.ship"), (path, name)
                assert top not in {"tomllib", "zoneinfo"} or top == "zoneinfo", path


def test_the_versions_agree():
    """The agent's own version is the project's."""
    source = (ROOT / "src" / "devmesh" / "__init__.py").read_text()
    assert re.search(r'__version__ = "(.+)"', source)[1] == AGENT_VERSION


def test_the_shipped_archive_holds_the_agent_and_yaml_alone(tmp_path):
    """Nothing else is copied to a node."""
    built = tmp_path / "s.pyz"
    subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "build_shipper.py"), str(built)],
        check=True,
        timeout=60,
        capture_output=True,
    )
    names = zipfile.ZipFile(built).namelist()
    assert {name.split("/")[0] for name in names} == {"__main__.py", "devmesh", "yaml"}
    assert "yaml/LICENSE" in names
