"""Query parameters that a GET does not take are refused: a misspelt condition must not become a question for all."""

from __future__ import annotations

from difflib import get_close_matches

from fastapi import Request

from devmesh.errors import InvalidInput

SHOWN = 64


async def only_known(request: Request) -> None:
    """Raise InvalidInput for the first parameter that the document of this app does not name for the route.

    POST is left alone: clients that were told an address to send to may carry parameters of their own.
    """
    path = request.scope["route"].path
    described = request.app.openapi()["paths"].get(path, {}).get("get")
    if request.method != "GET" or described is None:
        return
    known = [one["name"] for one in described.get("parameters", ()) if one["in"] == "query"]
    for name in request.query_params:
        if name not in known:
            shown = repr(name if len(name) <= SHOWN else name[:SHOWN] + "…")
            raise InvalidInput(f"{shown} is no parameter of GET {path}.", hint=_hint(name, known))


def _hint(name: str, known: list[str]) -> str:
    if not known:
        return "It takes none."
    near = get_close_matches(name.lower(), known, 1)
    takes = f"It takes {', '.join(known)}."
    return f"Did you mean {near[0]}? {takes}" if near else takes
