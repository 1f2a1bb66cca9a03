"""Why: the rules that rank who is to blame, and what was seen before.

Owns incident_reports. In: an incident's findings, counts and lines around it, what was changed, what people wrote about
earlier ones. Out: suspects, best first, changes, reports. Promises: no line from a log is more than data; the same
evidence gives the same order; each value in a report was recomputed from the store before it was printed.
"""

from devmesh.investigations.accusing import Fleet
from devmesh.investigations.claims import Claim, Metric, Statement
from devmesh.investigations.impact import Impact, impact_of
from devmesh.investigations.ledger import Ledger, Said, Told
from devmesh.investigations.lock import Lock, Locked, stated, truth
from devmesh.investigations.model import Report, Seen, Summary
from devmesh.investigations.service import Investigations
from devmesh.investigations.similar import Recall, Signature, recall, roles_of, signature
from devmesh.investigations.strip import Change
from devmesh.investigations.suspects import Ranking, Suspect

__all__ = [
    "Change",
    "Claim",
    "Fleet",
    "Impact",
    "Investigations",
    "Ledger",
    "Lock",
    "Locked",
    "Metric",
    "Ranking",
    "Recall",
    "Report",
    "Said",
    "Seen",
    "Signature",
    "Statement",
    "Summary",
    "Suspect",
    "Told",
    "impact_of",
    "recall",
    "roles_of",
    "signature",
    "stated",
    "truth",
]  # fmt: skip
