"""The way in: formats, redaction, the columnar pipeline, the shared commit.

Owns redaction_keys. In: bodies of lines with who speaks and what they cover. Out: answers after the commit. Promises:
nothing is acknowledged before it is durable, nothing is stored twice, a bad line costs no neighbour, and secrets are
masked before anything is stored.
"""

from devmesh.intake.model import Limits, Rejected
from devmesh.intake.request import Answer, Request, Ticket
from devmesh.intake.service import Intake, Totals
from devmesh.intake.services import clean_name

__all__ = ["Answer", "Intake", "Limits", "Rejected", "Request", "Ticket", "Totals", "clean_name"]
