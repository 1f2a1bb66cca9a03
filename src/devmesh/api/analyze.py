"""`/analyze`: a question in plain words."""

from __future__ import annotations

from threading import BoundedSemaphore
from typing import Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from devmesh.answering import as_values, ask
from devmesh.api.auth import mesh_of, reader
from devmesh.errors import Unavailable

router = APIRouter(tags=["analysis"], dependencies=[Depends(reader)])

AT_ONCE = 2
_answering = BoundedSemaphore(AT_ONCE)  # each answer may take a core for ten seconds


class AnalyzeRequest(BaseModel):
    """A question; times are read and told in `timezone`, or the server's."""

    question: str = Field(max_length=1_000)
    timezone: str = Field("", max_length=64)


class ToolCallRecord(BaseModel):
    """A call of a tool: its arguments, the rows that it gave, the time that they are of (null: open), why it failed."""

    tool: str
    arguments: dict[str, Any]
    rows: list[dict[str, Any]]
    since_us: int | None
    until_us: int | None
    sums: dict[str, Any]
    cut: bool
    error: str
    took_ms: int


class AnalyzeResponse(BaseModel):
    """An answer: `text` in plain lines, and as `parts` whose statements have claims, each with value and truth.

    `understood` is how the question was read, `enough` whether there was evidence, `examples` what can be asked where
    it was not understood.
    """

    question: str
    kind: str
    understood: dict[str, Any]
    enough: bool
    text: str
    parts: list[dict[str, Any]]
    notes: list[str]
    examples: list[str]
    cites: list[str]
    tools: list[ToolCallRecord]
    struck: int
    taken_out: int
    took_ms: int


@router.post("/analyze")
def analyze(request: Request, said: AnalyzeRequest) -> AnalyzeResponse:
    """Answer a question from what is stored, within some ten seconds; two at a time."""
    if not _answering.acquire(blocking=False):
        raise Unavailable("Two questions are being answered already.", hint="Ask again shortly.", retry_after_s=5)
    try:
        return AnalyzeResponse(**as_values(ask(mesh_of(request), said.question, timezone=said.timezone)))
    finally:
        _answering.release()
