"""SIGTERM ends a server in a bounded time, whatever hangs in it."""

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
