"""What people say of incidents: real, or noise. A detector's precision is measured by it."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, select

from devmesh.accounts import record
from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.db.lists import one_of
from devmesh.errors import InvalidInput, NotFound
from devmesh.incidents.given import number_of
from devmesh.incidents.tables import incident_parts, incidents, votes

REAL, NOISE = "real", "noise"
VERDICTS = (REAL, NOISE)
SURE = 1.96  # standard deviations: 95 % of a normal distribution
COUNTED = 2_000  # incidents of which votes are counted, the newest


class Precision(NamedTuple):
    """Of how many incidents that a detector has a part in people said that they are real, and noise."""

    real: int
    noise: int

    @property
    def share(self) -> float | None:
        """The share of real ones; None where nobody voted."""
        return self.real / (self.real + self.noise) if self.real + self.noise else None

    @property
    def at_least(self) -> float | None:
        """The share that it surely has: the lower end of Wilson's interval of 95 % (Wilson 1927)."""
        n, share = self.real + self.noise, self.share
        if share is None:
            return None
        middle = share + SURE**2 / (2 * n)
        spread = SURE * math.sqrt(share * (1 - share) / n + SURE**2 / (4 * n * n))
        return max(0.0, (middle - spread) / (1 + SURE**2 / n))


class Votes:
    """A verdict for each person and incident; the last one holds."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock

    def vote(self, incident_id: int, verdict: str, who: str) -> None:
        """Say what an incident is: `real` or `noise`. Raises InvalidInput, NotFound."""
        if verdict not in VERDICTS:
            raise InvalidInput("A vote is real or noise.", hint="real: it was worth looking at.")
        number = number_of(incident_id, "incident")

        def change(connection: Connection) -> None:
            if connection.execute(select(incidents.c.id).where(incidents.c.id == number)).first() is None:
                raise NotFound(f"There is no incident {number}.", hint="See: devmesh incidents")
            connection.execute(delete(votes).where((votes.c.incident_id == number) & (votes.c.who == who)))
            values = {"incident_id": number, "who": who, "verdict": verdict, "at_us": self._clock.now_us()}
            connection.execute(insert(votes).values(values))
            record(connection, self._clock, who, "voted", f"incident {number}: {verdict}")

        self._db.transact(change)

    def of(self, incident_ids: Iterable[int]) -> dict[int, dict[str, str]]:
        """{incident: {who: verdict}}; incidents without votes are left out."""
        found: dict[int, dict[str, str]] = defaultdict(dict)
        query = select(votes).where(one_of(votes.c.incident_id, incident_ids)).order_by(votes.c.at_us, votes.c.who)
        with self._db.read() as connection:
            for row in connection.execute(query):
                found[row.incident_id][row.who] = row.verdict
        return dict(found)

    def precision(self) -> dict[str, Precision]:
        """By detector, over the newest 2,000 incidents that have votes: each counts once, by the majority of its votes
        (those of incidents that were merged into it, too), for every detector that has a finding in it. As many real
        as noise say nothing.
        """
        root = func.coalesce(incidents.c.merged_into, incidents.c.id).label("root")
        voted = select(root, votes.c.verdict, func.count()).join(votes, votes.c.incident_id == incidents.c.id)
        newest = select(root).join(votes, votes.c.incident_id == incidents.c.id).distinct().order_by(root.desc())
        part = incident_parts.c
        with self._db.read() as connection:
            ids = list(connection.execute(newest.limit(COUNTED)).scalars())
            tally = Counter[int]()
            for number, verdict, n in connection.execute(
                voted.where(one_of(root, ids)).group_by(root, votes.c.verdict)
            ):
                tally[number] += n if verdict == REAL else -n
            in_them = select(part.incident_id, part.detector).where(one_of(part.incident_id, ids)).distinct()
            pairs = connection.execute(in_them).all()
        real = Counter(detector for number, detector in pairs if tally[number] > 0)
        noise = Counter(detector for number, detector in pairs if tally[number] < 0)
        return {name: Precision(real[name], noise[name]) for name in sorted({*real, *noise})}
