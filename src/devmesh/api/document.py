"""The OpenAPI document as people read it: a summary for each route, words for each parameter, our own form of errors.

A parameter means the same wherever it stands, so what it means stands here once. A house test fails for one that is
not described.
"""

from __future__ import annotations

import re
from typing import Any

from fastapi import FastAPI

TIME = '`2h`, `"yesterday 14:00"`, ISO 8601, or microseconds since 1970'
PARAMETERS = {
    "against": f"Normal is from then to `since`: {TIME}; a week before it, if it is not said.",
    "after": "Lines after the event, at most.",
    "as_seen": "By when lines arrived, minute by minute, as the watch saw them; slower.",
    "bars": "How many bars, at most.",
    "before": "Lines before the event, at most.",
    "contains": "Text in the message; upper and lower case are the same (ASCII).",
    "cursor": "`cursor` of the answer before, for what follows on it.",
    "days": "What the last so many days show.",
    "end": "A service or a host: what is needed.",
    "ended": "Show also those that are over.",
    "event_id": "Id of an event, as `id` in the answers of `/logs`.",
    "everything": "Show also those that are too weak to propose, or decided.",
    "format": "`ndjson` or `csv`.",
    "learn": "From the first so many hours it only learns, 1 to 672; else as the server does.",
    "limit": "How many, at most.",
    "name": "Name of a loop or a node, as the lists show it.",
    "node": "Only these nodes, by name; may be repeated.",
    "of": "A service (its name or an alias) or a host; `host:NAME` where both have the name.",
    "offset": "How many to pass over.",
    "off": "Detectors that find nothing, by name, with commas; empty: none of them. Else as the server has it.",
    "proposal_id": "Id of a proposal, as `GET /graph/proposals` shows it.",
    "priority": "This severity and worse: 0 (`emerg`) to 7 (`debug`), or a name such as `err` or `warning`.",
    "query": "The question, in words.",
    "regex": "Regular expression (Rust's syntax) that the message must match somewhere.",
    "retired": "Show retired nodes, too.",
    "service": "Only these services, by name; may be repeated.",
    "severity": "`critical`, `warning` or `info`.",
    "since": f"From then on: {TIME}.",
    "sort": "`count` (most events first), `new`, `last` (seen last) or `rate`.",
    "start": "A service or a host: who needs.",
    "status": "`open`, `investigating`, `closed`, or `active` for the first two.",
    "tell_from": "Evidence from which an incident is told, 2 to 6; else as the server has it.",
    "template": "Only these families (`f12`) or templates (`t345`); may be repeated.",
    "template_id": "A family (`f12`) or a template (`t345`).",
    "thin": "Show also those with too little evidence to be told.",
    "timezone": "Zone of times without one, such as `Europe/Berlin`; else the server's.",
    "token_id": "Number of a token, as the list shows it.",
    "trend": "Add the last week of each family: 28 counts of 6 hours, and its nodes.",
    "until": f"Up to then: {TIME}.",
    "without": "Not these families (`f12`) or templates (`t345`); may be repeated.",
}
SENDING = {
    "DevMesh-Node": "The node that speaks; with its own token it may be missing.",
    "DevMesh-Machine": "The machine's id, so that two machines under one name are noticed.",
    "DevMesh-Protocol": "`1`, the version of the protocol.",
    "DevMesh-Batch": "An id of this request; the answer repeats it.",
}
STREAMING = {
    "DevMesh-Stream": "`<id>;<epoch>`: the numbered history that `seq` belongs to.",
    "DevMesh-Range": "`<first>-<last>;<x of last>`, several spans, or `each`: what this body covers.",
    "DevMesh-Prev": "`<seq>;<x>`: the entry before the range, as the sender knows it.",
    "Idempotency-Key": "For senders without numbers: a key that was sent within a day is answered as repeated.",
}
ERROR = {
    "title": "Error",
    "type": "object",
    "required": ["code", "message", "hint"],
    "properties": {
        "code": {"type": "string", "description": "One word for programs."},
        "message": {"type": "string", "description": "What went wrong, and why."},
        "hint": {"type": "string", "description": "What to do."},
        "batch": {"type": ["string", "null"], "description": "`DevMesh-Batch` of the request."},
    },
}
SECURITY = {"token": {"type": "http", "scheme": "bearer", "description": "`devmesh token create`"}}


def install(app: FastAPI) -> None:
    """Give `app` the described document."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        return app.openapi_schema or _described(made())

    app.openapi = openapi  # type: ignore[method-assign]


def _described(document: dict[str, Any]) -> dict[str, Any]:
    """The same document, changed where it stands."""
    for path, methods in document["paths"].items():
        for operation in methods.values():
            _summarize(operation)
            _name_parameters(path, operation)
            _tell_errors(operation)
    parts = document.setdefault("components", {})
    parts["schemas"] = {**parts.get("schemas", {}), "Error": ERROR}
    for theirs in ("HTTPValidationError", "ValidationError"):
        parts["schemas"].pop(theirs, None)
    parts["securitySchemes"] = SECURITY
    document["security"] = [{"token": []}, {}]
    return document


def _summarize(operation: dict[str, Any]) -> None:
    """The first clause of what the route says of itself is its summary; a name of a function says nothing."""
    told = " ".join(operation.get("description", "").split())
    operation["summary"] = re.split(r"\.(?: |$)|;", told, maxsplit=1)[0]
    operation["description"] = "" if told.rstrip(".") == operation["summary"] else told


def _name_parameters(path: str, operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", []):
        parameter.setdefault("description", PARAMETERS.get(parameter["name"], ""))
    heads = (SENDING if path.startswith("/ingest") else {}) | (STREAMING if path == "/ingest" else {})
    operation.setdefault("parameters", []).extend(
        {"name": name, "in": "header", "schema": {"type": "string"}, "description": text}
        for name, text in heads.items()
    )


def _tell_errors(operation: dict[str, Any]) -> None:
    """Every failure has the one form (api/errors.py), those of FastAPI's own checks too."""
    operation["responses"].pop("422", None)
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    operation["responses"]["default"] = {"description": "What went wrong, and what to do.", "content": content}
