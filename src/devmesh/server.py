"""The server as a process: listens, serves the app, stops cleanly.

Refuses an address beyond loopback until a token exists; announces itself in the lock file, so that the command line finds it.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable

import uvicorn

from devmesh.api import make_app
from devmesh.api.auth import is_loopback
from devmesh.errors import ConfigError, Unavailable
from devmesh.mesh import Mesh

log = logging.getLogger(__name__)


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
            f"Cannot listen on {mesh.settings.host}:{mesh.settings.port}: {error.strerror}.", hint="Choose another: --port N"
        ) from error
    return sock


def address_of(sock: socket.socket) -> str:
    """The base URL of a listening socket."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(mesh: Mesh, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT. `announce(url)` is called once the socket listens."""
    if not mesh.db.writable:
        raise Unavailable("Another process holds the store.", hint="Stop it first, or point DEVMESH_DATA_DIR elsewhere.")
    check_address(mesh)
    sock = listen(mesh)
    url = address_of(sock)
    if mesh.db.lock is not None:
        mesh.db.lock.announce(url=url, token=mesh.accounts.create_session_token())
    config = uvicorn.Config(
        make_app(mesh), log_config=None, access_log=False, limit_concurrency=mesh.settings.max_connections,
        timeout_keep_alive=75, server_header=False, timeout_graceful_shutdown=10, ws="none",
    )
    announce(url)
    uvicorn.Server(config).run(sockets=[sock])
