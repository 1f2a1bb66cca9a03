"""A real journald alone in a private mount namespace, driven line by line over stdin; run by test_ship_journald.py.

Run as `unshare --mount --propagation private python journald_rig.py`. Every command is answered by one line.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

JOURNALD = shutil.which("systemd-journald", path=os.environ["PATH"] + ":/lib/systemd") or "systemd-journald"
CONFIG = """[Journal]
Storage=persistent
SystemMaxUse=60M
SystemMaxFileSize=512K
RateLimitBurst=0
ReadKMsg=no
Audit=no
ForwardToSyslog=no
"""


class Rig:
    """The namespace with its journald."""

    def __init__(self) -> None:
        for where in ("/run", "/var/log"):
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=150M", "tmpfs", where], check=True)
        Path("/run/systemd/journal").mkdir(parents=True)
        Path("/var/log/journal").mkdir()
        Path("/run/systemd/journal/flushed").touch()
        Path("/run/journald.conf").write_text(CONFIG)
        subprocess.run(["mount", "--bind", "/run/journald.conf", "/etc/systemd/journald.conf"], check=True)
        self.journald: subprocess.Popen[bytes] | None = None
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sent = 0
        self.follower: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start journald and wait until it takes messages."""
        self.journald = subprocess.Popen([JOURNALD], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _attempt in range(500):
            with contextlib.suppress(OSError):
                self.socket.connect("/run/systemd/journal/socket")
                return
            time.sleep(0.02)  # another program's start, in another process: nothing to wait on
        raise SystemExit("journald does not listen")

    def send(self, count: str) -> None:
        """That many numbered messages."""
        for _message in range(int(count)):
            text = b"MESSAGE=seq %d %s\nPRIORITY=6\nSYSLOG_IDENTIFIER=rig\n" % (self.sent, b"p" * 200)
            self.socket.send(text)
            self.sent += 1

    def kill(self) -> None:
        """Kill -9 of journald, then a new one."""
        self.end(signal.SIGKILL)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.start()

    def rotate(self) -> None:
        """Journalctl --rotate, by its signal."""
        assert self.journald is not None
        self.journald.send_signal(signal.SIGUSR2)

    def vacuum(self) -> None:
        """Delete all archived files."""
        subprocess.run(["journalctl", "--quiet", "--vacuum-files=1"], check=True, capture_output=True)

    def journal(self) -> list[list[object]]:
        """(seqnum id, seqnum, message) of each of our entries as journalctl tells them."""
        shown = subprocess.run(
            ["journalctl", "-D", "/var/log/journal", "-q", "-o", "json", "SYSLOG_IDENTIFIER=rig"],
            capture_output=True,
            check=True,
        )
        found = []
        for line in shown.stdout.splitlines():
            entry = json.loads(line)
            parts = dict(part.split("=") for part in entry["__CURSOR"].split(";"))
            found.append([parts["s"], int(parts["i"], 16), entry["MESSAGE"]])
        return found

    def agent(self, *arguments: str) -> int:
        """The agent, to its end."""
        return subprocess.run(
            [sys.executable, "-m", "devmesh.ship", *arguments], check=False, stderr=subprocess.DEVNULL
        ).returncode

    def follow(self, *arguments: str) -> None:
        """An agent that goes on, beside everything else."""
        command = [sys.executable, "-m", "devmesh.ship", *arguments]
        self.follower = subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def unfollow(self) -> int:
        """SIGTERM to it, and its exit code."""
        assert self.follower is not None
        self.follower.send_signal(signal.SIGTERM)
        return self.follower.wait()

    def end(self, number: int = signal.SIGTERM) -> None:
        """End journald."""
        if self.journald is not None:
            self.journald.send_signal(number)
            self.journald.wait()


def main() -> None:
    """Obey until stdin ends."""
    rig = Rig()
    try:
        rig.start()
        sys.stdout.write("null\n")
        sys.stdout.flush()
        for line in sys.stdin:
            name, *arguments = json.loads(line)
            answer = getattr(rig, name)(*arguments)
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
    finally:
        if rig.follower is not None:
            rig.follower.kill()
        rig.end()


if __name__ == "__main__":
    os.chdir("/")
    main()
