"""The body of a heartbeat, checked."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from devmesh.errors import InvalidInput
from devmesh.nodes import Gap, Heartbeat, StreamKey

Seq = Annotated[int, Field(ge=0, lt=2**63)]
Plain = str | Annotated[int, Field(ge=-(2**63), lt=2**63)] | bool | None
Instant = Annotated[int, Field(ge=-(2**62), lt=2**62)]
MAX_GAPS = 1_000
MAX_EPOCH_DIGITS = 9


class GapBody(BaseModel):
    """Entries that nobody can send any more; `stream` is `<id>;<epoch>`."""

    stream: str = Field(max_length=200)
    first: Seq = Field(alias="from")
    last: Seq = Field(alias="to")
    exact: bool = True
    reason: str = Field("unknown", max_length=64)


class HeartbeatBody(BaseModel):
    """What an agent says of itself."""

    agent: str = Field("", max_length=64)
    backlog_events: Seq | None = None
    oldest_unsent_us: Instant | None = None
    dropped: dict[str, Seq] = Field(default_factory=dict, max_length=1_000)
    gaps: list[GapBody] = Field(default_factory=list, max_length=MAX_GAPS)
    clock_us: Instant | None = None
    skew_us: Annotated[int, Field(gt=-(2**62), lt=2**62)] | None = None
    skew_error_us: Seq | None = None
    boot_id: str | None = Field(None, max_length=64)
    started_us: Instant | None = None
    unanswered_us: Seq | None = None
    leaving: str | None = Field(None, max_length=16)
    machine_id: str | None = Field(None, max_length=64)
    sources: list[dict[str, Plain]] = Field(default_factory=list, max_length=1_000)

    def as_heartbeat(self, machine_id: str | None) -> Heartbeat:
        """The same in the words of the room nodes."""
        return Heartbeat(
            agent=self.agent,
            backlog_events=self.backlog_events,
            oldest_unsent_us=self.oldest_unsent_us,
            clock_us=self.clock_us,
            skew_us=self.skew_us,
            skew_error_us=self.skew_error_us,
            boot_id=self.boot_id,
            started_us=self.started_us,
            unanswered_us=self.unanswered_us,
            leaving=self.leaving,
            machine_id=self.machine_id or machine_id,
            dropped=self.dropped,
            sources=self.sources,
            gaps=tuple(_gap(one) for one in self.gaps),
        )


def parse_heartbeat(body: bytes) -> HeartbeatBody:
    """The heartbeat in a body. Raises InvalidInput that names the field.

    Read strictly: what json.loads would let through (NaN, lone surrogates, endless depth) would come out again in
    every page that shows nodes.
    """
    try:
        return HeartbeatBody.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        name = ".".join(str(part) for part in first["loc"]) or "the heartbeat"
        raise InvalidInput(f"{name[:100]}: {first['msg']}.", hint="See docs/protocol.md.") from None


def schema() -> dict[str, Any]:
    """The request's part of the OpenAPI document."""
    whole = HeartbeatBody.model_json_schema()
    whole["properties"]["gaps"]["items"] = whole.pop("$defs")["GapBody"]
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": whole}}}}


def _gap(said: GapBody) -> Gap:
    seqnum_id, _semicolon, epoch = said.stream.rpartition(";")
    if not seqnum_id or not (epoch.isdecimal() and len(epoch) <= MAX_EPOCH_DIGITS):
        raise InvalidInput("gaps.stream cannot be read.", hint="<seqnum id or file identity>;<epoch>")
    if said.first > said.last:
        raise InvalidInput("gaps: from is above to.", hint="The first lost number comes first.")
    return Gap(StreamKey(seqnum_id, int(epoch)), said.first, said.last, said.exact, said.reason)
