"""The traps of reading journals, each on real journal files (design, end of section 4)."""

from __future__ import annotations

import base64
import json
import os
import random
import resource
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ship_journals import BOOT_1, BOOT_2, START_US, entry, lines, need_journals, write_journal

from devmesh.ship.journal import JournalSource
from devmesh.ship.journal_file import local_journal_dirs
from devmesh.ship.piece import Changed, Lost, Piece
from devmesh.ship.wire import encode

pytestmark = pytest.mark.usefixtures("systemd", "_journals")


@pytest.fixture
def _journals() -> None:
    need_journals()


def read_all(directory: Path, host: str = "n1") -> list[Piece | Lost]:
    """Everything of the directory's one stream."""
    (stream,) = JournalSource([str(directory)], [], host).streams()
    return list(stream.read(*stream.extent()))


def wide(number: int, boot: bytes = BOOT_1) -> bytes:
    """An entry with so many new field names that journal-remote rotates the file soon after."""
    return entry(number, b"wide %d" % number, *((b"F%d_%04d" % (number, i), b"v") for i in range(900)), boot=boot)


def rotated(directory: Path) -> tuple[Path, Path]:
    """(archived file, active file) of one history."""
    directory.mkdir()
    write_journal(directory / "j.journal", [*lines(1, 10), wide(11), *lines(12, 20), wide(21), *lines(22, 40)])
    active = directory / "j.journal"
    archived = sorted(path for path in directory.iterdir() if path != active)
    assert archived, "journal-remote did not rotate"
    return archived[0], active


def test_a_backlog_of_two_boots_is_read_whole(tmp_path):
    """Journalctl --follow would stay in one boot and skip the rest; a poll without it does not (F07)."""
    write_journal(tmp_path / "j.journal", [*lines(1, 5, BOOT_1), *lines(6, 9, BOOT_2)])
    pieces = read_all(tmp_path)
    assert [piece.event["message"] for piece in pieces] == [f"entry {n}" for n in range(1, 10)]
    assert [piece.event["fields"]["_BOOT_ID"] for piece in pieces] == ["1" * 32] * 5 + ["2" * 32] * 4
    assert pieces[8].event["fields"]["_MONOTONIC"] == "1000009"


def test_a_journal_is_read_by_a_process_of_many_open_files(tmp_path):
    """Descriptors above 1,023, as a server with its agent in one process may have them, are read as others."""
    write_journal(tmp_path / "j.journal", lines(1, 5))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2_000), hard))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1_100)]
    try:
        assert len(read_all(tmp_path)) == 5
    finally:
        for descriptor in held:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_reading_begins_exactly_where_it_is_told_to(tmp_path):
    """From each number on, also one in an older boot, exactly the entries at and after it come (M2, M3)."""
    write_journal(tmp_path / "j.journal", [*lines(1, 5, BOOT_1), *lines(6, 9, BOOT_2)])
    (stream,) = JournalSource([str(tmp_path)], [], "n1").streams()
    for first in range(1, 10):
        assert [piece.first for piece in stream.read(first, 9)] == list(range(first, 10))
    assert [piece.first for piece in stream.read(3, 7)] == [3, 4, 5, 6, 7]
    assert stream.x_at(4) == read_all(tmp_path)[3].x
    assert stream.x_at(10) is None


def test_two_rotated_files_are_one_history(tmp_path):
    """Rotation changes file names, not numbers."""
    rotated(tmp_path / "j")
    pieces = read_all(tmp_path / "j")
    assert [piece.first for piece in pieces] == list(range(1, 41))
    assert len({piece.x for piece in pieces}) == 40


def test_what_was_vacuumed_before_it_was_sent_is_an_exact_gap(tmp_path, fake, ship_once):
    """The cursor is gone: the loss is counted to the entry and told to the server, the rest is sent (F04)."""
    archived, active = rotated(tmp_path / "j")
    aside = tmp_path / "aside.journal"
    write_journal(aside, [])
    shutil.move(active, aside)
    shutil.copytree(tmp_path / "j", tmp_path / "first")
    first_five = JournalSource([], [str(archived)], "n1").streams()[0]
    head = first_five.extent()
    assert ship_once(journal_dir=str(tmp_path / "first")) == 0
    shutil.move(aside, active)
    middle = [path for path in (tmp_path / "j").iterdir() if path not in (archived, active)]
    for path in [archived, *middle]:
        path.unlink()
    (left,) = JournalSource([], [str(active)], "n1").streams()
    # As if the agent had been off since entry 5: forget the rest on the server and in the state.
    (name,) = fake.streams
    fake.streams[name].coverage, fake.streams[name].marks = [(1, 5)], {}
    fake.streams[name].events = {seq: event for seq, event in fake.streams[name].events.items() if seq <= 5}
    assert head[0] == 1
    assert ship_once(journal_dir=str(tmp_path / "j")) == 0
    lost = left.extent()[0] - 6
    assert [(gap["from"], gap["to"], gap["exact"], gap["reason"]) for gap in fake.gaps()] == [
        (6, 5 + lost, True, "vacuumed")
    ]
    assert sorted(fake.streams[name].events) == [*range(1, 6), *range(6 + lost, 41)]
    assert fake.streams[name].coverage == [(1, 40)]


def test_a_new_server_is_not_told_of_what_the_old_one_had(tmp_path, fake, ship_once):
    """Sent long ago, vacuumed since, and the server begins anew: that is no loss to report."""
    archived, _active = rotated(tmp_path / "j")
    assert ship_once(journal_dir=str(tmp_path / "j")) == 0
    archived.unlink()
    fake.streams.clear()
    assert ship_once(journal_dir=str(tmp_path / "j")) == 0
    assert fake.gaps() == []
    (kept,) = fake.streams.values()
    assert len(kept.coverage) == 1
    assert kept.coverage[0][0] > 1


def test_an_older_copy_of_the_journal_is_another_history(tmp_path, fake, ship_once):
    """A rolled-back machine: a new epoch begins after the newest mark that still matches, nothing looks like a repeat
    (F05).
    """
    journal = tmp_path / "j" / "j.journal"
    journal.parent.mkdir()
    write_journal(journal, lines(1, 10))
    backup = tmp_path / "backup"
    ship_once(journal_dir=str(journal.parent))
    shutil.copytree(journal.parent, backup)
    write_journal(journal, lines(11, 20))
    ship_once(journal_dir=str(journal.parent))
    shutil.rmtree(journal.parent)
    shutil.copytree(backup, journal.parent)
    write_journal(journal, [entry(100 + n, b"after the restore %d" % n) for n in range(30)])
    assert ship_once(journal_dir=str(journal.parent)) == 0
    (old, new) = sorted(fake.streams)
    assert old.split(";")[0] == new.split(";")[0]
    assert (old.split(";")[1], new.split(";")[1]) == ("0", "1")
    assert fake.messages(old) == [f"entry {n}" for n in range(1, 21)]
    assert fake.messages(new) == [f"after the restore {n}" for n in range(30)]
    assert fake.streams[new].coverage == [(1, 40)]
    assert [gap["reason"] for beat in fake.heartbeats for gap in beat["gaps"]] == ["forked"]
    assert [gap["stream"] for beat in fake.heartbeats for gap in beat["gaps"]] == [old]
    sent = len(fake.requests)
    assert ship_once(journal_dir=str(journal.parent)) == 0
    assert len(fake.requests) == sent


def test_a_rollback_without_new_entries_is_seen_too(tmp_path, fake, ship_once):
    """The journal's head lies below the newest mark: a new epoch, and no entry twice beyond the last mark."""
    journal = tmp_path / "j" / "j.journal"
    journal.parent.mkdir()
    write_journal(journal, lines(1, 10))
    ship_once(journal_dir=str(journal.parent))
    shutil.copytree(journal.parent, tmp_path / "backup")
    write_journal(journal, lines(11, 20))
    ship_once(journal_dir=str(journal.parent))
    shutil.rmtree(journal.parent)
    shutil.copytree(tmp_path / "backup", journal.parent)
    assert ship_once(journal_dir=str(journal.parent)) == 0
    assert fake.messages() == [f"entry {n}" for n in range(1, 21)]


def test_a_clock_that_was_set_back_stalls_nothing(tmp_path, fake, ship_once):
    """Entries from the future come first in time, never last in the numbers (F06, F18)."""
    journal = tmp_path / "j.journal"
    ten_years_us = 10 * 365 * 86_400_000_000
    write_journal(journal, [entry(1, b"in ten years", at_us=START_US + ten_years_us)])
    ship_once(journal_file=str(journal))
    write_journal(journal, [entry(2, b"now"), entry(3, b"an hour ago", at_us=START_US - 3_600_000_000)])
    ship_once(journal_file=str(journal))
    assert fake.messages() == ["in ten years", "now", "an hour ago"]
    assert [event["ts_us"] for event in fake.events()] == [
        START_US + ten_years_us,
        START_US + 2,
        START_US - 3_600_000_000,
    ]


def test_filters_lose_no_entry_beside_them(tmp_path, fake, ship_once):
    """A match beside a cursor loses an entry in journalctl 252; filters in code do not, and what they drop is covered
    (F08).
    """
    journal = write_journal(
        tmp_path / "j.journal",
        [entry(n, b"entry %d" % n, (b"SYSLOG_IDENTIFIER", b"noisy" if n % 3 else b"kept")) for n in range(1, 31)],
    )
    filters = tmp_path / "filters.yaml"
    filters.write_text("- drop: {identifier: noisy}\n  name: noise\n")
    ship_once(journal_file=str(journal), filters=str(filters))
    assert fake.messages() == [f"entry {n}" for n in range(3, 31, 3)]
    (kept,) = fake.streams.values()
    assert kept.coverage == [(1, 30)]
    assert fake.heartbeats[-1]["dropped"] == {"noise": 20}


def test_equal_lines_in_one_microsecond_are_two_entries(tmp_path, fake, ship_once):
    """Identity is the number, not the content (F16)."""
    journal = write_journal(tmp_path / "j.journal", [entry(1, b"dup"), entry(1, b"dup")])
    ship_once(journal_file=str(journal))
    assert fake.messages() == ["dup", "dup"]


def test_bytes_of_any_kind_arrive(tmp_path, fake, ship_once):
    """NUL, ANSI, bidi, invalid UTF-8: nothing is lost; what is no text comes as base64 beside it (F14)."""
    messages = [
        b"nul\0inside",
        b"bad \xff\xfe\xc3(",
        b"two\nlines",
        b"\x1b[31mred\x07",
        "\u202eevil\u200b".encode(),
        b"\xed\xa0\x80",
    ]
    journal = write_journal(tmp_path / "j.journal", [entry(n, m) for n, m in enumerate(messages, 1)])
    ship_once(journal_file=str(journal))
    events = fake.events()
    for event, sent in zip(events, messages, strict=True):
        raw = event["fields"].get("_raw")
        if raw is None:
            assert event["message"].encode() == sent
        else:
            assert base64.b64decode(raw["MESSAGE"]) == sent
            assert event["message"] == sent.decode("utf-8", "replace")
    assert [event["fields"].get("_raw") is None for event in events] == [True, False, True, True, True, False]


def test_huge_many_repeated_and_missing_fields(tmp_path, fake, ship_once):
    """3 MB in a field, 900 fields, a name twice, no MESSAGE: cut and counted, never stuck (F13, F15)."""
    journal = write_journal(
        tmp_path / "j.journal",
        [
            entry(1, b"Z" * 3_000_000, (b"BIG", b"b" * 100_000)),
            entry(2, b"crowd", *((b"F%04d" % i, b"v") for i in range(900)), (b"_SYSTEMD_UNIT", b"x.service")),
            entry(3, b"twice", (b"TAG", b"one"), (b"TAG", b"two")),
            entry(4, None, (b"NOMSG", b"x")),
        ],
    )
    ship_once(journal_dir=str(tmp_path))
    del journal
    huge, crowd, twice, none = fake.events()
    assert huge["message"] == "Z" * 32_768
    assert huge["fields"]["_cut"] == {"MESSAGE": 3_000_000, "BIG": 100_000}
    assert len(crowd["fields"]) <= 64
    assert crowd["fields"]["_SYSTEMD_UNIT"] == "x.service"
    assert crowd["fields"]["_dropped"] > 800
    assert (twice["fields"]["TAG"], twice["fields"]["TAG.2"]) == ("one", "two")
    assert (none["message"], none["fields"]["NOMSG"]) == ("", "x")


def test_constant_ballast_stays_at_home(tmp_path):
    """What is the same in every entry of a node is not sent; a foreign host name is."""
    write_journal(
        tmp_path / "j.journal",
        [entry(1, b"m", (b"_CAP_EFFECTIVE", b"1f"), (b"_SYSTEMD_CGROUP", b"/x"), (b"MINE", b"1"))],
    )
    (piece,) = read_all(tmp_path)
    assert set(piece.event["fields"]) == {"PRIORITY", "MINE", "_BOOT_ID", "_MONOTONIC"}
    (piece,) = read_all(tmp_path, host="another")
    assert piece.event["fields"]["_HOSTNAME"] == "n1"


def test_a_damaged_file_costs_only_what_is_damaged(tmp_path):
    """Bytes flipped in an entry: the reader goes on behind it, and says exactly which numbers are lost (F10)."""
    write_journal(tmp_path / "j.journal", [entry(n, b"entry %d " % n + b"x" * 400) for n in range(1, 201)])
    whole = (tmp_path / "j.journal").read_bytes()
    chance = random.Random(7)  # noqa: S311
    damaged_runs = 0
    for _run in range(12):
        broken = bytearray(whole)
        at = chance.randrange(whole.find(b"entry 20 "), whole.find(b"entry 190 "))
        broken[at : at + 64] = bytes(chance.randrange(256) for _ in range(64))
        (tmp_path / "j.journal").write_bytes(broken)
        items = read_all(tmp_path)
        covered = [number for item in items for number in range(item.first, item.last + 1)]
        assert covered == list(range(1, 201))
        damaged_runs += any(isinstance(item, Lost) for item in items)
        assert sum(item.last - item.first + 1 for item in items if isinstance(item, Lost)) < 20
    assert damaged_runs


def test_a_truncated_file_ends_in_a_gap(tmp_path, fake, ship_once):
    """Half of the file is gone: what journalctl reads is sent, the rest is a gap, nothing is stuck (F10)."""
    journal = write_journal(tmp_path / "j.journal", [entry(n, b"entry %d " % n + b"x" * 2000) for n in range(1, 1001)])
    size = len(journal.read_bytes().rstrip(b"\0"))
    with journal.open("r+b") as file:
        file.truncate(size // 2)
    assert ship_once(journal_file=str(journal)) == 0
    (kept,) = fake.streams.values()
    assert kept.coverage == [(1, 1000)]
    assert len(kept.events) < 1000
    lost = sum(gap["to"] - gap["from"] + 1 for gap in kept.gaps)
    assert len(kept.events) + lost == 1000
    assert {gap["reason"] for gap in kept.gaps} == {"corrupt"}


def test_a_writer_between_number_and_entry_is_waited_for(tmp_path, clock):
    """The header of a file in use may name an entry that is not linked yet: no gap before 10 s have passed."""
    journal = write_journal(tmp_path / "j.journal", lines(1, 5))
    with journal.open("r+b") as file:
        file.seek(16)
        file.write(b"\x01")  # online
        file.seek(160)
        file.write((6).to_bytes(8, "little"))
    source = JournalSource([], [str(journal)], "n1", monotonic=clock.monotonic)
    (stream,) = source.streams()
    reader = stream.read(1, 6)
    assert [next(reader).first for _ in range(5)] == [1, 2, 3, 4, 5]
    with pytest.raises(Changed):
        next(reader)
    clock.ahead_s += 11
    assert list(stream.read(6, 6)) == [Lost(6, 6, True, "corrupt")]


def test_a_killed_journalctl_loses_nothing(tmp_path):
    """Journalctl dies in the middle of an entry: that is no damage, and reading goes on from there."""
    journal = write_journal(tmp_path / "j.journal", lines(1, 60))
    flaky = tmp_path / "journalctl"
    flaky.write_text(f"""#!/bin/sh
count=$(cat {tmp_path}/count 2>/dev/null || echo 0)
echo $((count + 1)) > {tmp_path}/count
if [ $((count % 2)) = 0 ]; then journalctl "$@" | head -c 7000; else exec journalctl "$@"; fi
""")
    flaky.chmod(0o755)
    (stream,) = JournalSource([], [str(journal)], "n1", journalctl=str(flaky)).streams()
    assert [piece.event["message"] for piece in stream.read(1, 60)] == [f"entry {n}" for n in range(1, 61)]


def test_without_journalctl_nothing_is_called_lost(tmp_path):
    """It cannot be started: look again later, report no gap."""
    journal = write_journal(tmp_path / "j.journal", lines(1, 5))
    (stream,) = JournalSource([], [str(journal)], "n1", journalctl="/nowhere/journalctl").streams()
    with pytest.raises(Changed, match="cannot be started"):
        list(stream.read(1, 5))


def test_rotation_under_a_planned_read_is_noticed(tmp_path):
    """Another file under the name: the read says Changed and reads nothing of the other one (F09)."""
    archived, active = rotated(tmp_path / "j")
    source = JournalSource([str(tmp_path / "j")], [], "n1")
    (stream,) = source.streams()
    active.rename(tmp_path / "j" / "j@rotated.journal")
    archived.rename(active)
    with pytest.raises(Changed):
        list(stream.read(*stream.extent()))
    (again,) = source.streams()
    assert [piece.first for piece in again.read(*again.extent())] == list(range(1, 41))


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=200), min_size=1, max_size=20))
def test_any_message_survives_the_journal_byte_for_byte(tmp_path_factory, messages):
    """What a program wrote comes out of journald, journalctl, our reader and JSON as the same bytes (F14)."""
    directory = tmp_path_factory.mktemp("any")
    write_journal(
        directory / "j.journal", [entry(n, message, (b"MINE", b"1")) for n, message in enumerate(messages, 1)]
    )
    events = [json.loads(encode(piece.event)) for piece in read_all(directory)]
    for event, message in zip(events, messages, strict=True):
        raw = event["fields"].get("_raw", {}).get("MESSAGE")
        assert (base64.b64decode(raw) if raw is not None else event["message"].encode()) == message


def test_the_local_journal_is_found(tmp_path):
    """This machine's folder and its namespaces, the persistent ones before the volatile; others' are left alone."""
    mine, persistent, volatile = "a" * 32, tmp_path / "var", tmp_path / "run"
    for folder in (persistent / mine, persistent / f"{mine}.extra", persistent / ("b" * 32), volatile / mine):
        folder.mkdir(parents=True)
    write_journal(volatile / mine / "system.journal", lines(1, 2))
    roots = (str(persistent), str(volatile))
    assert local_journal_dirs(mine, roots) == [str(volatile / mine)]
    for folder in (persistent / mine, persistent / f"{mine}.extra", persistent / ("b" * 32)):
        write_journal(folder / "system.journal", lines(1, 2))
    assert local_journal_dirs(mine, roots) == [str(persistent / mine), str(persistent / f"{mine}.extra")]
    assert local_journal_dirs("", roots) == []


def test_two_histories_in_one_folder_are_two_streams(tmp_path, fake, ship_once):
    """Each seqnum id is numbered by itself; a gap beside another journal is only an upper bound."""
    write_journal(tmp_path / "one.journal", lines(1, 3))
    write_journal(tmp_path / "two.journal", lines(4, 9))
    assert ship_once(journal_dir=str(tmp_path)) == 0
    assert sorted(len(kept.events) for kept in fake.streams.values()) == [3, 6]
    assert [stream.exact for stream in JournalSource([str(tmp_path)], [], "n1").streams()] == [False, False]
