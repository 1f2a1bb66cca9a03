"""The exceptions of the house: code, message, hint, HTTP status and exit code in one place.

    DevMeshError                 500  1
    ├── InvalidInput             422  2   what was given cannot be read; the message names the field
    │   ├── BadRequest           400  2   the request as a whole cannot be read
    │   │   └── TooSlow          408  2   it took too long to arrive
    │   ├── TooLarge             413  2   over a limit, counted while reading and while decompressing
    │   └── UnsupportedEncoding  415  2
    ├── NotFound                 404  4
    ├── Unauthorized             401  5   no token, or one that is not known
    ├── Forbidden                403  5   a known token that may not do this
    ├── Conflict                 409  6
    │   ├── StreamForked         409  6   another history under the same stream
    │   └── NodeClone            409  6   two machines speak as one node
    ├── ProtocolVersion          426  7
    ├── QuotaExceeded            429  8
    ├── Unavailable              503  8   try again: writer behind, store away, disk nearly full
    │   └── StorageFull          503  8
    └── ConfigError              500  3   a setting cannot work; the message names it

Every error is a sentence that says what went wrong and why; the hint says what to do. Never put log text into either.
"""

from __future__ import annotations

from typing import Any, ClassVar


class DevMeshError(Exception):
    """Something in DevMesh went wrong."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str = "", *, hint: str = "", retry_after_s: int | None = None, **details: Any) -> None:
        """`details` are further JSON values for the answer's body (coverage, marks, limits …)."""
        super().__init__(message or (self.__doc__ or "").split("\n", maxsplit=1)[0])
        self.hint = hint
        self.retry_after_s = retry_after_s
        self.details = details

    @property
    def message(self) -> str:
        """The sentence for people."""
        return str(self.args[0])

    def body(self) -> dict[str, Any]:
        """The JSON body that every face gives for this error."""
        return {"code": self.code, "message": self.message, "hint": self.hint, **self.details}


class InvalidInput(DevMeshError):
    """What was given cannot be read."""

    code, status, exit_code = "invalid_input", 422, 2


class BadRequest(InvalidInput):
    """The request as a whole cannot be read."""

    code, status = "bad_request", 400


class TooSlow(BadRequest):
    """The request took too long to arrive."""

    code, status = "too_slow", 408


class TooLarge(InvalidInput):
    """What was sent is over a limit."""

    code, status = "too_large", 413


class UnsupportedEncoding(InvalidInput):
    """This Content-Encoding is not known here."""

    code, status = "unsupported_encoding", 415


class NotFound(DevMeshError):
    """There is no such thing."""

    code, status, exit_code = "not_found", 404, 4


class Unauthorized(DevMeshError):
    """This needs a token that the server knows."""

    code, status, exit_code = "unauthorized", 401, 5


class Forbidden(DevMeshError):
    """This token may not do that."""

    code, status, exit_code = "forbidden", 403, 5


class Conflict(DevMeshError):
    """This contradicts what is stored."""

    code, status, exit_code = "conflict", 409, 6


class StreamForked(Conflict):
    """The stream's history here is another one than the sender's."""

    code = "stream_forked"


class NodeClone(Conflict):
    """Two machines speak as this node."""

    code = "node_clone"


class ProtocolVersion(DevMeshError):
    """The sender's protocol version is not spoken here."""

    code, status, exit_code = "protocol_version", 426, 7


class QuotaExceeded(DevMeshError):
    """This node's quota is used up for now."""

    code, status, exit_code = "quota_exceeded", 429, 8


class Unavailable(DevMeshError):
    """Not now; the same request will work later."""

    code, status, exit_code = "unavailable", 503, 8


class StorageFull(Unavailable):
    """The disk is nearly full; nothing more is taken in until there is room."""

    code = "storage_full"


class ConfigError(DevMeshError):
    """A setting cannot work as it is."""

    code, exit_code = "config", 3
