"""Reading in pieces and by other processes: the same columns, whoever reads, whatever becomes of a helper."""

from __future__ import annotations

import fcntl
import os
import resource
import select
import signal
import subprocess
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from bodies import NOW_US, assert_counts, line, numbered, request, rows, together
from devmesh.errors import TooLarge
from devmesh.intake import readers as module
from devmesh.intake.model import Limits
from devmesh.intake.readers import Readers
from devmesh.intake.reading import Piece, Read, pieces_of, read
from devmesh.intake.wire import decode_read, encode_read, is_readable, receive, send

LIMITS = Limits()
BODY = b"".join(
    line(f"worker {number} took {number % 7} ms", service=f"s{number % 3}", pid=number, fields={"_COMM": "w"})
    for number in range(300)
)
ODD = b"".join(
    (b'{"message":"\\u0000 zero"}\nno json\n\n', line("Grüße 🦄", ts="when?"), line("other", node="n9"), b"{}\n")
)


@pytest.fixture
def helped(monkeypatch):
    """Readers with one helper that is ready."""
    monkeypatch.setattr(module.os, "sched_getaffinity", lambda _pid: {0, 1})
    readers = Readers(LIMITS, 1)
    (helper,) = readers._helpers
    helper.is_ready()
    assert select.select([helper._out], [], [], 60)[0]
    assert helper.is_ready()
    yield readers
    readers.close()


def pieces(*bodies):
    return [Piece(body, "n1", NOW_US, False, 10 * place) for place, body in enumerate(bodies)]


def alike(found: list, asked: list[Piece]) -> None:
    for one, piece in zip(found, asked, strict=True):
        here = read(piece, LIMITS)
        assert isinstance(one, Read), one
        assert_frame_equal(one.frame, here.frame)
        assert (one.kinds, one.rejected) == (here.kinds, here.rejected)


def helper_pid(readers: Readers) -> int:
    return readers._helpers[0]._process.pid


@given(
    st.lists(st.sampled_from([b"\n", b"{}", b'{"message":"x"}', b"x" * 40, "é".encode()]), max_size=60),
    st.integers(1, 90),
)
def test_pieces_are_the_body_cut_between_lines(parts, size):
    """Joined they are the body; each begins after a line's end and knows how many lines lie before it."""
    body = b"".join(parts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("devmesh.intake.reading.PIECE_BYTES", size)
        cut = list(pieces_of(request(body), LIMITS))
    assert b"".join(piece.body for piece in cut) == body
    at = 0
    for piece in cut:
        assert piece.lines_before == body[:at].count(b"\n")
        assert at in {0, len(body)} or body[at - 1 : at] == b"\n"
        at += len(piece.body)


def test_a_body_with_too_many_lines_is_one_piece():
    """So that its refusal counts all of its lines."""
    limits = Limits(events=3)
    (piece,) = pieces_of(request(b"\n" * 700_000), limits)
    with pytest.raises(TooLarge):
        read(piece, limits)


def test_numbers_of_lines_are_those_of_the_body():
    """What is rejected in a later piece is named by its line in the body."""
    found = read(Piece(ODD, "n1", NOW_US, False, 100), LIMITS)
    assert [one.line for one in found.rejected] == [102, 106, 105]
    assert found.frame["line"].to_list() == [101, 104]


@pytest.mark.parametrize("body", [BODY, ODD, b"", b"\n\n", line("x") * 3])
def test_what_passes_to_and_fro_stays_the_same(body):
    """A frame, its kinds and what was rejected come back as they went."""
    (piece,) = pieces(body)
    alike([decode_read(encode_read(read(piece, LIMITS)))], [piece])


def test_helpers_read_what_we_read(helped):
    """Each piece gives the same here and there, and the helper had its share."""
    asked = pieces(*[BODY, ODD] * 20)
    seen = []
    helper = helped._helpers[0]
    genuine = helper.work

    def work(given_pieces, todo, results):
        genuine(given_pieces, todo, results)
        seen.extend(place for place, one in enumerate(results) if one is not None)

    helper.work = work
    alike(helped.read_all(asked), asked)
    assert seen


def test_what_cannot_be_read_says_why(helped):
    """The helper cannot say why; this process finds out."""
    helped._limits = helped._helpers[0]._limits = Limits(events=3)
    results = helped.read_all(pieces(*[line("x") * 9] * 6, line("y")))
    assert [type(one) for one in results] == [TooLarge] * 6 + [Read]


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGSTOP])
def test_a_helper_that_fails_costs_nothing(helped, monkeypatch, sign):
    """Killed or stopped while it has a piece: all is read here, and another helper is started later."""
    monkeypatch.setattr(module, "ANSWER_S", 0.5)
    genuine = module.send

    def send(to, data):
        os.kill(helper_pid(helped), sign)
        genuine(to, data)

    monkeypatch.setattr(module, "send", send)
    asked = pieces(*[BODY] * 12)
    alike(helped.read_all(asked), asked)
    assert helped._helpers[0]._process is None
    helped._helpers[0]._started = -module.AGAIN_AFTER_S
    assert not helped._helpers[0].is_ready()
    assert helped._helpers[0]._process is not None


@pytest.mark.parametrize("answer", [b"\x93no frame", b"\x93\xc4\x02no\x90\x90", b"\x93\xc4\x00\x90\x90"])
def test_a_wrong_answer_costs_nothing(helped, monkeypatch, answer):
    """What is no frame is read here."""
    monkeypatch.setattr(module, "receive", lambda *_more: answer)
    asked = pieces(*[BODY] * 4)
    alike(helped.read_all(asked), asked)


def test_a_helper_that_ended_by_itself_leaves_nothing(helped, caplog):
    """With the next body, however short: no zombie, no line that looks like a fault."""
    caplog.set_level("INFO")
    process = helped._helpers[0]._process
    os.kill(process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    asked = pieces(BODY)
    alike(helped.read_all(asked), asked)
    assert process.returncode is not None
    assert helped._helpers[0]._process is None
    assert not caplog.records


def test_descriptors_may_be_large():
    """A server with many connections and files has numbers beyond 1,023, which select() cannot look at."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    source, to = os.pipe()
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2_000), hard))
    large = fcntl.fcntl(source, fcntl.F_DUPFD, 1_500)
    try:
        assert not is_readable(large, 0)
        send(to, b"an answer")
        assert is_readable(large, 0)
        assert receive(large, 5) == b"an answer"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for one in (source, to, large):
            os.close(one)


def test_helpers_end_with_us_and_when_nobody_asks():
    """Killed at once, this process leaves none behind; and one that nobody asks anything ends by itself."""
    code = (
        "import select, sys\nfrom devmesh.intake.model import Limits\nfrom devmesh.intake.readers import Readers\n"
        "helper = Readers(Limits(), 1)._helpers[0]\nhelper.is_ready()\nselect.select([helper._out], [], [])\n"
        "print(helper._process.pid, flush=True)\nsys.stdin.read()\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    pid = os.pidfd_open(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    assert select.select([pid], [], [], 60)[0]
    os.close(pid)
    with subprocess.Popen([sys.executable, "-P", module.PROGRAM, "0.1"], stdin=subprocess.PIPE) as bored:
        assert bored.wait(60) == 0


def test_nothing_is_lost_or_doubled_when_helpers_are_killed(make_mesh):
    """Long bodies from two streams while the helper is killed again and again: every event once, counts right."""
    mesh = make_mesh(readers=1)
    readers = mesh.intake._readers
    stop = threading.Event()

    def kill() -> None:
        while not stop.wait(0.02):
            process = readers._helpers[0]._process
            readers._helpers[0]._started = -module.AGAIN_AFTER_S
            if process is not None and readers._helpers[0]._ready:
                process.kill()

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        for number in range(8):
            first = number * 4_000 + 1
            body = numbered(first, first + 3_999, more="x" * 300)
            answers = together(
                mesh, *[request(body, stream=name, ranges=((first, first + 3_999),)) for name in ("a", "b", "a")]
            )
            assert sorted(one.future.result(60).stored for one in answers) == [0, 4_000, 4_000]
    finally:
        stop.set()
        killer.join()
    assert rows(mesh, "SELECT COUNT(*), COUNT(DISTINCT seq) FROM log_events") == [(64_000, 32_000)]
    assert_counts(mesh)
