"""What belongs together: findings grouped to incidents, each with the reason of every join.

Owns no table yet. In: findings, counts by minute. Out: incidents with onset, when they are worth a message, and when
they ended. Promises: one fault makes one incident however long it lasts; nothing joins without a reason.
"""

from devmesh.incidents.grouping import Grouping, Incident
from devmesh.incidents.service import Incidents, Replayed

__all__ = ["Grouping", "Incident", "Incidents", "Replayed"]
