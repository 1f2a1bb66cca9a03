"""Discord: one message for each incident, in a webhook's channel, changed as it goes on.

An edit makes no sound there. So where people must notice (worse, closed, reopened) and the incident is or was critical,
a short new message follows the edit; for the lesser ones the edit alone says it, since nobody was called because of
them. Text is data (T8): it is escaped so that no mention, link or layout in it works, log lines stand in a code block,
and mentions are switched off for every message.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any

import msgspec

from devmesh.channels import DiscordChannel
from devmesh.notifications.guard import read_discord
from devmesh.notifications.model import Notice, NotSent, Sent, Told, calls
from devmesh.notifications.posting import Post, field
from devmesh.notifications.wording import facts, headline, link
from devmesh.safe import safe

if TYPE_CHECKING:
    from devmesh.exchange import Reply

# Discord's limits; all texts of an embed together may have 6,000 characters.
TITLE, DESCRIPTION, FIELD_NAME, FIELD_VALUE, FIELDS, TOTAL = 256, 4096, 256, 1024, 25, 6000
CONTENT = 2000
QUOTES = 1500  # of the description, for log lines
VALUE = 600  # of a field: a title, a description and two such fields stay below TOTAL
COLOURS = {"critical": 0xD0312D, "warning": 0xE8A317, "info": 0x3B82C4}
CLOSED = 0x3BA55D
_SPECIAL = re.compile(r"([\\*_~`|>#\[\]()<:-])")
_MENTION = re.compile(r"@(?=everyone|here|[!&]?\d)", re.IGNORECASE)
_ID = re.compile(r"\d{1,20}", re.ASCII)


class Discord:
    """A webhook."""

    kind = "discord"
    edits = True

    def __init__(self, name: str, form: DiscordChannel, post: Post, zone: tzinfo, public_url: str) -> None:
        self.secrets = (form.url.get_secret_value(), form.url.get_secret_value().partition("/webhooks/")[2])
        self._place = read_discord(form.url.get_secret_value(), what=f"channel {name}")
        self._post, self._zone, self._public_url = post, zone, public_url

    def send(self, notice: Notice, before: Told | None) -> Sent:
        """Post it, or change the message that there is. Raises NotSent."""
        if before is None or not before.ref:
            return self._new(message(notice, self._zone, self._public_url))
        body = message(notice, self._zone, self._public_url)
        try:
            self._ask("PATCH", f"/messages/{before.ref}", "", body)
        except NotSent as error:
            if "(Unknown Message)" not in error.reason:
                raise
            return self._new(body)  # somebody deleted it
        eased = notice.status == "eased"  # whoever was silenced is told of with a sound, however severe
        if calls(notice, before) and (eased or "critical" in {notice.severity, before.severity}):
            said = [headline(notice), *map(safe, notice.lines[:1] if eased else ())]
            self._new({**_quiet(), "content": fit(escape("\n".join(said)), CONTENT)})
        return Sent(before.ref, "Discord took the edit")

    def _new(self, body: dict[str, Any]) -> Sent:
        reply = self._ask("POST", "", "wait=true", body)
        said = field(reply, "id")
        # A message without an id was taken all the same: the next change of it will be a new message.
        ref = said if isinstance(said, str) and _ID.fullmatch(said) else ""
        return Sent(ref, f"Discord answered {reply.status}" + (f", message {ref}" if ref else ", without an id"))

    def _ask(self, method: str, more: str, query: str, body: dict[str, Any]) -> Reply:
        url, _, thread = self._place.url.partition("?")
        queries = "&".join(one for one in (query, thread) if one)
        place = replace(self._place, url=url + more + (f"?{queries}" if queries else ""))
        return self._post(place, msgspec.json.encode(body), method=method)


def message(notice: Notice, zone: tzinfo, public_url: str) -> dict[str, Any]:
    """The body of a message: one embed, within every limit."""
    embed: dict[str, Any] = {
        "title": fit(escape(headline(notice)), TITLE),
        "description": _description(notice),
        "color": CLOSED if notice.status == "closed" else COLOURS[notice.severity],
        "timestamp": datetime.fromtimestamp(notice.onset_us // 1_000_000, UTC).isoformat(),
        "fields": [
            {"name": name, "value": fit(escape(value), VALUE), "inline": True} for name, value in facts(notice, zone)
        ],
    }
    if address := link(notice, public_url):
        embed["url"] = address
    return {**_quiet(), "embeds": [embed]}


def _quiet() -> dict[str, Any]:
    return {"allowed_mentions": {"parse": []}}


def _description(notice: Notice) -> str:
    """The sentences, then the log lines in a code block that they cannot leave."""
    block = ""
    if notice.quotes:
        quoted = "\n".join(_MENTION.sub("@\u200b", safe(quote)).replace("`", "`\u200b") for quote in notice.quotes)
        block = f"\n```\n{fit(quoted, QUOTES)}\n```"
    room = DESCRIPTION - units(block)
    return fit("\n".join(escape(safe(line)) for line in notice.lines), room) + block


def escape(text: str) -> str:
    """Text that Discord shows as it is: no layout, link, mention or emoji in it works."""
    return _SPECIAL.sub(r"\\\1", _MENTION.sub("@\u200b", text))


def units(text: str) -> int:
    """Its length as Discord counts it: UTF-16."""
    return len(text) + sum(ord(char) > 0xFFFF for char in text)  # noqa: PLR2004 - those take two


def fit(text: str, room: int) -> str:
    """The text, cut with … where it has more than `room` units; never inside of an escape."""
    if units(text) <= room:
        return text
    while units(text) >= room:
        text = text[: room - 1 - (units(text[:room]) - len(text[:room]))]
    kept = text.rstrip("\\")
    return kept + "\\\\" * ((len(text) - len(kept)) // 2) + "…"
