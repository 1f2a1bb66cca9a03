"""The headers of the ingest protocol, read strictly: a header that cannot be read is a 400, never a guess."""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.datastructures import Headers

from devmesh.errors import BadRequest, ProtocolVersion
from devmesh.nodes import Mark, Range, StreamKey, is_node_name

PROTOCOL = 1
_STREAM = re.compile(r"([!-:<-~]{1,160});(\d{1,9})")
_X = re.compile(r"[0-9A-Za-z_.-]{1,64}")
_SPAN = re.compile(rf"(\d{{1,19}})-(\d{{1,19}})(?:;({_X.pattern})?)?")
MAX_RANGES = 1_000
MAX_DIGITS = 19


@dataclass(frozen=True)
class Declared:
    """What a request says of itself."""

    batch: str | None = None
    machine_id: str | None = None
    stream: StreamKey | None = None
    ranges: tuple[Range, ...] | None = None
    each: bool = False
    marks: tuple[Mark, ...] = ()
    prev: Mark | None = None
    idempotency_key: str | None = None


def declared(headers: Headers) -> Declared:
    """Everything that the headers declare. Raises BadRequest that names the header, ProtocolVersion."""
    protocol = headers.get("devmesh-protocol", str(PROTOCOL)).strip()
    if protocol != str(PROTOCOL):
        raise ProtocolVersion(
            "This protocol version is not spoken here.",
            hint="Use an agent of the server's age.",
            min=PROTOCOL,
            max=PROTOCOL,
        )
    stream = _stream(headers.get("devmesh-stream"))
    ranges, marks, each = _ranges(headers.get("devmesh-range"))
    if stream is None and (ranges is not None or each):
        raise BadRequest("DevMesh-Range needs DevMesh-Stream.", hint="Say which stream the range belongs to.")
    return Declared(
        batch=_short(headers, "devmesh-batch", 64),
        machine_id=_short(headers, "devmesh-machine", 64),
        stream=stream,
        ranges=ranges,
        each=each,
        marks=marks,
        prev=_prev(headers.get("devmesh-prev")),
        idempotency_key=_short(headers, "idempotency-key", 255),
    )


def said_node(headers: Headers) -> str:
    """The node's name in DevMesh-Node, in UTF-8; empty where it is missing. Raises BadRequest for what is no name."""
    raw = headers.get("devmesh-node", "").strip(" \t")  # no other space: its byte may be the end of a character
    try:
        name = raw.encode("latin-1").decode()  # the framework reads every header as Latin-1
    except UnicodeError:
        name = "\0"
    if name and not is_node_name(name):
        raise BadRequest("DevMesh-Node is no node name.", hint="At most 255 printable characters, in UTF-8.")
    return name


def _short(headers: Headers, name: str, limit: int) -> str | None:
    value = headers.get(name)
    if value is None:
        return None
    if not 0 < len(value) <= limit or not value.isprintable():
        raise BadRequest(f"The header {name} cannot be read.", hint=f"1 to {limit} printable characters.")
    return value


def _stream(value: str | None) -> StreamKey | None:
    if value is None:
        return None
    match = _STREAM.fullmatch(value.strip())
    if match is None:
        raise BadRequest("The header DevMesh-Stream cannot be read.", hint="<seqnum id or file identity>;<epoch>")
    return StreamKey(match[1], int(match[2]))


def _ranges(value: str | None) -> tuple[tuple[Range, ...] | None, tuple[Mark, ...], bool]:
    """Ranges, the marks at the ends of those that have an x, and whether every event covers its own seq alone."""
    if value is None:
        return None, (), False
    if value.strip().partition(";")[0] == "each":
        return None, (), True
    parts = [_SPAN.fullmatch(one.strip()) for one in value.split(",")[: MAX_RANGES + 1]]
    if len(parts) > MAX_RANGES or not all(parts):
        raise BadRequest("The header DevMesh-Range cannot be read.", hint="<first>-<last>;<x of last>")
    said = [(int(part[1]), int(part[2]), part[3]) for part in parts if part is not None]
    if any(first > last or last >= 2**63 for first, last, _x in said):
        raise BadRequest("The header DevMesh-Range is no range.", hint="first must not be above last, both below 2^63.")
    return tuple((first, last) for first, last, _x in said), tuple((last, x) for _first, last, x in said if x), False


def _prev(value: str | None) -> Mark | None:
    if value is None:
        return None
    seq, _semicolon, x = value.strip().partition(";")
    if not (seq.isdecimal() and len(seq) <= MAX_DIGITS and int(seq) < 2**63 and _X.fullmatch(x)):
        raise BadRequest("The header DevMesh-Prev cannot be read.", hint="<seq>;<x>")
    return int(seq), x
