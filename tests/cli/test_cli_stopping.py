"""SIGTERM ends a server in a bounded time, whatever hangs in it; Ctrl-C ends a command cleanly, however early."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import httpx
from cli_house import environment

HANGS = """
import sys, threading
from devmesh.intake.commit import Committer
def never(self, prepared):
    sys.stderr.write("hangs\\n")
    threading.Event().wait()
Committer.commit = never
from devmesh.cli.app import main
sys.argv = ["devmesh", "serve", "--port", "0"]
main()
"""

# A person presses Ctrl-C just then: a module of that name is being imported.
PRESSES = """
import signal, sys
class Presses:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Presses())
"""
IMPORTS = """
import threading
from devmesh.cli.serve import end_on_signals
end_on_signals()
import calendar
print("imported", flush=True)
threading.Event().wait(20)
"""


def test_an_import_is_not_broken_off(tmp_path):
    """Where Ctrl-C ends a command with 0: a module that is being imported gets whole before that."""
    done = subprocess.run(
        [sys.executable, "-c", PRESSES.format(name="calendar") + IMPORTS], env=environment(tmp_path / "data"),
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "imported\n", "")


def test_ctrl_c_while_the_command_line_loads(tmp_path):
    """It ends as the system ends it, and nothing is printed; a Ctrl-C that is ignored (`&` in a script) stays so."""
    (tmp_path / "sitecustomize.py").write_text(PRESSES.format(name="devmesh.cli.app"))
    env = environment(tmp_path / "data", PYTHONPATH=str(tmp_path))
    command = [sys.executable, "-m", "devmesh", "--version"]
    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, "", "")
    ignoring = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *command]
    ended = subprocess.run(ignoring, env=env, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("devmesh ")


def test_a_server_whose_writer_hangs_ends_all_the_same(tmp_path):
    """A commit that never returns, somebody who waits for it: after the bound the process ends, names what hangs, and
    nothing was answered as stored.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", HANGS], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment(tmp_path / "data", DEVMESH_STOP_TIMEOUT_S="1.5"),
    )  # fmt: skip
    answers: list[int] = []

    def post(url: str) -> None:
        try:
            answers.append(httpx.post(f"{url}/ingest", content=b'{"message":"x"}\n', trust_env=False).status_code)
        except httpx.HTTPError:
            answers.append(0)

    try:
        url = process.stdout.readline().split(" at ")[1].strip()
        poster = threading.Thread(target=post, args=(url,))
        poster.start()
        for line in process.stderr:
            if line == "hangs\n":
                break
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 1
        said = process.stderr.read()
        poster.join(10)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()
    assert "stop=overdue" in said
    assert "intake-commit" in said
    assert answers == [0]
