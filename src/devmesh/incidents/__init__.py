"""What belongs together: findings grouped to incidents, each with the reason of every join.

Owns incidents, incident_findings, incident_parts, evidence, votes, mutes, notes, maintenance. In: findings, counts by
minute, what people say. Out: incidents with onset, when they are worth a message, and when they ended. Promises: one
fault makes one incident however long it lasts; nothing joins without a reason; a crash opens none twice.
"""

from devmesh.incidents.grouping import Grouping, Incident
from devmesh.incidents.guard import Mute
from devmesh.incidents.maintenance import Names, Window
from devmesh.incidents.model import Case, Cited, Joined, Note, Part
from devmesh.incidents.service import Incidents, Replayed
from devmesh.incidents.ties import Ties

__all__ = [
    "Case", "Cited", "Grouping", "Incident", "Incidents", "Joined", "Mute", "Names", "Note", "Part", "Replayed",
    "Ties", "Window",
]  # fmt: skip
