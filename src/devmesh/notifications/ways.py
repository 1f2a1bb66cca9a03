"""From the settings' form of a channel to the way that works."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo

from devmesh.channels import Channel, ConsoleChannel, DiscordChannel, EmailChannel, NtfyChannel, WebhookChannel
from devmesh.clock import Clock
from devmesh.notifications.console import Console
from devmesh.notifications.discord import Discord
from devmesh.notifications.model import Way
from devmesh.notifications.ntfy import Ntfy
from devmesh.notifications.posting import Post
from devmesh.notifications.webhook import Webhook


def make_ways(channels: Mapping[str, Channel], clock: Clock, zone: tzinfo, public_url: str) -> dict[str, Way]:
    """The channels by name. Raises ConfigError for an address that cannot be used."""
    return {name: make_way(name, form, clock, zone, public_url) for name, form in channels.items()}


def make_way(name: str, form: Channel, clock: Clock, zone: tzinfo, public_url: str) -> Way:
    """One channel. Raises ConfigError."""
    match form:
        case DiscordChannel():
            return Discord(name, form, Post(clock), zone, public_url)
        case EmailChannel():
            from devmesh.notifications.email import Email  # the mail packages, which others need not load

            return Email(form, clock, zone, public_url)
        case WebhookChannel():
            return Webhook(name, form, Post(clock, private=form.private), clock, public_url)
        case NtfyChannel():
            return Ntfy(name, form, Post(clock, private=form.private), zone, public_url)
        case ConsoleChannel():
            return Console(zone, public_url)
