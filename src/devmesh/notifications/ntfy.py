"""ntfy: a push message to phones. JSON, so that no title can write a header; what is severe rings louder."""

from __future__ import annotations

from dataclasses import replace
from datetime import tzinfo

import msgspec

from devmesh.channels import NtfyChannel
from devmesh.errors import ConfigError
from devmesh.notifications.guard import read
from devmesh.notifications.model import Notice, Sent, Told
from devmesh.notifications.posting import Post
from devmesh.notifications.wording import headline, link, plain

PRIORITIES = {"critical": 5, "warning": 4, "info": 2}
TAGS = {"critical": "rotating_light", "warning": "warning", "info": "information_source"}
CLOSED = 3
TEXT_BYTES = 3_800  # ntfy makes a file of more than 4,096
TITLE = 200


class Ntfy:
    """A topic."""

    kind = "ntfy"
    edits = False

    def __init__(self, name: str, form: NtfyChannel, post: Post, zone: tzinfo, public_url: str) -> None:
        self.secrets = (form.token.get_secret_value(), form.url.get_secret_value())
        place = read(form.url.get_secret_value(), what=f"channel {name}", private=form.private)
        base, _, self._topic = place.url.rstrip("/").rpartition("/")
        if "?" in place.url or base.count("/") < 2 or not self._topic:  # noqa: PLR2004 - https://host
            raise ConfigError(
                f"The URL of channel {name} names no topic.", hint="https://ntfy.sh/a-name-nobody-guesses"
            )
        self._place, self._post = replace(place, url=base + "/"), post
        self._token, self._zone, self._public_url = form.token.get_secret_value(), zone, public_url

    def send(self, notice: Notice, before: Told | None) -> Sent:
        """Publish it. Raises NotSent."""
        del before
        closed = notice.status == "closed"
        text = plain(notice, self._zone, self._public_url).partition("\n")[2].strip()
        body = {
            "topic": self._topic,
            "title": headline(notice)[:TITLE],
            "message": text.encode()[:TEXT_BYTES].decode("utf-8", "ignore") or headline(notice)[:TITLE],
            "priority": CLOSED if closed else PRIORITIES[notice.severity],
            "tags": ["white_check_mark" if closed else TAGS[notice.severity]],
        }
        if address := link(notice, self._public_url):
            body["click"] = address
        heads = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        reply = self._post(self._place, msgspec.json.encode(body), heads)
        return Sent("", f"{self._place.host} answered {reply.status}")
