"""MariaDB for the tests: one server for a run, databases that are made once and emptied between tests."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

import pymysql
import pytest
from sqlalchemy.engine import make_url

import devmesh.mesh  # noqa: F401 - brings every room's tables into the metadata
from devmesh.db import metadata, open_database, schema

SCRIPTS = Path(__file__).parents[1] / "scripts"
# Durable as far as the server can tell, and no test waits for a disk.
OPTIONS = ("--innodb-flush-method=nosync", "--skip-innodb-doublewrite", "--debug-no-sync")
START_S = 600.0  # a machine that has none installs it first


def server_url(shared: Path, run_pid: int) -> str:
    """The URL of this run's server, which whoever asks first starts; it ends with the process `run_pid`.

    Where none can run, tests skip with the reason; with CI set they fail.
    """
    said = shared / "mariadb.url"
    with (shared / "mariadb.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            said.write_text(_start(run_pid))
    text = said.read_text()
    if text.startswith("mysql"):
        return text
    if os.environ.get("CI"):
        pytest.fail(text)
    pytest.skip(text)


def _start(run_pid: int) -> str:
    """The server's URL, or why there is none."""
    command = [sys.executable, str(SCRIPTS / "mariadb"), "run", "--until-pid", str(run_pid), *OPTIONS]
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    url = process.stdout.readline().strip()
    why = "" if url else process.stderr.read().strip()
    process.stdout.close()
    process.stderr.close()
    process.returncode = 0  # it outlives the worker that started it, and ends with the run
    return url or why or "scripts/mariadb ended without a word"


def program(name: str = "mariadb") -> ModuleType:
    """One of scripts/ as a module."""
    known = f"devmesh_{name}"
    if known not in sys.modules:
        spec = spec_from_loader(known, SourceFileLoader(known, str(SCRIPTS / name)))
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        sys.modules[known] = module  # its dataclasses look themselves up there
        spec.loader.exec_module(module)
    return sys.modules[known]


def private_server(*options: str) -> Any:
    """A server of a test's own, to be hurt, not started yet. That one can run at all, the run's server has shown."""
    mariadb = program()
    return mariadb.Server(mariadb.find(), (*OPTIONS, *options))


def as_root(url: str, **more: Any) -> Any:
    """A connection of root to the database that a URL names, if any. The socket stays in the kernel: what PyMySQL
    prepares for TLS would take longer than most tests.
    """
    told = make_url(url)
    given = {"user": "root", "database": told.database or None, "ssl_disabled": True, **more}
    return pymysql.connect(unix_socket=told.query["unix_socket"], **given)


def asked(connection: Any, *statements: str) -> Any:
    """What the last of some statements finds."""
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return cursor.fetchall()


def said_to(server: Any, *statements: str) -> Any:
    """What the last of some statements finds, as root."""
    with as_root(server.url, autocommit=True) as connection:
        return asked(connection, *statements)


class Databases:
    """The databases of one test worker."""

    def __init__(self, url: str, worker: str) -> None:
        self._url, self._worker, self._made = make_url(url), worker, 0
        self._free: list[str] = []
        self._root = as_root(url, autocommit=True)

    def take(self) -> str:
        """The URL of an empty database with the schema of today."""
        return self._free.pop() if self._free else self._make()

    def empty(self) -> str:
        """The URL of a database with nothing in it at all."""
        self._made += 1
        name = f"devmesh_{self._worker}_{self._made}"
        asked(self._root, f"CREATE DATABASE `{name}`")
        return self._url.set(database=name).render_as_string(hide_password=False)

    def give_back(self, url: str) -> None:
        """Take what a test stored out of its database; one whose tables changed is not used again."""
        name = str(make_url(url).database)
        tables = {row[0] for row in self._run(name, "SHOW TABLES")}
        vectors = {table for table in tables if table.startswith("family_vectors_")}  # made while a house runs
        parts = self._run(
            name, "SELECT COUNT(*) FROM information_schema.partitions "
            "WHERE table_schema = DATABASE() AND table_name = 'log_events'"
        )  # fmt: skip
        if parts != ((1,),) or tables - vectors != {*metadata.tables, "alembic_version"}:
            asked(self._root, f"DROP DATABASE `{name}`")
            return
        numbered = self._run(
            name,
            "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND auto_increment > 1",
        )
        self._run(
            name,
            "SET foreign_key_checks=0",
            *(f"DROP TABLE `{table}`" for table in vectors),
            *(f"DELETE FROM `{table}`" for table in metadata.tables),  # noqa: S608 - names are ours
            f"REPLACE INTO alembic_version VALUES ('{schema.HEAD}')",  # noqa: S608
            *(f"ALTER TABLE `{table}` AUTO_INCREMENT=1" for (table,) in numbered),
        )
        self._free.append(url)

    def _make(self) -> str:
        url = self.empty()
        db = open_database(url)
        schema.upgrade(db)
        db.close()
        return url

    def _run(self, database: str, *statements: str) -> Any:
        found = asked(self._root, f"USE `{database}`", *statements)
        self._root.select_db("information_schema")  # who stays in a database has it in use
        return found
