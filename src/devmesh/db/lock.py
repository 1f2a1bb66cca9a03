"""Two locks around a store: a fair one between threads, a file between processes.

The file names the server that holds the store (its address and a token for the command line) and is readable by its
owner alone. `flock` lets go when its process dies, however it dies, so a stale file is never mistaken for a live
server. On MariaDB it holds nobody back: it only says which server of this data folder the command line asks.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections import deque
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy.engine import make_url

from devmesh.db.sqlite import path_of


def lock_path(url: str, data_dir: Path) -> Path:
    """The lock file of a store: beside SQLite's own; for a server's store in the data folder, named by its URL without
    the password, for a folder may have served another database before.
    """
    path = path_of(url)
    if path is not None:
        return path.with_name(path.name + ".lock")
    named = make_url(url).set(password=None).render_as_string()
    return data_dir / f"server-{sha256(named.encode()).hexdigest()[:12]}.lock"


class FairLock:
    """A lock that is handed over in the order of asking."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._held = False

    def acquire(self, timeout_s: float) -> bool:
        """Wait for one's turn; False when `timeout_s` seconds passed first."""
        with self._mutex:
            if not self._held and not self._waiting:
                self._held = True
                return True
            turn = threading.Event()
            self._waiting.append(turn)
        if turn.wait(timeout_s):
            return True
        with self._mutex:
            if turn.is_set():  # it was handed over in the last moment
                return True
            self._waiting.remove(turn)
            return False

    def release(self) -> None:
        """Hand the lock to whoever asked first."""
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._held = False


class StoreLock:
    """The lock file beside the database: one process writes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def take(self) -> bool:
        """Become the writing process; False when another one is."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # it holds everybody's logs
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        os.fchmod(fd, 0o600)  # it will hold a token, and may have been there with another mode
        os.ftruncate(fd, 0)
        self._fd = fd
        return True

    def announce(self, **server: Any) -> None:
        """Write what the command line needs to reach this process (`url`, `token`)."""
        if self._fd is None:
            return
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, json.dumps({"pid": os.getpid(), **server}).encode(), 0)

    def holder(self) -> dict[str, Any]:
        """What the holding process announced; empty when nobody does or it is not ours to read."""
        try:
            return dict(json.loads(self.path.read_text()))
        except (OSError, ValueError):
            return {}

    def release(self) -> None:
        """Let go; the file stays, empty."""
        if self._fd is not None:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
