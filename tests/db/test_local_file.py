"""A server may ask its client for any file (LOAD DATA LOCAL): ours gets the rows that it was offered, and no file."""

from __future__ import annotations

import socket
import struct
import threading

import pytest
from sqlalchemy.engine import make_url

from devmesh.db import mariadb, open_database
from devmesh.db.local_file import Connection
from devmesh.errors import Unavailable
from mariadb_server import as_root

OK = b"\x00\x00\x00\x02\x00\x00\x00"
COM_QUERY = b"\x03"
CAPABILITIES = 0x0F_F7FF & ~0x0800  # all of the classic ones but TLS


class Hostile:
    """Says that it is MariaDB, lets everybody in, and answers every statement by asking for a file."""

    def __init__(self, wanted: str) -> None:
        self._wanted, self.got = wanted.encode(), list[bytes]()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        near = self._listener.accept()[0]
        with near:
            head = b"\x0a11.8.6-MariaDB\x00" + struct.pack("<I", 1) + b"saltsalt\x00"
            low, high = struct.pack("<I", CAPABILITIES)[:2], struct.pack("<I", CAPABILITIES)[2:]
            tail = low + b"\x2d\x02\x00" + high + b"\x15" + bytes(10) + b"saltsaltsalt\x00mysql_native_password\x00"
            self._send(near, 0, head + tail)
            self._read(near)
            self._send(near, 2, OK)
            while said := self._read(near):
                if not said.startswith(COM_QUERY):
                    self.got.append(said)
                self._send(near, 1, b"\xfb" + self._wanted)

    def _send(self, near: socket.socket, number: int, data: bytes) -> None:
        near.sendall(struct.pack("<I", len(data))[:3] + bytes([number]) + data)

    def _read(self, near: socket.socket) -> bytes:
        size = int.from_bytes(near.recv(4, socket.MSG_WAITALL)[:3], "little")
        return near.recv(size, socket.MSG_WAITALL) if size else b""

    def close(self) -> None:
        """Let go."""
        self._thread.join(20)
        self._listener.close()


def test_a_server_that_asks_for_a_file_gets_nothing(tmp_path):
    """Whatever we said before: not a byte goes out, the connection is closed, and people are told."""
    secret = tmp_path / "secret"
    secret.write_text("the key of the house")
    server = Hostile(str(secret))
    engine = mariadb.make_engine(f"mysql+pymysql://root@127.0.0.1:{server.port}/x", writing=True, pool_size=1)
    with pytest.raises(Unavailable, match="asked for a file") as caught:
        engine.connect()
    server.close()
    assert server.got == []
    assert "DEVMESH_DATABASE_URL" in caught.value.hint
    engine.dispose()


def test_a_file_that_was_not_offered_is_not_opened(mariadb, tmp_path):
    """The real server, asked to load another file than the one that was offered; and none once a load is over."""
    other = tmp_path / "other"
    other.write_text("1\n")
    url = mariadb.take()
    parsed = make_url(url)
    with open_database(url).read():
        pass
    for offered in ("", "/proc/self/fd/0"):
        connection = Connection(
            unix_socket=parsed.query["unix_socket"], user="root", database=parsed.database, local_infile=True
        )
        connection.offered = offered
        with pytest.raises(Unavailable), connection.cursor() as cursor:
            cursor.execute(f"LOAD DATA LOCAL INFILE '{other}' INTO TABLE id_blocks")
        assert not connection.open
    mariadb.give_back(url)


def test_every_connection_of_ours_is_such_a_one(mariadb):
    """Readers, writers and changes of the schema."""
    url = mariadb.take()
    db = open_database(url)
    for block in (db.read, db.write, db.change_schema):
        with block() as connection:
            assert type(connection.connection.driver_connection) is Connection
    db.close()
    mariadb.give_back(url)


def test_the_driver_alone_would_send_it(mariadb, tmp_path):
    """What this is for: the plain driver opens whatever file the server names."""
    other = tmp_path / "other"
    other.write_text("9\n")
    with as_root(mariadb.take(), local_infile=True) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE taken (n INT)")
        assert cursor.execute(f"LOAD DATA LOCAL INFILE '{other}' INTO TABLE taken") == 1
