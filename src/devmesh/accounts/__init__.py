"""Who may: users, sessions, tokens; and who did what.

Owns users, sessions, session_keys, tokens, audit. In: a secret from a request, a name with a password. Out: a `Grant`.
Promises: passwords are stored as argon2id and secrets as hashes alone, and a revoked token or ended session is refused
within 5 seconds. What somebody changed stands in the audit log, or did not happen.
"""

from devmesh.accounts.audit import COMMAND_LINE, Audit, Deed, record
from devmesh.accounts.grant import Grant
from devmesh.accounts.people import USER_KINDS, People, UserInfo
from devmesh.accounts.service import KINDS, Accounts, TokenInfo

__all__ = [
    "COMMAND_LINE", "KINDS", "USER_KINDS", "Accounts", "Audit", "Deed", "Grant", "People", "TokenInfo", "UserInfo",
    "record",
]  # fmt: skip
