"""The room's verbs: make, check and revoke tokens; `people` has those of users and sessions, `audit` who did what.

A token is 256 random bits, so a plain SHA-256 of it is enough to store; the lookup by hash tells an attacker's clock
nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from threading import Lock

from sqlalchemy import func, insert, select, update

from devmesh.accounts.audit import COMMAND_LINE, Audit, record
from devmesh.accounts.grant import Grant
from devmesh.accounts.people import People
from devmesh.accounts.tables import tokens
from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.errors import InvalidInput, NotFound, Unauthorized
from devmesh.paging import LIMIT_DEFAULT, Page, check_limit, first_of, number_in

PREFIX = "dm_"
KINDS = ("node", "relay", "read", "admin")
CACHE_S = 5.0
NAME_CHARS = 255


@dataclass(frozen=True)
class TokenInfo:
    """A token as people see it: never the secret."""

    id: int
    kind: str
    node: str | None
    created_us: int
    revoked_us: int | None


class Accounts:
    """Who may."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self._lock = Lock()
        self.people = People(db, clock)
        self.audit = Audit(db)
        self._session = ""
        self._cache: dict[bytes, tuple[float, Grant]] = {}

    def create_token(self, kind: str, node: str | None = None, by: str = COMMAND_LINE) -> str:
        """A new secret, shown this once, made `by` somebody. Raises InvalidInput where `node` is no name that intake
        takes.
        """
        if kind not in KINDS:
            raise InvalidInput(f"A token is one of {', '.join(KINDS)}.", hint="devmesh token create --node NAME")
        if (kind == "node") != bool(node):
            raise InvalidInput(
                "A node token names its node, the others name none.", hint="devmesh token create --node NAME"
            )
        if node and not (len(node) <= NAME_CHARS and node.isprintable() and node == node.strip()):
            raise InvalidInput(
                f"A node's name is 1 to {NAME_CHARS} printable characters, no space around them.",
                hint="devmesh token create --node NAME",
            )
        secret = PREFIX + secrets.token_urlsafe(32)
        row = {"hash": _hash(secret), "kind": kind, "node": node, "created_us": self._clock.now_us()}
        with self._db.write() as connection:
            made = connection.execute(insert(tokens).values(row).returning(tokens.c.id)).scalar_one()
            record(connection, self._clock, by, "made token", f"{made} ({kind}{f' {node}' if node else ''})")
        return secret

    def create_session_token(self) -> str:
        """An admin secret that lives only in this process: what the command line finds in the lock file."""
        self._session = PREFIX + secrets.token_urlsafe(32)
        return self._session

    def check(self, secret: str) -> Grant:
        """What the bearer of `secret` may do; a revoked token is refused within 5 s. Raises Unauthorized."""
        cached = self.cached(secret)
        if cached is not None:
            return cached
        if self._session and secrets.compare_digest(secret.encode("utf-8", "replace"), self._session.encode()):
            return Grant("admin", by=COMMAND_LINE)
        digest, now = _hash(secret), self._clock.monotonic_s()
        with self._db.read() as connection:
            row = connection.execute(
                select(tokens.c.id, tokens.c.kind, tokens.c.node).where(
                    (tokens.c.hash == digest) & tokens.c.revoked_us.is_(None)
                )
            ).one_or_none()
        if row is None:
            with self._lock:
                self._cache.pop(digest, None)
            raise Unauthorized("This token is not known here, or was revoked.", hint="devmesh token create")
        grant = Grant(row.kind, row.node, by=f"token {row.id}")
        with self._lock:
            self._cache = {key: entry for key, entry in self._cache.items() if now - entry[0] < CACHE_S}
            self._cache[digest] = (now, grant)
        return grant

    def cached(self, secret: str) -> Grant | None:
        """The grant of a token that was checked within the last 5 s; None without asking the store."""
        with self._lock:
            cached = self._cache.get(_hash(secret))
        return cached[1] if cached is not None and self._clock.monotonic_s() - cached[0] < CACHE_S else None

    def any_access(self) -> bool:
        """Whether a token that lives or a user exists: only then may the server listen beyond loopback."""
        if self.people.any():
            return True
        with self._db.read() as connection:
            query = select(func.count()).select_from(tokens).where(tokens.c.revoked_us.is_(None))
            return bool(connection.execute(query).scalar_one())

    def list_tokens(self, limit: int = LIMIT_DEFAULT, cursor: str | None = None) -> Page[TokenInfo]:
        """At most `limit` (1,000) tokens in the order in which they were made, without secrets.

        Raises InvalidInput for a limit out of bounds or a cursor that is none.
        """
        check_limit(limit)
        query = select(tokens).where(tokens.c.id > (number_in(cursor) if cursor else 0)).order_by(tokens.c.id)
        with self._db.read() as connection:
            rows = connection.execute(query.limit(limit + 1)).all()
        found = [TokenInfo(row.id, row.kind, row.node, row.created_us, row.revoked_us) for row in rows]
        return first_of(found, limit, lambda token: str(token.id))

    def revoke(self, token_id: int, by: str = COMMAND_LINE) -> None:
        """Refuse this token from now on; raises NotFound."""
        live = (tokens.c.id == token_id) & tokens.c.revoked_us.is_(None)
        with self._db.write() as connection:
            done = connection.execute(update(tokens).where(live).values(revoked_us=self._clock.now_us()))
            if done.rowcount == 0:
                raise NotFound(f"There is no living token {token_id}.", hint="See: devmesh token list")
            record(connection, self._clock, by, "revoked token", str(token_id))


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
