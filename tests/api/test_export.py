"""The result of a question as a file."""

from __future__ import annotations

import csv
import io
import json

import pytest

from bodies import NOW_US, line, take

TEXTS = ["=1+1", "+cmd|' /C calc'!A0", "-2", "@SUM(A1)", "\tx", "plain", 'two\nlines, "quoted"', "\x1b[2Jclear"]


@pytest.fixture
def said(call):
    """A line of each text."""
    take(call.mesh, b"".join(line(text, ts_us=NOW_US + n) for n, text in enumerate(TEXTS)))
    return call


def test_ndjson_has_every_line_as_it_was(said):
    """One JSON object a line, newest first."""
    answer = said("GET", "/logs/export")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert [json.loads(one)["message"] for one in answer.text.splitlines()] == TEXTS[::-1]


def test_csv_has_no_cell_that_a_spreadsheet_obeys(said):
    """What begins like a formula begins with an apostrophe; the rest is as it was."""
    answer = said("GET", "/logs/export?format=csv")
    assert "attachment" in answer.headers["content-disposition"]
    head, *found = csv.reader(io.StringIO(answer.text))
    assert head == ["time", "node", "service", "priority", "pid", "template", "message"]
    said_there = [row[-1] for row in found][::-1]
    assert said_there == [f"'{text}" if text[0] in "=+-@\t" else text for text in TEXTS]


def test_the_filter_holds(said):
    """As for the list."""
    assert len(said("GET", "/logs/export?contains=plain").text.splitlines()) == 1
    assert said("GET", "/logs/export?format=xlsx").status_code == 422


def test_the_histogram_counts_the_same(said):
    """Its total is the number of lines."""
    body = said("GET", "/logs/histogram?bars=10").json()
    assert body["total"] == len(TEXTS) == sum(map(sum, body["histogram"]["bars"]))
