"""Why: the rules that rank who is to blame, and what was seen before.

Owns no table yet. In: an incident's findings, example lines, who runs where. Out: suspects, best first, each with what
speaks for it. Promises: no line from a log is more than data; the same evidence gives the same order.
"""

from devmesh.investigations.service import Investigations
from devmesh.investigations.similar import Recall, Signature, recall, signature
from devmesh.investigations.suspects import Fleet, Ranking, Suspect

__all__ = ["Fleet", "Investigations", "Ranking", "Recall", "Signature", "Suspect", "recall", "signature"]
