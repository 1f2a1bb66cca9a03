"""Several hosts in one URL: the nodes of a Galera cluster, of which one is used and the next one when it fails.

    mysql+pymysql://user@db1,db2,db3/devmesh

The first is tried first; whoever answered last is asked again until it fails, so a process stays at one node. A node
that is cut off from the others (not `wsrep_ready`) counts as failed: it would refuse every statement. On a cluster
every transaction begins only when the node has what the others committed before (`wsrep_sync_wait`), so whoever changes
nodes reads no older coverage than it wrote (faults F39 and F42).
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import pymysql
from sqlalchemy.engine import make_url

from devmesh.db.continuity import Continuity

log = logging.getLogger(__name__)

CUT_OFF = 1047
LOST = {CUT_OFF, 1158, 1159, 1429, 12701}  # the others: a server behind the one that we speak to (shards.py)
ROUND_S = 5.0  # for all hosts together: whoever waits for a connection waits no longer than for a call
SHORTEST_S = 0.5  # that even the last host of a round gets
_ASK = "SHOW STATUS WHERE variable_name IN ('wsrep_ready', 'wsrep_provider_name', 'Uptime')"
_RUN = "SELECT RIGHT(UUID(), 17)"  # a random number drawn at each start, and the machine's
_CAUSAL = "SET SESSION wsrep_sync_wait=1"  # at the begin of each transaction, and at reads outside of one


def hosts_of(url: str) -> list[str]:
    """The hosts that a URL lists, in its order; one (or "") where it lists none."""
    return [host.strip() for host in (make_url(url).host or "").split(",")]


class Hosts:
    """Which host the pools of one `Database` connect to. Threads share it."""

    def __init__(self, url: str) -> None:
        self._hosts = hosts_of(url)
        self._at = 0
        self._lock = threading.Lock()
        self.continuity = Continuity()

    def connect(self, dialect: Any, _record: Any, arguments: list[Any], options: dict[str, Any]) -> Any:
        """A connection to the first host from the one in use on that takes statements; SQLAlchemy's `do_connect`.

        Raises the last host's error where none does, with every host's reason.
        """
        begun, start = time.monotonic(), self._at
        order = [(start + step) % len(self._hosts) for step in range(len(self._hosts))]
        reasons: dict[str, str] = {}
        for left, at in zip(range(len(order), 0, -1), order, strict=True):
            told = dict(options, host=self._hosts[at]) if self._hosts[at] else options
            if len(order) > 1:
                told = self._bounded(told, (begun + ROUND_S - time.monotonic()) / left)
            try:
                raw = _ready(dialect.connect(*arguments, **told))
            except pymysql.err.OperationalError as error:
                failure, reasons[self._hosts[at]] = error, str(error.args[-1])
                continue
            self._meet(self._hosts[at], raw)
            for host, why in reasons.items():
                log.warning("database host left host=%s next=%s reason=%r", host, self._hosts[at], why)
            self._use(at)
            raw._read_timeout = options.get("read_timeout")  # noqa: SLF001 - the driver takes it at connecting alone
            return raw
        if len(reasons) > 1:
            failure.args = (failure.args[0], "; ".join(f"{host}: {why}" for host, why in reasons.items()))
        raise failure

    def leave(self, host: str, why: str) -> None:
        """Begin with the next host from now on, if `host` is the one in use."""
        with self._lock:
            if self._hosts[self._at] != host or len(self._hosts) == 1:
                return
            self._at = (self._at + 1) % len(self._hosts)
            log.warning("database host left host=%s next=%s reason=%r", host, self._hosts[self._at], why)

    def _meet(self, host: str, raw: Any) -> None:
        try:
            self.continuity.met(host, raw.server_uptime_s, raw.server_run)
        except BaseException:
            raw.close()
            raise

    def _use(self, at: int) -> None:
        with self._lock:
            self._at = at

    @staticmethod
    def _bounded(options: dict[str, Any], share_s: float) -> dict[str, Any]:
        """Its share of what is left of the round, for the connection and for its first words each half."""
        each = max(SHORTEST_S, share_s / 2)
        told = dict(options)
        for name in ("connect_timeout", "read_timeout"):
            told[name] = min(each, options.get(name) or each)
        return told


def broken(context: Any, hosts: Hosts) -> None:
    """SQLAlchemy's `handle_error`: a node that is cut off counts as a connection lost, and that as a host to leave.

    All pooled connections go with it: those to a head keep lost ones to its data servers, each good for one error.
    """
    cause = context.original_exception
    if isinstance(cause, pymysql.err.Error) and cause.args and cause.args[0] in LOST:
        context.is_disconnect = True
    if context.is_disconnect and context.connection is not None and not context.is_pre_ping:
        hosts.leave(_host_of(context.connection), str(cause.args[-1] if cause.args else cause))


def _host_of(connection: Any) -> str:
    try:
        return str(connection.connection.driver_connection.host)
    except Exception:  # noqa: BLE001 - it is gone already; the next connect finds out where it was
        return ""


def _cut_off() -> pymysql.err.OperationalError:
    return pymysql.err.OperationalError(CUT_OFF, "it is cut off from the others, or catches up with them")


def _ready(raw: Any) -> Any:
    """The connection, causal where it is to a node of a cluster. Raises OperationalError where that is cut off."""
    try:
        with raw.cursor() as cursor:
            cursor.execute(_ASK)
            status = {str(name).lower(): value for name, value in cursor.fetchall()}
            raw.server_uptime_s = float(status["uptime"])
            if status.get("wsrep_provider_name"):
                if status.get("wsrep_ready") != "ON":
                    raise _cut_off()  # noqa: TRY301 - closed as after any other error
                cursor.execute(_CAUSAL)
                raw.of_cluster = True  # for load.py
            cursor.execute(_RUN)
            [raw.server_run] = cursor.fetchone()
    except BaseException:
        raw.close()
        raise
    return raw
