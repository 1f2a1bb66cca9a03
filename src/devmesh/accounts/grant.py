"""What a caller may do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Grant:
    """What a caller may do. `node` is set for node tokens alone, `person` for who signed in; `by` is how the audit log
    names the caller.
    """

    kind: str
    node: str | None = None
    person: str | None = None
    by: str = "this machine"

    @property
    def reads(self) -> bool:
        """May it look at what is stored?"""
        return self.kind in {"read", "operate", "admin"}

    @property
    def operates(self) -> bool:
        """May it change what people say of the logs: labels, notes, merges and splits?"""
        return self.kind in {"operate", "admin"}

    @property
    def administers(self) -> bool:
        """May it change how the house runs?"""
        return self.kind == "admin"

    @property
    def ingests(self) -> bool:
        """May it send events?"""
        return self.kind in {"node", "relay", "admin"}
