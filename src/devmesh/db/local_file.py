"""The driver's connection, for servers that may be hostile: it sends no file but the one that it was told to offer.

In LOAD DATA LOCAL the server names the file, and may name any in answer to any statement. The driver opens whatever it
hears. So a load says first what it offers, and every other name ends the connection.
"""

from __future__ import annotations

from typing import Any

import pymysql.connections
from pymysql.protocol import LoadLocalPacketWrapper

from devmesh.errors import Unavailable

RETRY_AFTER_S = 60


class _Result(pymysql.connections.MySQLResult):  # type: ignore[misc]  # the driver declares no types
    def _read_load_local_packet(self, first_packet: Any) -> None:
        wanted = LoadLocalPacketWrapper(first_packet).filename
        if wanted != self.connection.offered.encode() or not wanted:
            self.connection._force_close()  # noqa: SLF001 - not even a goodbye
            raise Unavailable(
                "The database server asked for a file of this machine that it was not offered; it got nothing.",
                hint="No sound MariaDB does that: is it the server that you mean? Look at DEVMESH_DATABASE_URL.",
                retry_after_s=RETRY_AFTER_S,
            )
        super()._read_load_local_packet(first_packet)


class Connection(pymysql.connections.Connection):  # type: ignore[misc]
    """PyMySQL's, which opens the file `offered` alone."""

    offered = ""

    def _read_query_result(self, unbuffered: bool = False) -> Any:  # noqa: FBT001, FBT002 - the driver's signature
        """As the driver's own, with another class of result."""
        self._result = None
        result = _Result(self)
        if unbuffered:
            result.init_unbuffered_query()
        else:
            result.read()
        self._result = result
        if result.server_status is not None:
            self.server_status = result.server_status
        return result.affected_rows
