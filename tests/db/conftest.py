"""Fixtures of the tests that speak to MariaDB past every room."""

from __future__ import annotations

import pytest

from devmesh.db import open_database


@pytest.fixture
def url(mariadb):
    """A database on the run's server, with the schema of today."""
    taken = mariadb.take()
    yield taken
    mariadb.give_back(taken)


@pytest.fixture
def db(url):
    """The store at it."""
    opened = open_database(url)
    yield opened
    opened.close()
