"""One HTTP request of a channel, from a guarded address to an answer that says what to do next (T9, F53)."""

from __future__ import annotations

import math
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from devmesh.clock import Clock
from devmesh.notifications.guard import Place, Resolve, addresses, look_up
from devmesh.notifications.model import NotSent
from devmesh.safe import safe

if TYPE_CHECKING:
    from devmesh.exchange import Reply

TIMEOUT_S = 10.0
REPLY_BYTES = 64 * 1024
TOO_MANY = 429
GONE = {401, 403, 404, 410}
REFUSED = {400, 405, 413, 415, 422}
SHOWN = 120


@dataclass(frozen=True)
class Post:
    """Sends JSON to one host; `resolve` is how names become addresses."""

    clock: Clock
    private: bool = False
    resolve: Resolve = look_up

    def __call__(
        self, place: Place, body: bytes, headers: Mapping[str, str] | None = None, method: str = "POST"
    ) -> Reply:
        """The answer, where it is 2xx. Raises NotSent."""
        import httpcore  # 0.1 s of CPU that only those with such a channel pay

        from devmesh.exchange import post

        where = addresses(place, private=self.private, resolve=self.resolve)
        heads = {
            "Host": place.told,
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "DevMesh",
        }
        try:
            reply = post(
                place.url,
                {**heads, **(headers or {})},
                body,
                timeout_s=TIMEOUT_S,
                max_bytes=REPLY_BYTES,
                clock=self.clock,
                method=method,
                addresses=where,
                cut=True,  # what was taken must not be sent again because of a bad body behind the 200
            )
        except httpcore.TimeoutException as error:
            raise NotSent(f"{place.host} did not answer within {TIMEOUT_S:g} s") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, OSError) as error:
            raise NotSent(
                f"{place.host} cannot be reached: {safe(str(error))[:SHOWN] or type(error).__name__}"
            ) from error
        check(reply, place.host)
        return reply


def check(reply: Reply, host: str) -> None:
    """Raise NotSent for every answer but 2xx; no redirect is followed, it would carry the message elsewhere."""
    status = reply.status
    if 200 <= status < 300:  # noqa: PLR2004 - RFC 9110, section 15.3
        return
    said = f"{host} answered {status}{_words(reply)}"
    if status == TOO_MANY:
        raise NotSent(said, retry_after_s=retry_after_s(reply))
    if 300 <= status < 400:  # noqa: PLR2004 - section 15.4
        raise NotSent(f"{said}: it redirects; set the final address", gone=True)
    raise NotSent(said, gone=status in GONE, refused=status in REFUSED, retry_after_s=retry_after_s(reply))


def retry_after_s(reply: Reply) -> float:
    """Seconds that the peer asks to wait; 0 where it does not say, or says nonsense. Discord's body is the finer."""
    for said in (field(reply, "retry_after"), reply.headers.get("retry-after")):
        try:
            seconds = float(said)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            continue
        if math.isfinite(seconds) and seconds > 0:
            return seconds
    return 0.0


def field(reply: Reply, name: str) -> object:
    """A value of the body's JSON object; None where there is none."""
    try:
        body = msgspec.json.decode(reply.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return body.get(name) if isinstance(body, dict) else None


def _words(reply: Reply) -> str:
    """What Discord and ntfy say of an error, in brackets."""
    said = field(reply, "message") or field(reply, "error")
    return f" ({safe(said)[:SHOWN]})" if isinstance(said, str) else ""
