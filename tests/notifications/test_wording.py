"""Text from logs is data in every channel (T7, T8): no mention, no link, no layout, no header comes out of it."""

from __future__ import annotations

import email
import re
from datetime import UTC, datetime
from email.policy import SMTP

import pytest
from far_side import closed, notice
from hypothesis import given, settings
from hypothesis import strategies as st

from bodies import NOW_US
from devmesh.channels import EmailChannel
from devmesh.clock import FakeClock
from devmesh.notifications import discord, wording
from devmesh.notifications.email import Email
from devmesh.notifications.model import Told
from devmesh.when import length

NASTY = [
    "@everyone", "@here", "<@123>", "<@&5>", "<#1>", "[click](https://evil.example)", "https://evil.example", "```",
    "`", "*", "_", "~~", "||", "> ", "# ", "- ", "\\", "\n", "\r\n", "\r", "\0", "\x1b[2J", "\u202e", "\u200b",
    "\ud800", "😀", "<t:1:R>", ":smile:", "Bcc: x@evil.example", "\n\nbody", "\u2028", "\x85", "a" * 300,
]  # fmt: skip
texts = st.lists(st.sampled_from(NASTY) | st.text(st.characters(), max_size=20), max_size=40).map("".join)
MAIL = EmailChannel(kind="email", server="localhost", sender="mesh@example.org", to=("a@example.org",))


def unescaped(text: str) -> str:
    """What is left for Discord to obey: the text without its escapes."""
    return re.sub(r"\\[^0-9A-Za-z\s]", "", text)


def every_text(body: dict) -> list[str]:
    """All texts of a message."""
    told = [body.get("content", "")]
    for embed in body.get("embeds", ()):
        told += [embed["title"], embed["description"]]
        told += [part for field in embed["fields"] for part in (field["name"], field["value"])]
    return told


@settings(max_examples=60, deadline=None)
@given(texts, st.lists(texts, max_size=40), st.lists(texts, max_size=20), st.lists(texts, max_size=12))
def test_discord_obeys_nothing(title, lines, quotes, names):
    """Within every limit, as Discord counts; what could be obeyed is escaped, outside of the one code block."""
    told = notice(title=title, lines=tuple(lines), quotes=tuple(quotes), services=tuple(names), nodes=tuple(names))
    body = discord.message(told, UTC, "https://mesh.example")
    assert body["allowed_mentions"] == {"parse": []}
    [embed] = body["embeds"]
    assert 0 < discord.units(embed["title"]) <= discord.TITLE
    assert discord.units(embed["description"]) <= discord.DESCRIPTION
    assert len(embed["fields"]) <= discord.FIELDS
    assert all(0 < discord.units(one["value"]) <= discord.FIELD_VALUE for one in embed["fields"])
    assert sum(map(discord.units, every_text(body))) <= discord.TOTAL
    prose, fence, rest = embed["description"].partition("\n```\n")
    if quotes:
        assert fence
        assert rest.endswith("\n```")
        assert "``" not in rest[:-4]
    for text in [embed["title"], prose, *(one["value"] for one in embed["fields"])]:
        assert not re.search(r"[\\*_~`|>#\[\]()<:]", unescaped(text)), text
    for text in every_text(body):
        assert not re.search(r"@(everyone|here|[!&]?\d)", text)
        text.encode()
        assert all(char.isprintable() or char in "\n\u200b" for char in text)


@given(texts, st.integers(1, 300))
def test_what_is_cut_is_whole(text, room):
    """Not longer than there is room, never in the middle of an escape."""
    cut = discord.fit(discord.escape(wording.safe(text)), room)
    assert discord.units(cut) <= room
    assert not re.search(r"[\\*_~`|>#\[\]()<:]", unescaped(cut))


@settings(max_examples=60, deadline=None)
@given(texts, st.lists(texts, max_size=9), texts)
def test_a_mail_has_our_headers_and_no_other(title, lines, before):
    """Whatever stands in a title, also one that is kept from the first mail; the body is plain text."""
    told = notice(title=title, lines=tuple(lines), quotes=tuple(lines), services=(title,))
    way = Email(MAIL, FakeClock(NOW_US), UTC, "https://mesh.example")
    first = way.write(told, None)
    ref = f"{first['Message-ID']} {first['Subject']}"
    for mail in (first, way.write(closed(title=before), Told(ref, "critical", "open"))):
        read = email.message_from_bytes(mail.as_bytes(policy=SMTP), policy=SMTP)
        assert set(read.keys()) <= {
            "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
            "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
        }  # fmt: skip
        assert len(read.keys()) == len(set(read.keys()))
        assert (read["To"], read["From"]) == ("a@example.org", "mesh@example.org")
        assert read.get_content_type() == "text/plain"
        assert all(char.isprintable() or char in "\r\n" for char in read.get_content())


def test_what_a_mail_says():
    """What, since when, where, why, and the page."""
    told = notice(quotes=("nfs: server nas01 not responding",), onset_us=1_768_917_600_000_000)
    assert wording.plain(told, UTC, "https://mesh.example") == (
        "Critical: nas01 is unreachable\n\n14 services are affected.\n\nServices: smbd\nNodes: nas01\n"
        "Since: 2026-01-20 14:00 UTC\n\n    nfs: server nas01 not responding\n\nhttps://mesh.example/ui/incidents/7\n"
    )


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (-5, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (11_100, "3 h 5 min")]
)
def test_how_long_it_took(seconds, said):
    """In one or two units."""
    assert length(seconds) == said


def test_a_summary_has_the_worst_first_and_the_sums():
    """Fifteen of them by name, and how many more there are."""
    counts = {(0, "open"): 3, (1, "open"): 90, (1, "closed"): 7}
    told = wording.summary("Many at once", counts, [notice(number) for number in range(15)], NOW_US)
    assert (told.severity, told.title, len(told.lines)) == ("critical", "Many at once: 100 incidents", 17)
    assert told.lines[0] == "3 critical, 97 warning; 7 of them closed by now."
    assert told.lines[-1] == "and 85 more."
    assert wording.headline(told) == "Many at once: 100 incidents"
    assert datetime.fromtimestamp(told.onset_us / 1e6, UTC)
