"""What leaves to the terminal: nothing that it obeys, tables that fit, the viewer's times."""

from __future__ import annotations

import unicodedata
from zoneinfo import ZoneInfo

import pytest
from cli_house import HOSTILE
from hypothesis import given, settings
from hypothesis import strategies as st

from devmesh.cli import terminal


def test_safe_golden_bytes():
    """A line that tries everything comes out as these characters, no others."""
    assert terminal.safe(HOSTILE) == (
        r"\x1b[2J\x1b]0;owned\x07 [red]bold[/red] \u202egnp.exe\u200b \U000e0041 tail\x9b31m \x00end"
    )


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.text())
def test_safe_leaves_nothing_that_a_terminal_obeys(text: str):
    """Whatever the text: printable on one line, and what was safe stays as it is."""
    out = terminal.safe(text)
    assert all(char.isprintable() and unicodedata.category(char) not in {"Cf", "Cc", "Zl", "Zp", "Cs"} for char in out)
    assert terminal.safe(out) == out


@pytest.mark.parametrize(
    "char", ["\ufe0f", "\U000e0101", "\u3164", "\u2066", "\ufeff", "\u00ad", "\x7f", "\x85", "\u2028"]
)
def test_safe_shows_what_nobody_sees(char: str):
    """Variation selectors, fillers, isolates, marks and odd line ends become visible."""
    assert terminal.safe(f"a{char}b").startswith("a\\")


def test_json_is_printable_ascii():
    """JSON of hostile text has no byte that a terminal obeys, and reads back as it was."""
    text = terminal.as_json({"m": HOSTILE + "\x7f"})
    assert text.isascii()
    assert text.isprintable()


def test_sparkline_shows_each_count():
    """None is the lowest bar, the highest is full, one event among many is still seen."""
    assert terminal.sparkline([0, 1, 1000, 500]) == "▁▂█▅"
    assert terminal.sparkline([]) == ""


def test_stamps_are_the_viewers_with_summer_time():
    """An instant is shown in the zone's time of that day, not of today."""
    zone = ZoneInfo("Europe/Berlin")
    assert terminal.stamp(1_768_917_600_123_000, zone) == "2026-01-20 15:00:00.123"
    assert terminal.stamp(1_784_556_000_000_000, zone) == "2026-07-20 16:00:00.000"
    assert terminal.stamp(2**62, zone) == str(2**62)


def test_table_fits_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """On 60 columns no line is longer, and the last column moves below rather than vanish."""
    monkeypatch.setattr(terminal, "width", lambda: 60)
    terminal.table(
        ["id", "events", "service", "text"], [["f1", "1,000", "a-rather-long-service", "x" * 200]], right=["events"]
    )
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 60
    assert lines[2].startswith("  xxxx")
    assert lines[2].endswith("…")


def test_table_in_a_pipe_cuts_nothing(capsys: pytest.CaptureFixture[str]):
    """Without a terminal lines are whole and end without blanks."""
    terminal.table(["id", "text"], [["f1", "y" * 500], ["f2", "\x1b[31mred"]])
    head, first, second = capsys.readouterr().out.splitlines()
    assert first == "f1  " + "y" * 500
    assert second == "f2  \\x1b[31mred"
    assert not head.endswith(" ")


def test_colours_only_for_terminals(monkeypatch: pytest.MonkeyPatch):
    """Styles become ANSI on a terminal, and never with NO_COLOR or in a pipe."""
    assert terminal.styled(("x", "red")) == "x"
    monkeypatch.setattr(terminal, "is_terminal", lambda: True)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[31m" in terminal.styled(("x [bold]no markup[/bold]", "red"))
    assert "[bold]no markup[/bold]" in terminal.styled(("x [bold]no markup[/bold]", "red"))
    monkeypatch.setenv("NO_COLOR", "1")
    assert terminal.styled(("x", "red")) == "x"


def test_sizes_and_ages():
    """Numbers for people carry their unit."""
    assert [terminal.size(n) for n in (5, 1500, 3_653_632)] == ["5 B", "1.5 KB", "3.7 MB"]
    assert [terminal.ago(ago, 90_000_000_000) for ago in (None, 90_000_000_000, 80_000_000_000)] == [
        "never",
        "0s ago",
        "2h ago",
    ]
