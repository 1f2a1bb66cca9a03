"""The server as a process: listens, serves the app, stops cleanly.

Refuses an address beyond loopback until a token exists; announces itself in the lock file, so that the command line
finds it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Callable
from types import FrameType

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from devmesh.api import make_app
from devmesh.api.auth import is_loopback
from devmesh.db.lock import StoreLock, lock_path
from devmesh.errors import ConfigError, Unavailable
from devmesh.mesh import Mesh

log = logging.getLogger(__name__)

MESSAGE_BYTES = 1_000_000  # of a page's websocket; what pages send is short
HEAD_S = 5.0  # for the head of a request; an agent's comes in one packet


def check_address(mesh: Mesh) -> None:
    """Raise ConfigError for an address that strangers reach while nobody needs a token."""
    host = mesh.settings.host
    if not is_loopback(host) and not mesh.accounts.any_access():
        raise ConfigError(
            f"The server does not listen on {host} while no token exists: anyone could read everything.",
            hint="Make one first: devmesh token create --admin",
        )


def listen(mesh: Mesh) -> socket.socket:
    """A bound socket; raises Unavailable when the port is taken."""
    family = socket.AF_INET6 if ":" in mesh.settings.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((mesh.settings.host, mesh.settings.port))
    except OSError as error:
        sock.close()
        raise Unavailable(
            f"Cannot listen on {mesh.settings.host}:{mesh.settings.port}: {error.strerror}.",
            hint="Choose another: --port N",
        ) from error
    return sock


def address_of(sock: socket.socket) -> str:
    """The base URL of a listening socket."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Impatient(HttpToolsProtocol):
    """A connection that does not say what it wants is let go: silence must not use up what is served at once."""

    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the head of a request."""
        super().connection_made(transport)
        self._wait_for_head(waiting=True)

    def data_received(self, data: bytes) -> None:
        """Stop to wait once a request is served; wait again for what comes after it."""
        super().data_received(data)
        upgraded = self.transport.get_protocol() is not self  # a websocket may be silent as long as it likes
        self._wait_for_head(waiting=not upgraded and (self.cycle is None or self.cycle.response_complete))

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._wait_for_head(waiting=False)
        super().connection_lost(exc)

    def _wait_for_head(self, *, waiting: bool) -> None:
        if waiting and self._patience is None:
            self._patience = self.loop.call_later(HEAD_S, self.transport.close)
        elif not waiting and self._patience is not None:
            self._patience.cancel()
            self._patience = None


class _Server(uvicorn.Server):
    """Calls `ready` once it answers, and on the first signal `before_stop`, while it still does."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], before_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready, self._before_stop = ready, before_stop
        self._stopping = False
        self.anew = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to answer, then say so: by now signals are heard, too."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """The first signal stops in order, a second one at once."""
        if self._stopping:
            super().handle_exit(sig, frame)
            return
        self._stop_before(lambda: super(_Server, self).handle_exit(sig, frame))

    def start_anew(self) -> None:
        """Stop in order, and let `serve` say why."""
        self.anew = True
        if not self._stopping:
            self._stop_before(lambda: setattr(self, "should_exit", True))

    def _stop_before(self, then: Callable[[], object]) -> None:
        self._stopping = True

        def stop() -> None:
            try:
                self._before_stop()
            finally:
                then()

        threading.Thread(target=stop, name="before-stop", daemon=True).start()


def serve(mesh: Mesh, announce: Callable[[str], None], before_stop: Callable[[], None] = lambda: None) -> bool:
    """Serve until SIGTERM or SIGINT. `announce(url)` is called once it answers, `before_stop()` while it still does.

    True where it ended because the store may have lost what this house remembers, or went while it started: serve a
    new one, once the store is there.
    """
    try:
        return _serve(mesh, announce, before_stop)
    except Unavailable as error:
        if not _is_away(mesh):
            raise
        log.warning("the store went while the server started: %s This server starts anew.", error.message)
        return True


def _serve(mesh: Mesh, announce: Callable[[str], None], before_stop: Callable[[], None]) -> bool:
    """True where it ended because the store may have lost what this house remembers."""
    if not mesh.db.writable:
        raise Unavailable(
            "Another process holds the store.", hint="Stop it first, or point DEVMESH_DATA_DIR elsewhere."
        )
    check_address(mesh)
    sock = listen(mesh)
    url = address_of(sock)
    app = make_app(mesh, started=True)
    if mesh.settings.ui:
        from devmesh import ui  # NiceGUI: 11 MB and half a second that a server without pages does not pay

        ui.install(app, mesh)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        limit_concurrency=mesh.settings.max_connections,
        timeout_keep_alive=75,
        server_header=False,
        timeout_graceful_shutdown=10,
        ws="websockets-sansio" if mesh.settings.ui else "none",
        ws_max_size=MESSAGE_BYTES,
        http=_Impatient,
    )

    lock = mesh.db.lock or StoreLock(lock_path(mesh.settings.store_url, mesh.settings.data_dir))

    def ready() -> None:
        # On MariaDB another server of this folder may have it: then the command line goes on with that one.
        if mesh.db.lock is not None or lock.take():
            lock.announce(url=url, token=mesh.accounts.create_session_token())
        announce(url)
        mesh.db.watch(server.start_anew)

    def stop() -> None:
        app.state.stopping = True
        before_stop()

    server = _Server(config, ready, stop)
    try:
        mesh.start()  # not in uvicorn, which tells of a store that goes just now by a traceback
        with contextlib.suppress(SystemExit):  # uvicorn's way to say that the app did not start
            server.run(sockets=[sock])
    finally:
        sock.close()
        if mesh.db.lock is None:
            lock.release()
    if not server.started:
        raise Unavailable("The server could not start.", hint="Its own log lines above say why.")
    return server.anew


def _is_away(mesh: Mesh) -> bool:
    """Whether the store went while the server started."""
    try:
        with mesh.db.read() as connection:
            connection.exec_driver_sql("SELECT 1")
    except Unavailable:
        return True
    return False
