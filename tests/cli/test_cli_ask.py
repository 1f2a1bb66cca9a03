"""`devmesh ask`: an answer to read, the same as JSON, and nothing in it that a terminal obeys."""

from __future__ import annotations


def test_people_read_whom_and_which_time_it_is_about(cli):
    """And what cites what."""
    said = cli("ask", "what failed on nas on 2026-01-20?", "--timezone", "UTC").stdout
    assert said.startswith("2026-01-20 00:00 to 2026-01-21 00:00, nas\n")
    assert "blk_update_request: I/O error" in said
    assert "[f" in said


def test_words_need_no_quotation_marks(cli):
    """As with search."""
    assert "You can ask, for example:" in cli("ask", "good", "morning").stdout


def test_json_is_what_http_gives(cli):
    """With the calls; text in it is ASCII, so that none reaches a terminal raw."""
    said = cli.json("ask", "what happened on web2 on 2026-01-20")
    assert said["kind"] == "happened"
    assert {one["tool"] for one in said["tools"]} >= {"list_incidents", "what_changed"}


def test_hostile_lines_and_questions_are_inert(cli):
    """Escapes, direction marks and markup in a line and in the question are shown, not obeyed."""
    said = cli("ask", "find lines saying \x1b[31mowned\u202e on web2 on 2026-01-20").stdout
    assert "owned" in said
    assert not set(said) & {"\x1b", "\u202e", "\x07", "\x00"}


def test_a_question_that_is_none_is_refused(cli):
    """Empty, or longer than 1,000 characters, with what to do."""
    assert "no question" in cli("ask", " ", code=2).stderr
    assert "longer than 1,000" in cli("ask", "x" * 100_000, code=2).stderr
    assert "no time zone" in cli("ask", "status", "--timezone", "Mars/Sea", code=2).stderr
