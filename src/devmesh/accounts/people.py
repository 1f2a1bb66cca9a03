"""People: users with a password, and the sessions in which they are signed in.

Passwords are kept as argon2id (RFC 9106), sessions as the hash of a random secret. A browser holds `secret.signature`:
a cookie that was made up is refused without asking the store. A session ends after 30 days, when its user signs out or
is removed; other servers over the same store notice within 5 seconds.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from devmesh.accounts.audit import COMMAND_LINE, record
from devmesh.accounts.grant import Grant
from devmesh.accounts.tables import session_keys, sessions, users
from devmesh.accounts.tries import Tries
from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.errors import Conflict, InvalidInput, NotFound, Unauthorized

if TYPE_CHECKING:
    from argon2 import PasswordHasher

USER_KINDS = ("admin", "operate", "read")
SOMEBODY = "somebody"  # who tried to sign in with a name that nobody has: it may be a password in the wrong field
SESSION_US = 30 * 86_400_000_000
CACHE_S = 5.0
NAME_CHARS = 64
PASSWORD_CHARS = range(8, 1025)


@dataclass(frozen=True)
class UserInfo:
    """A user as people see them: never the password's hash."""

    name: str
    kind: str
    created_us: int


class People:
    """Who may sign in, and who did."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self._tries = Tries(clock)
        self._hashing = Lock()  # one at a time: each takes 64 MiB for a moment
        self._key = b""
        self._cache: dict[bytes, tuple[float, Grant]] = {}
        self._there: tuple[float, bool] | None = None

    def add(self, name: str, password: str, kind: str = "admin", by: str = COMMAND_LINE) -> None:
        """A new user, added `by` somebody. Raises InvalidInput for a name or password that cannot be one,
        Conflict where the name is taken.
        """
        if kind not in USER_KINDS:
            raise InvalidInput(f"A user's kind is one of {', '.join(USER_KINDS)}.", hint="devmesh user add NAME --read")
        if not (0 < len(name) <= NAME_CHARS and name.isprintable() and name == name.strip()):
            raise InvalidInput(
                f"A user's name is 1 to {NAME_CHARS} printable characters, no space around them.",
                hint="devmesh user add anna",
            )
        if len(password) not in PASSWORD_CHARS:
            raise InvalidInput("A password has 8 to 1,024 characters.", hint="Four words in a row are a good one.")
        row = {"name": name, "password": self._hash(password), "kind": kind, "created_us": self._clock.now_us()}
        try:
            with self._db.write() as connection:
                if connection.execute(select(users.c.id).where(users.c.name == name)).first() is not None:
                    raise Conflict("A user of that name exists.", hint="See: devmesh user list")
                connection.execute(insert(users).values(row))
                record(connection, self._clock, by, "added user", f"{name} ({kind})")
        except IntegrityError as error:
            raise Conflict("A user of that name exists.", hint="See: devmesh user list") from error
        self._there = None

    def list(self) -> list[UserInfo]:
        """Every user by name."""
        with self._db.read() as connection:
            rows = connection.execute(select(users).order_by(users.c.name)).all()
        return [UserInfo(row.name, row.kind, row.created_us) for row in rows]

    def remove(self, name: str, by: str = COMMAND_LINE) -> None:
        """Forget a user and end their sessions. Raises NotFound."""
        with self._db.write() as connection:
            found = connection.execute(select(users.c.id).where(users.c.name == name)).scalar()
            if found is None:
                raise NotFound("There is no user of that name.", hint="See: devmesh user list")
            connection.execute(delete(sessions).where(sessions.c.user_id == found))
            connection.execute(delete(users).where(users.c.id == found))
            record(connection, self._clock, by, "removed user", name)
        self._cache, self._there = {}, None

    def any(self) -> bool:
        """Whether somebody may sign in: from then on the machine itself is a stranger, too."""
        known = self.any_known()
        if known is None:
            with self._db.read() as connection:
                known = bool(connection.execute(select(func.count()).select_from(users)).scalar_one())
            self._there = self._clock.monotonic_s(), known
        return known

    def any_known(self) -> bool | None:
        """The same as far as it was asked within the last 5 s."""
        there = self._there
        fresh = there is not None and self._clock.monotonic_s() - there[0] < CACHE_S
        return there[1] if there is not None and fresh else None

    @property
    def any_seen(self) -> bool:
        """Whether somebody could sign in when that was last asked, however long ago."""
        return self._there is not None and self._there[1]

    # -- sessions ---------------------------------------------------------------------------------------------

    def sign_in(self, name: str, password: str, address: str) -> str:
        """A cookie for who knows the password. Raises Unauthorized, and QuotaExceeded after too many tries."""
        self._tries.count(address, name)
        with self._db.read() as connection:
            row = connection.execute(select(users).where(users.c.name == name)).one_or_none()
        if not self._matches(row.password if row is not None else _NOBODY, password[: PASSWORD_CHARS.stop]) or not row:
            with self._db.write() as connection:
                record(connection, self._clock, row.name if row else SOMEBODY, "failed to sign in", f"from {address}")
            raise Unauthorized("Name or password is wrong.", hint="Forgotten? On the server: devmesh user list")
        secret, now = secrets.token_urlsafe(32), self._clock.now_us()
        with self._db.write() as connection:
            connection.execute(delete(sessions).where(sessions.c.expires_us <= now))
            said = {"hash": _digest(secret), "user_id": row.id, "created_us": now, "expires_us": now + SESSION_US}
            connection.execute(insert(sessions).values(said))
            record(connection, self._clock, row.name, "signed in", f"from {address}")
        return f"{secret}.{self._signature(secret)}"

    def check(self, cookie: str) -> Grant:
        """What the bearer of a session's cookie may do. Raises Unauthorized."""
        known = self.cached(cookie)
        if known is not None:
            return known
        secret, _dot, signature = cookie.partition(".")
        if not hmac.compare_digest(signature.encode("utf-8", "replace"), self._signature(secret).encode()):
            raise Unauthorized("This session is not known here.", hint="Sign in again.")
        lives = (sessions.c.hash == _digest(secret)) & (sessions.c.expires_us > self._clock.now_us())
        joined = sessions.join(users, users.c.id == sessions.c.user_id)
        with self._db.read() as connection:
            row = connection.execute(select(users.c.name, users.c.kind).select_from(joined).where(lives)).one_or_none()
        if row is None:
            raise Unauthorized("This session has ended.", hint="Sign in again.")
        grant, now = Grant(row.kind, person=row.name, by=row.name), self._clock.monotonic_s()
        kept = {key: entry for key, entry in self._cache.items() if now - entry[0] < CACHE_S}
        self._cache = {**kept, _digest(cookie): (now, grant)}
        return grant

    def cached(self, cookie: str) -> Grant | None:
        """The grant of a session that was checked within the last 5 s; None without asking the store."""
        found = self._cache.get(_digest(cookie))
        return found[1] if found is not None and self._clock.monotonic_s() - found[0] < CACHE_S else None

    def sign_out(self, cookie: str) -> None:
        """End a session; one that is none is no error."""
        with self._db.write() as connection:
            connection.execute(delete(sessions).where(sessions.c.hash == _digest(cookie.partition(".")[0])))
        self._cache = {}

    def _signature(self, secret: str) -> str:
        if not self._key:
            self._key = self._read_key()
        return hmac.new(self._key, secret.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def _read_key(self) -> bytes:
        def key(connection: Connection) -> bytes:
            found = connection.execute(select(session_keys.c.key)).scalar()
            if found is None:
                found = secrets.token_bytes(32)
                connection.execute(insert(session_keys).values(id=1, key=found))
            return bytes(found)

        return self._db.transact(key)

    # -- passwords --------------------------------------------------------------------------------------------

    def _hash(self, password: str) -> str:
        with self._hashing:
            return _hasher().hash(password)

    def _matches(self, kept: str, password: str) -> bool:
        from argon2.exceptions import VerificationError

        with self._hashing:
            try:
                return _hasher().verify(kept, password)
            except VerificationError:
                return False


def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher  # only servers where people sign in pay for it

    return PasswordHasher()


# The hash of a password that nobody knows: an unknown name takes as long to refuse as a wrong password.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$9gfOr7lTwso6XiZdtt3HrQ$LbRoYDabJqfasMlHV0lzWAbcSHL4eCPreBJgz/hfYeU"


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
