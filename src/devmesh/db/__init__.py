"""The base's door to the store: engines, transactions, the write lock and migrations.

Owns no table of its own but the schema version. In: a URL. Out: `Database`, whose `read()` and `write()` are the only
ways to a connection. Promises: one fair writer in a process; a `write()` block is one transaction that is durable when
the block ends (SQLite: WAL, synchronous=FULL; MariaDB: flush at commit); driver errors leave as `Unavailable` or
`StorageFull`.
"""

from devmesh.db.engine import Database, open_database
from devmesh.db.types import MICROSECONDS, metadata

__all__ = ["MICROSECONDS", "Database", "metadata", "open_database"]
