"""The parts of import: which format, which stream, which segments, and the progress line."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devmesh.cli.history.formats import detect
from devmesh.cli.history.inputs import Input
from devmesh.cli.history.progress import Progress
from devmesh.cli.history.streams import epoch_of, segments
from devmesh.clock import FakeClock
from devmesh.errors import InvalidInput
from devmesh.nodes import StreamKey, StreamState
from devmesh.nodes.ranges import merged


@pytest.mark.parametrize(
    ("head", "form"),
    [
        (b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=5\n", "journal-export"),
        (b"\nMESSAGE=x\n_PID=1\n__REALTIME_TIMESTAMP=5\n", "journal-export"),
        (b"MESSAGE\n\x03\0\0\0\0\0\0\0a\nb\n__REALTIME_TIMESTAMP=5\n", "journal-export"),
        (b'{"__CURSOR":"s=1","MESSAGE":"x"}\n', "journal-json"),
        (b'{"message":"x","ts":"2026-01-20T14:00:00Z"}\n', "ndjson"),
        (b'{"message":"x","level":"warn"}\n', "plain"),
        (b'{"msg":"x"}\n', "plain"), (b"{not json\n", "plain"), (b"[1]\n", "plain"),
        (b"Jan 20 14:00:00 nas sshd[7]: hello\n", "syslog"), (b"<34>1 2026-01-20T14:00:00Z h app - - - x\n", "syslog"),
        (b"2026-01-20 14:00:00 hello\n", "plain"), (b"NAME=value\nOTHER=1\n", "plain"), (b"\xff\xfe hello", "plain"),
    ],
)  # fmt: skip
def test_formats_are_told_by_their_first_bytes(head: bytes, form: str):
    """Each format is known; what holds more than our own fields stays text, so that nothing is lost."""
    assert detect(head) == form


@pytest.mark.parametrize("head", [b"\x7fELF\0\0", b"h\0e\0l\0l\0o\0", b"LPKSHHRH" + bytes(200)])
def test_what_is_no_text_is_refused(head: bytes):
    """Binaries, UTF-16 and binary journals are refused with what to do."""
    with pytest.raises(InvalidInput) as refused:
        detect(head)
    assert refused.value.hint


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 50))))
def test_segments_cover_everything_once(parts: list[tuple[int, int]]):
    """Cut along any coverage, the segments are the whole, without overlap, known where covered."""
    coverage = merged((first, first + length) for first, length in parts)
    cut = segments(coverage, 1_000)
    assert [first for first, _last, _known in cut] == [0, *(last + 1 for _first, last, _known in cut[:-1])]
    assert [(first, last) for first, last, known in cut if known] == coverage
    assert cut[-1][1:] == (1_000, False)


def test_the_epoch_of_a_journal_is_the_one_that_fits():
    """The newest epoch whose marks do not contradict; a new one where all do; 0 for a stream that nobody knows."""
    states = [
        StreamState(StreamKey("s", 0), ((1, 50),), ((10, "a"), (50, "b"))),
        StreamState(StreamKey("s", 1), ((1, 50),), ((10, "z"),)),
        StreamState(StreamKey("other", 7), (), ()),
    ]
    assert epoch_of("s", states, {10: "a"}) == 0
    assert epoch_of("s", states, {10: "z", 11: "y"}) == 1
    assert epoch_of("s", states, {11: "y"}) == 1
    assert epoch_of("s", states, {10: "q", 50: "q"}) == 2
    assert epoch_of("new", states, {1: "a"}) == 0


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("access.log", "access.log"), ("access.log.1", "access.log"), ("access.log.12.gz", "access.log"),
        ("access.log-20260120.zst", "access.log"), ("syslog.3", "syslog"), ("messages-20260120", "messages"),
        ("app-2.log", "app-2.log"), ("v1.2.txt", "v1.2.txt"),
    ],
)  # fmt: skip
def test_a_rotated_file_has_its_logs_name(tmp_path, name: str, base: str):
    """What rotation and compression added to a name is taken off, no more."""
    (tmp_path / name).touch()
    assert Input(tmp_path / name).base == str(tmp_path / base)


def test_the_progress_line_says_what_people_ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Bar, share, events, MB, rate, what remains; within the terminal; nothing where nobody watches."""
    clock = FakeClock()
    progress = Progress(clock, 4_000_000, shown=True)
    clock.advance(10)
    line = progress.line("big.log", 1_000_000, 50_000)
    assert line == "███░░░░░░░░░  25%  50,000 events  1.0 MB  5,000/s  0:30 left  big.log"
    monkeypatch.setenv("COLUMNS", "40")
    progress.show("big.log", 1_000_000, 50_000)
    shown = capsys.readouterr().err.removeprefix("\r\x1b[K")
    assert len(shown) <= 39
    assert shown.endswith("…")
    assert "left" not in Progress(clock, 0, shown=False).line("stdin", 5, 1)
    Progress(clock, 0, shown=False).show("stdin", 5, 1)
    assert capsys.readouterr().err == ""
