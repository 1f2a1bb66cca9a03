"""Embeddings from a gateway that speaks the OpenAI form: POST {url}/v1/embeddings.

Promises: a vector that comes out is whole, finite, of the right dimension and belongs to its text; everything else is
one EmbeddingUnavailable with a `reason`. A gateway that is down, slow or wrong costs at most `timeout_s` and a few
megabytes a try, and after a failure nothing is asked for a while (see backoff.py). Texts never stand in an error.
"""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec
import numpy as np

from devmesh.backoff import Breaker, failed
from devmesh.embeddings.local import MAX_TEXT
from devmesh.embeddings.model import EmbeddingUnavailable, Vectors, unit, whole
from devmesh.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devmesh.clock import Clock
    from devmesh.exchange import Reply

BATCH = 32  # texts a request; at 4,096 numbers each the reply is about 3 MB
MAX_DIM = 4_096
_VECTOR_BYTES = 128 * 1024  # JSON of one vector of MAX_DIM numbers with 17 digits, and room
_FRAME_BYTES = 64 * 1024  # what stands around the vectors in a reply
_REFUSED = (400, 413, 422)  # answers about the texts, not about the gateway


class _Item(msgspec.Struct):
    index: int
    embedding: list[float]


class _Answer(msgspec.Struct):
    data: list[_Item]


class GatewayProvider:
    """An embedding model behind a gateway.

    `dim` is 0 until the first answer or the stored model tells it; afterwards another dimension is an error. `stop`
    ends the pause between batches at once. Safe from several threads: they share the breaker, and the last to write
    wins. Raises ConfigError for an address that can be none.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        clock: Clock,
        timeout_s: float = 30.0,
        delay_s: float = 0.0,
        dim: int = 0,
        token: str = "",
        stop: threading.Event | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        if not _is_address(url):
            raise ConfigError("GATEWAY_URL is no http address.", hint="For example http://gateway:4000")
        self.name, self.dim = model, dim
        self._url = url.rstrip("/").removesuffix("/v1") + "/v1/embeddings"
        self._clock, self._timeout_s, self._delay_s = clock, timeout_s, delay_s
        self._token, self._stop, self._chance = token, stop or threading.Event(), chance
        self._breaker = Breaker()
        self.last_error = ""

    @property
    def wait_s(self) -> float:
        """Seconds until it asks again after a failure; 0 if it may now."""
        return self._breaker.wait_s(self._clock.monotonic_s())

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape (len(texts), dim), float32, unit length; asks in batches, with `delay_s` between them.

        Raises EmbeddingUnavailable with `reason` in its details: waiting, down, slow, status, redirect, refused (the
        gateway is well but not with these texts: it is asked again at once), size, form, count, dimension, numbers,
        stopped.
        """
        if not texts:
            return np.zeros((0, self.dim), dtype=np.float32)
        batches = []
        for start in range(0, len(texts), BATCH):
            if start and self._clock.wait(self._delay_s, self._stop):
                raise _unavailable("stopped", "the server stops")
            batches.append(self._batch([text[:MAX_TEXT] for text in texts[start : start + BATCH]]))
        return np.concatenate(batches)

    def _batch(self, texts: list[str]) -> Vectors:
        if wait_s := self.wait_s:
            raise _unavailable("waiting", f"it failed before ({self.last_error})", retry_after_s=int(wait_s) + 1)
        try:
            reply = self._ask(texts)
            vectors = self._read(reply, len(texts))
        except EmbeddingUnavailable as error:
            self.last_error = error.message
            if error.details["reason"] != "refused":
                after_s = float(error.retry_after_s or 0)
                self._breaker = failed(self._breaker, self._clock.monotonic_s(), self._chance(), after_s)
            raise
        self._breaker, self.last_error, self.dim = Breaker(), "", vectors.shape[1]
        return vectors

    def _ask(self, texts: list[str]) -> Reply:
        import httpcore  # 0.1 s of CPU that only those with a gateway pay

        from devmesh.exchange import OverSize, post

        body = msgspec.json.encode({"model": self.name, "input": [whole(text) for text in texts]})
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        limit = _FRAME_BYTES + len(texts) * _VECTOR_BYTES
        try:
            return post(self._url, headers, body, timeout_s=self._timeout_s, max_bytes=limit, clock=self._clock)
        except httpcore.TimeoutException as error:
            raise _unavailable("slow", f"no answer within {self._timeout_s:g} s") from error
        except OverSize as error:
            raise _unavailable("size", f"its reply is over {limit} bytes") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, OSError) as error:
            raise _unavailable("down", f"{type(error).__name__}") from error

    def _read(self, reply: Reply, count: int) -> Vectors:
        _check_status(reply)
        try:
            items = msgspec.json.decode(reply.body, type=_Answer).data
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise _unavailable("form", "its reply is not the JSON of embeddings") from error
        if sorted(item.index for item in items) != list(range(count)):
            raise _unavailable("count", f"it answered {len(items)} vectors for {count} texts")
        dims = {len(item.embedding) for item in items}
        expected = self.dim or max(dims)
        if dims != {expected} or not 0 < expected <= MAX_DIM:
            raise _unavailable(
                "dimension", f"its vectors have {sorted(dims)[:3]} numbers, not {expected} (at most {MAX_DIM})"
            )
        items.sort(key=lambda item: item.index)
        with np.errstate(all="ignore"):  # what overflows here is refused in the next line
            vectors = unit(np.asarray([item.embedding for item in items]).astype(np.float32))
        if not np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-3):
            raise _unavailable("numbers", "its vectors are zero or not finite")
        return vectors


def _is_address(url: str) -> bool:
    """Whether it can be asked at all."""
    try:
        address = urlsplit(url)
        _port = address.port
    except ValueError:
        return False
    return address.scheme in {"http", "https"} and bool(address.hostname)


def _check_status(reply: Reply) -> None:
    if 300 <= reply.status < 400:  # noqa: PLR2004 - RFC 9110, section 15.4
        raise _unavailable("redirect", f"it redirects ({reply.status})", hint="set GATEWAY_URL to the final address")
    if reply.status in _REFUSED:
        raise _unavailable("refused", f"it answered {reply.status} to these texts")
    if reply.status != 200 or reply.headers.get("content-encoding", "identity") != "identity":  # noqa: PLR2004
        after = reply.headers.get("retry-after", "")
        raise _unavailable(
            "status", f"it answered {reply.status}", retry_after_s=int(after) if after.isdecimal() else None
        )


def _unavailable(reason: str, cause: str, *, hint: str = "", retry_after_s: int | None = None) -> EmbeddingUnavailable:
    return EmbeddingUnavailable(
        f"cannot embed with the gateway: {cause}", hint=hint, retry_after_s=retry_after_s, reason=reason
    )
