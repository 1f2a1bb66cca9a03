"""Who may: users, sessions, tokens.

Owns users, sessions, session_keys, tokens. In: a secret from a request, a name with a password. Out: a `Grant`.
Promises: passwords are stored as argon2id and secrets as hashes alone, and a revoked token or ended session is refused
within 5 seconds.
"""

from devmesh.accounts.grant import Grant
from devmesh.accounts.people import USER_KINDS, People, UserInfo
from devmesh.accounts.service import KINDS, Accounts, TokenInfo

__all__ = ["KINDS", "USER_KINDS", "Accounts", "Grant", "People", "TokenInfo", "UserInfo"]
