"""JSON to a program of the user's, signed: HMAC-SHA256 (RFC 2104) over the time, a dot and the body.

The receiver computes it anew with the shared key, compares in constant time, and refuses a time that is too old; the
header `DevMesh-Delivery` is the same when a message is repeated.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import asdict

import msgspec

from devmesh.channels import WebhookChannel
from devmesh.clock import Clock
from devmesh.notifications.guard import read
from devmesh.notifications.model import Notice, Sent, Told
from devmesh.notifications.posting import Post
from devmesh.notifications.wording import headline, link


class Webhook:
    """An address that takes notices as they are."""

    kind = "webhook"
    edits = True  # whoever reads them wants every change, and none makes a sound

    def __init__(self, name: str, form: WebhookChannel, post: Post, clock: Clock, public_url: str) -> None:
        self.secrets = (form.key.get_secret_value(), form.url.get_secret_value())
        self._place = read(form.url.get_secret_value(), what=f"channel {name}", private=form.private)
        self._key = form.key.get_secret_value().encode()
        self._post, self._clock, self._public_url = post, clock, public_url

    def send(self, notice: Notice, before: Told | None) -> Sent:
        """Post it. Raises NotSent."""
        del before
        told = {**asdict(notice), "headline": headline(notice), "url": link(notice, self._public_url)}
        body = msgspec.json.encode(told)
        at = str(self._clock.now_us() // 1_000_000)
        heads = {
            "DevMesh-Timestamp": at,
            "DevMesh-Signature": "sha256=" + sign(self._key, at, body),
            "DevMesh-Delivery": f"{notice.incident_id}-{notice.version}",
        }
        reply = self._post(self._place, body, heads)
        return Sent(f"{notice.incident_id}", f"{self._place.host} answered {reply.status}")


def sign(key: bytes, at: str, body: bytes) -> str:
    """The signature in hex digits."""
    return hmac.new(key, at.encode() + b"." + body, hashlib.sha256).hexdigest()
