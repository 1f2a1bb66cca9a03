"""What a caller may do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Grant:
    """What a caller may do. `node` is set for node tokens alone, `person` for who signed in."""

    kind: str
    node: str | None = None
    person: str | None = None

    @property
    def reads(self) -> bool:
        """May it look at what is stored?"""
        return self.kind in {"read", "admin"}

    @property
    def administers(self) -> bool:
        """May it change how the house runs?"""
        return self.kind == "admin"

    @property
    def ingests(self) -> bool:
        """May it send events?"""
        return self.kind in {"node", "relay", "admin"}
