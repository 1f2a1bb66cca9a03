"""The server that holds the store, as the command line speaks to it: over HTTP, with the lock file's token.

Its answers become what the same call in process gives; its errors become errors of the house with their exit codes.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, Self

import httpx

from devmesh import errors
from devmesh.errors import DevMeshError, Unavailable

TIMEOUT_S = 130.0
ATTEMPTS = 30
_BY_CODE = {
    kind.code: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, DevMeshError)
}


class Remote:
    """One server; use it as a context manager."""

    def __init__(self, url: str, token: str) -> None:
        # The lock file's server is this machine: no proxy of the environment may stand between.
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_S, trust_env=False)
        self.url = url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def call(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """The JSON answer of one request. Raises the error of the house that the server tells, Unavailable if it is
        away.
        """
        try:
            response = self._client.request(method, path, **more)
        except httpx.HTTPError as error:
            raise Unavailable(
                f"The server at {self.url} does not answer: {type(error).__name__}.", hint="See: devmesh doctor"
            ) from error
        body = _body(response)
        if response.is_success:
            return body
        retry = response.headers.get("retry-after", "")
        kind = _BY_CODE.get(str(body.get("code")), DevMeshError)
        raise kind(
            str(body.get("message") or f"The server answers {response.status_code}."),
            hint=str(body.get("hint", "")),
            retry_after_s=int(retry) if retry.isdecimal() else None,
        )

    def patiently(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """The same, tried again while the server says that it will work later."""
        for attempt in range(ATTEMPTS):
            try:
                return self.call(method, path, **more)
            except (Unavailable, errors.QuotaExceeded) as error:
                if isinstance(error, errors.StorageFull) or attempt == ATTEMPTS - 1:
                    raise
                time.sleep(min(error.retry_after_s or 1, 10))
        raise AssertionError


def _body(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
