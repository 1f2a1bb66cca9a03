"""Levels read from a template's text: where programs write one, and nowhere else."""

from __future__ import annotations

import time

import polars as pl
import pytest

from devmesh.templates.canonical import canonicalize
from devmesh.templates.levels import level_of

STATED = [
    ("2024-10-13T09:05:54Z ERROR cannot open pool", 3),
    ('level=warn msg="slow query" took=12ms', 4),
    ('time="2022-02-14T13:47:54+02:00" level=fatal msg="no config"', 2),
    ('{"level":"error","ts":1711741827.9,"msg":"handled request"}', 3),
    ('{"message": "x", "levelName": "WARNING"}', 4),
    ('{"severity":"INFO","message":"ready"}', 6),
    ('ERROR: no answer for user {"severity":"info","status":"resolved"}', 3),
    ("WARN audit level=error user=x", 3),
    ("[WARN] disk almost full", 4),
    ("2023-04-23 22:07:05.311 -05:00 [WRN] Failed login attempt", 4),
    ("2023-04-23 22:07:05.311 -05:00 [ERR] Request failed", 3),
    ("[Fri Oct 08 17:08:41.203277 2021] [core:error] [pid 7] AH00126: Invalid URI", 3),
    ("2023/02/21 08:05:56.233208 [error] POST /control/login", 3),
    ("E1122 10:00:00.123456 7 controller.go:114] lost lease", 3),
    ("W0101 00:00:01.5 1 reflector.go:5] watch ended", 4),
    ("INFO: 192.168.1.1:52782 - done", 6),
    ("error: Bind to port 22 failed", 3),
    ("fatal: Write failed: Connection reset by peer", 2),
    ("warning: can't get client address", 4),
    ("[2026-02-05 12:34:56] local.WARNING: AUDIT: Login failed.", 4),
    ("2022-02-14 18:01:07.092 Warn Server: AUTH-ERROR", 4),
    ("2022/03/01 12:57:58 auth.go:200:SignInPost() [I] Failed authentication", 6),
    ("1.2.3.4 2024-01-01 00:00:00 [7] db@db FATAL: password authentication failed", 2),
    ("2022-05-25|Warn|Auth|Auth-Failure ip 1.2.3.4", 4),
    ('level=debug msg="the last error was cleared"', 7),
]  # fmt: skip

SILENT = [
    "0 errors, 3 warnings found",
    "Failed password for root from 10.0.0.1 port 22 ssh2",
    "no error occurred while the error handler ran",
    "segfault at 7f error 6 in libc.so",
    "info about the debug build: none",
    "The alert was closed by bob",
    "session opened for user root",
    "level 5 reached",
    "Trace cache: 12K uops, L1 D cache: 8K",
    "ack: seqno: 5 status: ERROR downstream",
    "E1122 is the code of the part",
    "",
]


@pytest.mark.parametrize(("message", "level"), STATED)
def test_stated(message, level):
    """A level that the line states is read from its canonical text."""
    assert level_of(canonicalize(pl.Series([message]))[0]) == level


@pytest.mark.parametrize("message", SILENT)
def test_not_stated(message):
    """A word that happens to be a level's name is no level."""
    assert level_of(canonicalize(pl.Series([message], dtype=pl.String))[0]) is None


@pytest.mark.parametrize(
    "part", ["[", "(", "-", " ", "-x: ", "- x: ", "x: ", "x[<n>]: ", "<ts> ", "<ts>: ", "<ts> - ", "[] ", "a-", "ERROR"]
)
@pytest.mark.parametrize("end", ["", "!", "ERROR"])
def test_no_line_holds_the_intake_up(part, end):
    """A level is looked for in linear time: a line of dashes or brackets costs no more than any other."""
    before = time.process_time()
    level_of(part * 200 + end)
    level_of((part * 200)[:150] + end)
    assert time.process_time() - before < 0.05
