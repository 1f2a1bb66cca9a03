"""How errors leave: one JSON form for every failure, never a bare 500, never log text."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from devmesh.errors import DevMeshError, InvalidInput, NotFound

log = logging.getLogger(__name__)


def answer(request: Request, error: DevMeshError) -> JSONResponse:
    """The response for an error of the house, with the request's batch id."""
    headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s is not None else {}
    body = {**error.body(), "batch": request.headers.get("devmesh-batch")}
    return JSONResponse(body, status_code=error.status, headers=headers)


def install(app: FastAPI) -> None:
    """Give every failure of `app` this form."""

    @app.exception_handler(DevMeshError)
    async def _ours(request: Request, error: DevMeshError) -> JSONResponse:
        return answer(request, error)

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first: dict[str, Any] = dict(error.errors()[0])
        name = ".".join(str(part) for part in first["loc"][1:]) or "the request"
        return answer(request, InvalidInput(f"{name}: {first['msg']}.", hint="See /docs for what is taken."))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == NotFound.status:
            return answer(request, NotFound("There is nothing at this address.", hint="See /docs."))
        body = {"code": "http", "message": str(error.detail), "hint": "See /docs.", "batch": None}
        return JSONResponse(body, status_code=error.status_code, headers=error.headers)

    @app.exception_handler(Exception)
    async def _fault(request: Request, error: Exception) -> JSONResponse:
        path = request.url.path
        # The token of a client that cannot send headers stands in its path.
        shown = "/t/…" if path.startswith("/t/") else path
        log.error("request failed path=%s", shown, exc_info=error)
        return answer(request, DevMeshError("A fault of the server.", hint="The server's own log says more."))
