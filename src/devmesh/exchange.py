"""One HTTP exchange that is bounded in time and in bytes, however the peer drips.

A time-out of an HTTP library bounds each read, so that a peer that sends a byte now and then holds a thread for days.
Here each read and write gets only what is left until one deadline, headers and TLS included. Redirects are not
followed, since they would carry the token elsewhere; nothing is decompressed; proxies of the environment are not
used.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpcore

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from devmesh.clock import Clock


class OverSize(Exception):
    """The reply is longer than allowed."""


@dataclass(frozen=True)
class Reply:
    """Status, headers in lower case, body."""

    status: int
    headers: dict[str, str]
    body: bytes


def post(
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    timeout_s: float,
    max_bytes: int,
    clock: Clock,
    method: str = "POST",
    addresses: Sequence[str] = (),
    cut: bool = False,
) -> Reply:
    """POST `body` on a connection of its own, to one of `addresses` (IPs that the caller looked up) where given; name
    and certificate stay those of the URL. With `cut`, a body that is too long or does not come is what came of it.

    Raises httpcore's TimeoutException, NetworkError, ProtocolError and UnsupportedProtocol, and OverSize. Not more than
    `max_bytes` and one read (64 KiB) are held.
    """
    backend = _Backend(clock, clock.monotonic_s() + timeout_s, addresses)
    with (
        httpcore.ConnectionPool(ssl_context=_trust(url), network_backend=backend) as pool,
        pool.stream(method, url, headers=list(headers.items()), content=body) as response,
    ):
        received = bytearray()
        try:
            for chunk in response.iter_stream():
                received += chunk
                if len(received) > max_bytes:
                    break
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError):
            if not cut:
                raise
        if len(received) > max_bytes and not cut:
            raise OverSize
        names = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        return Reply(response.status, names, bytes(received[:max_bytes]))


def _trust(url: str) -> ssl.SSLContext | None:
    """The machine's own certificates, where a homelab's private authority is."""
    return ssl.create_default_context() if url.startswith("https:") else None


class _Backend(httpcore.NetworkBackend):
    """TCP connections whose every step ends at the deadline."""

    def __init__(self, clock: Clock, deadline_s: float, addresses: Sequence[str]) -> None:
        self._clock, self._deadline_s, self._addresses = clock, deadline_s, addresses
        self._real = httpcore.SyncBackend()

    def left_s(self) -> float:
        """Seconds until the deadline. Raises ReadTimeout when it has passed."""
        left = self._deadline_s - self._clock.monotonic_s()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - ours replaces it
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        places = list(self._addresses) or [host]
        while len(places) > 1:  # an address that does not answer leaves time for the others
            try:
                left_s = self.left_s() / len(places)
                return _Stream(self._real.connect_tcp(places[0], port, left_s, local_address, socket_options), self)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                del places[0]
        return _Stream(self._real.connect_tcp(places[0], port, self.left_s(), local_address, socket_options), self)


class _Stream(httpcore.NetworkStream):
    """A stream of such a connection."""

    def __init__(self, real: httpcore.NetworkStream, backend: _Backend) -> None:
        self._real, self._backend = real, backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        return self._real.read(max_bytes, self._backend.left_s())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        self._real.write(buffer, self._backend.left_s())

    def close(self) -> None:
        self._real.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        return _Stream(self._real.start_tls(ssl_context, server_hostname, self._backend.left_s()), self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._real.get_extra_info(info)
