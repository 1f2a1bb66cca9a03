"""`devmesh import` of files that begin alike: copies are stored once, other files each with what they say."""

from __future__ import annotations

import pytest
from cli_house import Runner

LINES = [f"2026-01-20T14:{n // 60:02d}:{n % 60:02d}Z something number {n} happened\n" for n in range(100)]
TEXT = "".join(LINES).encode()


def test_a_short_file_stays_itself_beside_one_whose_line_ends_at_the_same_byte(importing: Runner, tmp_path):
    """A mark of another file at the same byte says nothing of this one, whether it is the last or lies behind it."""
    short, other, longer = tmp_path / "short.log", tmp_path / "other.log", tmp_path / "longer.log"
    first, second = (f"2026-01-20T14:00:0{n}Z {'x' * 70} said {n}" for n in range(2))
    short.write_text(f"{first}\n{second}")
    size = short.stat().st_size
    other.write_text(f"2026-01-20T14:00:00Z {'y' * (size - 22)}\n2026-01-20T14:00:01Z {'z' * 300}\n")
    assert [importing.bring(str(one))[0] for one in (short, other, short, other)] == [2, 2, 0, 0]
    longer.write_text(f"{first}\n{second}\n2026-01-20T14:00:02Z {'x' * 400} said 2\n")
    assert importing.bring(str(longer)) == (1, 2, 0)
    assert [importing.bring(str(one))[0] for one in (short, other, longer)] == [0, 0, 0]


def test_two_lines_of_which_only_the_first_is_alike(importing: Runner, tmp_path):
    """A short file that begins like a longer one has its own second line stored."""
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    first = f"2024-01-02T03:04:05Z {'same ' * 60}\n"
    one.write_text(first + "".join(f"2024-01-02T03:04:06Z only in {name}\n" for name in "abcde"))
    two.write_text(first + "2024-01-02T03:04:06Z only in x\n")
    assert importing.bring(str(one)) == (6, 0, 0)
    assert importing.bring(str(two)) == (2, 0, 0)
    assert "only in x" in importing.messages()
    assert importing.bring(str(two)) == (0, 2, 0)


@pytest.mark.parametrize("lines", [1, 5, 31])
@pytest.mark.parametrize("ends", [("FAILED: disk is full", "ok"), ("ok", "FAILED: disk is full"), ("code 0", "code 1")])
def test_the_same_banner_and_another_result(importing: Runner, tmp_path, lines, ends):
    """Of jobs that say the same but for their last line each last line is stored, whichever is longer."""
    banner = "".join(f"step {n} of the nightly backup, nothing special {'.' * 250}\n" for n in range(lines))
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    one.write_text(banner + ends[0] + "\n")
    two.write_text(banner + ends[1] + "\n")
    importing.bring(str(one))
    stored, _repeated, rejected = importing.bring(str(two))
    assert stored > 0 == rejected
    assert set(ends) <= set(importing.messages())
    for log in (one, two):
        assert importing.bring(str(log)) == (0, lines + 1, 0)


@pytest.mark.parametrize("lines", [3, 40, 200])
def test_a_longer_file_of_the_same_beginning_came_first(importing: Runner, tmp_path, lines):
    """What ends a short file is stored, though a longer one that said the same until then said more at its end."""
    same = "".join(f"step {n} of the nightly backup, nothing special {'.' * 90}\n" for n in range(lines))
    short, long = tmp_path / "short.log", tmp_path / "long.log"
    short.write_text(same + "end of the short one\n")
    long.write_text(same + "".join(f"end of the long one, line {n}\n" for n in range(3)))
    importing.bring(str(long))
    assert importing.bring(str(short))[0] > 0
    assert "end of the short one" in importing.messages()
    for log in (short, long):
        assert importing.bring(str(log))[0] == 0


@pytest.mark.parametrize("parts_at", [700, 1100, 1234])
def test_a_file_that_parts_between_two_marks(importing: Runner, tmp_path, parts_at):
    """What a file says differently is stored, though it ends before the next line that the longer one is known by."""
    lines = [f"2026-11-{1 + n // 1440:02}T{n // 60 % 24:02}:{n % 60:02}:00Z job {n} is done" for n in range(2_000)]
    other = [line.replace("done", "lost") for line in lines[parts_at : parts_at + 40]]
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    one.write_text("\n".join(lines) + "\n")
    two.write_text("\n".join([*lines[:parts_at], *other]) + "\n")
    assert importing.bring(str(one)) == (2_000, 0, 0)
    assert importing.bring(str(two)) == (40, parts_at, 0)
    assert importing.bring(str(two)) == (0, parts_at + 40, 0)
    two.write_text("\n".join([*lines[:parts_at], *other, *other]) + "\n")
    assert importing.bring(str(two)) == (40, parts_at + 40, 0)
    assert importing.bring(str(one)) == (0, 2_000, 0)
    assert sum("lost" in message for message in importing.messages()) == 80


def test_an_older_copy_is_no_other_file(importing: Runner, tmp_path):
    """A copy that was made while the log was shorter is the log, wherever it ends."""
    log = tmp_path / "app.log"
    log.write_bytes(TEXT)
    importing.bring(str(log))
    ends = [at + 1 for at, byte in enumerate(TEXT) if byte == ord("\n") and at > 600]
    made = (*ends[:40:7], ends[-1], ends[3] - 9, ends[50] - 9)
    copies = [tmp_path / f"copy-{end}.log" for end in made]
    for copy, end in zip(copies, made, strict=True):
        copy.write_bytes(TEXT[:end])
    assert importing.bring(*map(str, copies))[0] == 0


def test_another_file_that_begins_alike_is_stored_whole(importing: Runner, tmp_path):
    """Equal first kilobytes make no repeats: what goes on differently is another file, and stays known as such."""
    head = b"# the same long header of two files\n" * 60
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    one.write_bytes(head + TEXT)
    two.write_bytes(head + TEXT.replace(b"something", b"otherwise"))
    first, _repeated, _rejected = importing.bring(str(one))
    assert importing.bring(str(two)) == (first, 0, 0)
    for _ in range(2):
        assert importing.bring(str(two)) == (0, first, 0)
        assert importing.bring(str(one)) == (0, first, 0)


TIMED = "".join(f"2026-01-20T14:{n:02d}:00Z job {n} is done, all of it, {'.' * 70}\n" for n in range(9))
TIMELESS = "".join(f"step {n} of the nightly backup, nothing special {'.' * 90}\n" for n in range(9))
JSON_LINES = "".join(f'{{"log": "{"x" * 120}", "at": {n}, "took": "{n} seconds"}}\n' for n in range(9))


@pytest.mark.parametrize("known", [TIMED, TIMELESS, JSON_LINES], ids=["timed", "timeless", "json"])
def test_a_last_line_without_an_end(importing: Runner, tmp_path, known):
    """What a file says in a last line without an end is stored, though the known one has a longer line there; a copy
    that was made within that line is no other file, wherever it was cut.
    """
    shared = known[: known.rindex("\n", 0, -1) + 1]
    last = known[len(shared) :].rstrip("\n")
    (tmp_path / "known.log").write_text(known)
    assert importing.bring(str(tmp_path / "known.log")) == (9, 0, 0)
    sizes = (1, 5, 18, 22, 40, len(last) - 1, len(last))
    copies = [tmp_path / f"copy-{size}.log" for size in sizes]
    for copy, size in zip(copies, sizes, strict=True):
        copy.write_text(shared + last[:size])
    assert importing.bring(*map(str, copies))[0] == 0
    for own in ("FAILED", last[:26] + "lost"):
        twin = tmp_path / "twin.log"
        twin.write_text(shared + own)
        assert importing.bring(str(twin))[0] > 0
        assert sum(message.endswith(own[-6:]) for message in importing.messages()) == 1
        assert importing.bring(str(twin))[0] == 0
    assert importing.bring(str(tmp_path / "known.log")) == (0, 9, 0)


def test_syslog_that_is_cut_in_its_head(importing: Runner, tmp_path):
    """A copy that ends within a program's name, or its secret, is no other file; its last lines may be other ones."""
    says = ["password=hunter22 was taken, then more", "size=22 was taken, then more", "it went on, as always"]
    lines = [f"Jan 20 14:00:{n:02} nas backup[{n % 10}]: {says[n % 3]}\n" for n in range(20)]
    (tmp_path / "known.log").write_text("".join(lines))
    importing.bring("--year", "2026", str(tmp_path / "known.log"))
    for size in range(1, len(lines[9]), 3):
        (tmp_path / f"copy-{size}.log").write_text("".join(lines[:9]) + lines[9][:size])
    copies = [str(one) for one in sorted(tmp_path.glob("copy-*"))]
    assert importing.bring("--year", "2026", *copies)[0] == 0
    (tmp_path / "twin.log").write_text("".join(lines[:9]) + "Jan 20 14:00:09 nas backup[9]: it failed")
    importing.bring("--year", "2026", str(tmp_path / "twin.log"))
    assert "it failed" in importing.messages()
