"""Who may: tokens (people and their sessions come with the web pages).

Owns tokens. In: a secret from a request. Out: a `Grant`. Promises: secrets are stored as hashes alone, and a revoked
one is refused within 5 seconds.
"""

from devmesh.accounts.service import KINDS, Accounts, Grant, TokenInfo

__all__ = ["KINDS", "Accounts", "Grant", "TokenInfo"]
