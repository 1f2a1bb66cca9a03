"""Waiting for a store that is not there yet: how long, how often it is said, and what ends it."""

from __future__ import annotations

import pytest

from devmesh.db.waiting import LONGEST_PAUSE_S, place_of, when_there
from devmesh.errors import ConfigError, Unavailable

URL = "mysql+pymysql://devmesh:secret@db1,db2:3307/devmesh?ssl_ca=/etc/ca.pem"


def test_pauses_grow_to_their_bound_and_a_reason_is_said_once(caplog):
    """A night of waiting is one line for each reason, none with the password."""
    reasons, pauses = iter([*["refused"] * 7, "it starts", "it starts"]), []

    def opened():
        for reason in reasons:
            raise Unavailable(reason)
        return "there"

    assert when_there(URL, opened, pauses.append) == "there"
    assert pauses == [0.5, 1, 2, 4, 8, *[LONGEST_PAUSE_S] * 4]
    said = [record.getMessage() for record in caplog.records]
    assert [line.split(": ")[1].split(" Tried")[0] for line in said] == ["refused", "it starts"]
    assert all("devmesh at db1,db2:3307" in line and "secret" not in line for line in said)


def test_what_waiting_does_not_mend_ends_it():
    """At once."""

    def opened():
        raise ConfigError("wrong password")

    with pytest.raises(ConfigError):
        when_there(URL, opened, lambda _pause_s: pytest.fail("it waited"))


def test_a_place_is_a_socket_or_hosts():
    """What people look at next."""
    assert place_of("mysql+pymysql://root@localhost/d?unix_socket=/run/s") == "d at /run/s"
    assert place_of("mariadb://u:p@db1/d") == "d at db1"
