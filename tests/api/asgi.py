"""Calls of the app without a network: who calls, from where, and with which headers is up to the test."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx

from devmesh.api.app import make_app, state_of

if TYPE_CHECKING:
    from fastapi import FastAPI

LOCAL = ("127.0.0.1", 40_000)
STRANGER = ("192.0.2.7", 40_000)


class Caller:
    """The app over a house, called as anybody.

    All of them share the routes, which take a fifth of a second to build; what an app knows of its house is its state.
    """

    _shared: FastAPI | None = None

    def __init__(self, mesh: Any) -> None:
        self.mesh, self._state = mesh, state_of(mesh)

    @property
    def app(self) -> FastAPI:
        """The app, over this house from now on."""
        if Caller._shared is None:
            Caller._shared = make_app(self.mesh)
        Caller._shared.state = self._state
        return Caller._shared

    def __call__(
        self, method: str, path: str, *, peer: tuple[str, int] = LOCAL, host: str = "127.0.0.1:8000",
        token: str | None = None, headers: dict[str, str] | None = None, **more: Any,
    ) -> httpx.Response:  # fmt: skip
        """The answer; an exception of the app that is no answer is raised."""
        head = {"Host": host, **(headers or {})}
        if token is not None:
            head["Authorization"] = f"Bearer {token}"
        return asyncio.run(self._send(method, path, peer, head, more))

    async def _send(
        self, method: str, path: str, peer: tuple[str, int], head: dict[str, str], more: dict[str, Any]
    ) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=peer)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", timeout=30) as client:
            return await client.request(method, path, headers=head, **more)
