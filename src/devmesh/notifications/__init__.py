"""Telling people: what the house has to say about an incident reaches them, once, and nobody is flooded.

Owns outbox. In: incidents as they change, with their reports, each as a `Notice`. Out: messages in Discord, mail, ntfy,
signed JSON or in the server's log. Promises: what was told to the room leaves it, over restarts and dead endpoints; a
crash repeats a message at most once; a newer state of an incident replaces what was not sent yet; a channel gets a
bounded number of messages a minute; nothing in a text from logs is obeyed by whoever shows it.
"""

from devmesh.notifications.announce import Announcer
from devmesh.notifications.model import Delivery, Notice, Trouble
from devmesh.notifications.routes import Quiet
from devmesh.notifications.service import Notifications, Plan
from devmesh.notifications.ways import make_ways

__all__ = ["Announcer", "Delivery", "Notice", "Notifications", "Plan", "Quiet", "Trouble", "make_ways"]
