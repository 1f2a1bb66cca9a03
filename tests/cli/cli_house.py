"""Stores with something in them, a runner of commands in this process, and real processes on free ports."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import msgspec
import typer.testing
from typer.testing import CliRunner

# The commands are the same each time, and to build them takes longer than most of them run.
typer.testing._get_command = functools.cache(typer.testing._get_command)

NOW_US = 1_768_917_600_000_000  # 2026-01-20 14:00 UTC
HOSTILE = "\x1b[2J\x1b]0;owned\x07 [red]bold[/red] \u202egnp.exe\u200b \U000e0041 tail\x9b31m \x00end"


def line(message: str, ago_s: float = 0.0, **more) -> dict:
    """One event as the protocol has it, `ago_s` seconds before NOW_US."""
    return {"message": message, "ts_us": NOW_US - round(ago_s * 1e6), **more}


def settle(mesh) -> None:
    """What the loops would do: totals, samples, families, vectors."""
    for name in ("template-totals", "template-samples", "assign-families", "embed-families"):
        while mesh.runner.once(name):
            pass


def fill(data_dir: Path, lines: list[dict], node: str = "web1") -> None:
    """Store these events in a fresh or existing store."""
    from devmesh.clock import FakeClock
    from devmesh.intake import Request
    from devmesh.mesh import open_mesh
    from devmesh.settings import load_settings

    mesh = open_mesh(load_settings(data_dir=data_dir), clock=FakeClock(NOW_US))
    mesh.intake.start()
    body = b"".join(msgspec.json.encode(one) + b"\n" for one in lines)
    answer = mesh.intake.take(Request(body, node, NOW_US, may_name_nodes=True))
    assert answer.stored == len(lines)
    settle(mesh)
    mesh.close()


class Runner:
    """Calls commands in this process, with a store of its own and no settings of the machine."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._runner = CliRunner()

    def __call__(self, *arguments: str, code: int = 0, stdin: bytes | None = None):
        """Run a command; it must end with `code`."""
        from devmesh.cli.app import app

        env = {"DEVMESH_DATA_DIR": str(self.data_dir), "TZ": "UTC", "COLUMNS": "200"}
        result = self._runner.invoke(app, list(arguments), input=stdin, env=env)
        assert result.exit_code == code, (result.output, result.exception)
        return result

    def messages(self, *options: str) -> list[str]:
        """The messages of the stored events, oldest first."""
        events = self.json("logs", "--limit", "10000", *options)["events"]
        return [event["message"] for event in reversed(events)]

    def bring(self, *arguments: str, code: int = 0, stdin: bytes | None = None) -> tuple[int, int, int]:
        """Import; (stored, repeated, rejected)."""
        said = msgspec.json.decode(self("import", "--json", *arguments, code=code, stdin=stdin).stdout)
        assert said["events"] == said["stored"] + said["repeated"] + said["rejected"]
        return said["stored"], said["repeated"], said["rejected"]

    def json(self, *arguments: str):
        """What a command prints as JSON."""
        return msgspec.json.decode(self(*arguments, "--json").stdout)


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    """The variables of a real process: no setting of this machine leaks in."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("DEVMESH_", "EMBEDDING_", "GATEWAY_"))
    }
    told = {"DEVMESH_DATA_DIR": str(data_dir), "DEVMESH_UI": "false", "TZ": "UTC", "NO_PROXY": "*"}
    return {**kept, **told, "PYTHONWARNINGS": "error", **more}


class Served:
    """A running `devmesh serve` or `up`: its address from its first line of output."""

    def __init__(self, data_dir: Path, *arguments: str, **more: str) -> None:
        self.data_dir = data_dir
        self.errors = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "devmesh", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(data_dir, **more),
            cwd=data_dir.parent,
        )
        first = self.process.stdout.readline().decode()
        if " at http://" not in first:
            self.process.kill()
            raise AssertionError(first + self.process.stderr.read().decode())
        self.url = first.split(" at ")[1].strip()
        self._rest = threading.Thread(target=self.process.stdout.read, daemon=True)
        self._rest.start()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it as a person or systemd would; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(30)
        self._rest.join()
        self.errors = self.process.stderr.read().decode()
        self.process.stdout.close()
        self.process.stderr.close()
        return code
