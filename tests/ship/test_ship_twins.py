"""Text logs that begin alike: told apart by their lines, here and by whoever imports them later."""

from __future__ import annotations

from ship_texts import append, numbers, text

from devmesh.ship.identity import EACH_TELLS_BYTES, MARKS_A_REQUEST, line_hash


def test_logs_that_begin_alike_are_each_read(fake, following, tmp_path):
    """Jobs that say the same at first are told apart by the first line that differs, and stay so."""
    banner = "2026-11-20T10:00:00Z " + "banner " * 60 + "\n"
    log = tmp_path / "app.log"
    log.write_text(banner + text(1, 3))
    (tmp_path / "app.log.1").write_text(banner + text(4, 5))
    following()
    append(log, text(6, 6))
    following()
    assert sorted(fake.messages()) == sorted([banner.split(" ", 1)[1].strip()] * 2 + numbers(1, 6))
    assert len(fake.streams) == 2


def test_what_is_not_read_is_said(fake, ship_once, tmp_path, caplog):
    """A named source that is not there, and a log that parts too late from another: in our own output, each once."""
    alike = text(1, 60)
    (tmp_path / "one.log").write_text(alike + text(61, 61))
    (tmp_path / "two.log").write_text(alike + text(62, 64))
    names = ("one.log", "two.log", "nowhere.log")
    assert ship_once(files=tuple(str(tmp_path / name) for name in names), journal_file="/no/such.journal") == 0
    told = [record.getMessage() for record in caplog.records if "trouble=" in record.getMessage()]
    assert len(told) == len({line.split()[0] for line in told}) == 3
    assert [("one.log" in line, "nowhere.log" in line, "such.journal" in line) for line in sorted(told)] == [
        (False, False, True),
        (False, True, False),
        (True, False, False),
    ]
    assert {one["path"] for one in fake.heartbeats[-1]["sources"] if "trouble" in one} == {
        "/no/such.journal",
        str(tmp_path / "nowhere.log"),
        str(tmp_path / "one.log"),
    }


def test_each_early_line_leaves_a_mark(fake, following, tmp_path):
    """However many lines one request takes, the server learns the mark of each in the first 2 KiB, and some behind."""
    log = tmp_path / "app.log"
    log.write_text(text(1, 2_000))
    following()
    (kept,) = fake.streams.values()
    ends = [at for at, byte in enumerate(log.read_bytes()) if byte == ord("\n")]
    early = [end for end in ends if end < EACH_TELLS_BYTES]
    assert set(early[:MARKS_A_REQUEST]) <= kept.marks.keys()
    assert all(any(n < seq < 2 * n for seq in kept.marks) for n in (8_000, 16_000, 32_000, 64_000))
    assert all(kept.marks[seq] == line_hash(log.read_bytes()[: seq + 1]) for seq in kept.marks)
