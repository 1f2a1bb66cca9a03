"""Text logs followed over rename, compression, truncation and growth: each line once, under the same numbers."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import threading
from pathlib import Path

from ship_texts import append, numbers, text

from devmesh.ship import logfile
from devmesh.ship.agent import Agent
from devmesh.ship.files import FileSource, open_plain, service_of
from devmesh.ship.fold import Context, read_events
from devmesh.ship.identity import (
    choose_length,
    file_identity,
    identify,
    line_hash,
    match_identity,
)
from devmesh.ship.options import Options
from devmesh.ship.sources import text_logs
from devmesh.ship.stamps import Stamps


def test_a_growing_log_is_followed_line_by_line(fake, following, tmp_path):
    """What is complete is sent, the last event after 5 s of silence, an unfinished line when it ends."""
    log = tmp_path / "app.log"
    log.write_text(text(1, 20))
    following()
    assert fake.messages() == numbers(1, 20)
    append(log, text(21, 22))
    following(seconds=1)
    assert fake.messages() == numbers(1, 21)
    append(log, "    continued\n")
    following(seconds=1)
    assert fake.messages() == numbers(1, 21)
    following(seconds=6)
    assert fake.messages()[-1] == "line number 22 of the log\n    continued"
    append(log, "2026-11-20T11:00:00Z unfini")
    following(seconds=60)
    assert len(fake.messages()) == 22
    append(log, "shed\n")
    following()
    following()
    assert fake.messages()[-1] == "unfinished"


def test_a_renamed_log_is_the_same_stream(fake, following, tmp_path):
    """Log becomes log.1, its last lines come after that, a new log begins: nothing is lost, nothing twice."""
    log = tmp_path / "app.log"
    log.write_text(text(1, 20))
    following()
    append(log, text(21, 25))
    log.rename(tmp_path / "app.log.1")
    append(tmp_path / "app.log.1", text(26, 30))
    log.write_text(text(31, 50))
    following()
    following()
    assert sorted(fake.messages()) == sorted(numbers(1, 50))
    assert len(fake.streams) == 2


def test_compression_and_a_second_rotation_change_nothing(fake, following, tmp_path):
    """log.1 becomes log.2.gz, log becomes log.1: still the same streams, and nothing is sent again."""
    log = tmp_path / "app.log"
    log.write_text(text(1, 20))
    following()
    log.rename(tmp_path / "app.log.1")
    log.write_text(text(21, 40))
    following()
    (tmp_path / "app.log.2.gz").write_bytes(gzip.compress((tmp_path / "app.log.1").read_bytes()))
    log.rename(tmp_path / "app.log.1")
    log.write_text(text(41, 60))
    following()
    following()
    assert sorted(fake.messages()) == sorted(numbers(1, 60))
    assert len(fake.streams) == 3


def test_old_rotations_are_history_that_is_sent_too(fake, ship_once, tmp_path):
    """On the first start log.1 and log.2.gz are there already."""
    (tmp_path / "app.log.2.gz").write_bytes(gzip.compress(text(1, 20).encode()))
    (tmp_path / "app.log.1").write_text(text(21, 40))
    (tmp_path / "app.log").write_text(text(41, 60))
    (tmp_path / "app.logger").write_text("another program's\n")
    assert ship_once(files=(str(tmp_path / "app.log"),)) == 0
    assert sorted(fake.messages()) == sorted(numbers(1, 60))


def test_copytruncate_loses_and_repeats_nothing(fake, following, tmp_path):
    """The log is copied to log.1 and cut to nothing; what was in it alone in the copy now is sent from there."""
    log = tmp_path / "app.log"
    log.write_text(text(1, 20))
    following()
    append(log, text(21, 25))
    shutil.copy2(log, tmp_path / "app.log.1")
    with log.open("r+b") as file:
        file.truncate(0)
    append(log, text(26, 50))
    following()
    following()
    assert sorted(fake.messages()) == sorted(numbers(1, 50))


def test_a_copy_in_the_making_is_not_read(fake, following, tmp_path):
    """Half of a copy has the same beginning: the longer file is the log."""
    log = tmp_path / "app.log"
    log.write_text(text(1, 40))
    (tmp_path / "app.log.1").write_text(text(1, 15))
    following()
    assert fake.messages() == numbers(1, 40)
    assert len(fake.streams) == 1


def test_a_log_that_begins_alike_after_truncation_is_a_new_epoch(fake, following, tmp_path):
    """Smaller than what was sent of it: another history, sent whole behind the newest mark that still holds."""
    log = tmp_path / "app.log"
    banner = "2026-11-20T10:00:00Z " + "banner " * 60 + "\n"
    log.write_text(banner + text(1, 30))
    following()
    with log.open("r+b") as file:
        file.truncate(0)
    append(log, banner + text(31, 40))
    following()
    following()
    assert sorted(name.split(";")[1] for name in fake.streams) == ["0", "1"]
    assert set(numbers(31, 40)) <= set(fake.messages())
    assert [message for message in fake.messages() if message in numbers(1, 30)] == numbers(1, 30)


def test_a_log_that_begins_alike_and_is_longer_already_is_noticed_too(fake, following, tmp_path):
    """Cut and written anew past the old end between two looks: the line before the new bytes is another one."""
    log = tmp_path / "app.log"
    banner = "2026-11-20T10:00:00Z " + "banner " * 60 + "\n"
    log.write_text(banner + text(1, 10))
    following()
    with log.open("r+b") as file:
        file.truncate(0)
    append(log, banner + text(101, 140))
    following()
    following()
    assert [message for message in fake.messages() if "number" in message] == numbers(1, 10) + numbers(101, 140)


def test_logs_that_share_a_first_line_are_told_apart(fake, following, ship_once, tmp_path):
    """A short log was named by a banner that every log of the program begins with: the others get longer names."""
    log, banner = tmp_path / "app.log", "program started\n"
    log.write_text(banner)
    ship_once(files=(str(log),))
    append(log, text(1, 20))
    following()
    shutil.copy2(log, tmp_path / "app.log.1")
    with log.open("r+b") as file:
        file.truncate(0)
    append(log, banner + text(21, 40))
    following()
    following()
    assert sorted(message for message in fake.messages() if "number" in message) == sorted(numbers(1, 40))
    assert len(fake.streams) == 2


def test_a_log_that_was_overwritten_between_two_looks_is_noticed(fake, following, tmp_path):
    """The same inode, already longer than before, with other bytes: it is another log."""
    log = tmp_path / "app.log"
    log.write_text(text(1, 20))
    following()
    with log.open("r+b") as file:
        file.truncate(0)
    append(log, text(101, 160))
    following()
    following()
    assert sorted(fake.messages()) == sorted(numbers(1, 20) + numbers(101, 160))


def test_a_short_log_waits_until_it_can_be_named(fake, following, tmp_path):
    """Below 256 bytes a log is named when it is 60 s old; growing later does not rename it."""
    log = tmp_path / "app.log"
    log.write_text(text(1, 2))
    following(seconds=6)
    assert fake.messages() == []
    following(seconds=61)
    assert fake.messages() == numbers(1, 2)
    append(log, text(3, 30))
    following()
    assert fake.messages() == numbers(1, 30)
    (name,) = fake.streams
    assert name.split("-")[0] == str(len(text(1, 2)))


def test_what_vanished_before_it_was_sent_is_a_gap(fake, following, tmp_path):
    """The log is deleted with lines unsent: the bytes that are gone are told, exactly."""
    log = tmp_path / "app.log"
    log.write_text(text(1, 20))
    following()
    append(log, text(21, 30))
    fake.down = True
    following()
    size = log.stat().st_size
    log.unlink()
    fake.down = False
    for _look in range(6):
        following()
    (gap,) = fake.gaps()
    assert (gap["from"], gap["to"], gap["exact"], gap["reason"]) == (len(text(1, 20)), size - 1, False, "vanished")


def test_the_newest_part_of_a_long_log_is_sent_first(fake, ship_once, tmp_path, monkeypatch):
    """More than one chunk waits: its end comes first, the beginning behind it, everything once (F21)."""
    log = tmp_path / "app.log"
    monkeypatch.setattr(logfile, "CHUNK_BYTES", 100_000)
    count = 250_000 // len(text(1, 1))
    log.write_text(text(1, count))
    spans: list[int] = []
    fake.always = lambda exchange: (spans.append(exchange.lines[0]["seq"]), exchange.answer(200, exchange.commit()))
    assert ship_once(files=(str(log),)) == 0
    assert spans[0] > 100_000
    assert min(spans) == 0
    (kept,) = fake.streams.values()
    assert kept.coverage == [(0, log.stat().st_size - 1)]
    assert len(kept.events) == count


def test_older_history_is_sent_while_the_newest_line_is_held_back(fake, following, tmp_path, monkeypatch):
    """A log that never falls silent holds its last event back all the time: what is older is sent nevertheless."""
    monkeypatch.setattr(logfile, "CHUNK_BYTES", 20_000)
    log = tmp_path / "app.log"
    log.write_text(text(1, 1_500))
    for number in range(1_501, 1_520):
        append(log, text(number, number))
        following(seconds=1)
    assert fake.messages() == numbers(1, 1_518)


def test_import_and_agent_number_the_same_events_alike(fake, ship_once, tmp_path):
    """The same bytes, read decompressed by anybody, are the same stream with the same numbers."""
    log = tmp_path / "app.log"
    log.write_text(text(1, 30))
    packed = tmp_path / "elsewhere.gz"
    packed.write_bytes(gzip.compress(log.read_bytes()))
    ship_once(files=(str(log),))
    (name,) = fake.streams
    with open_plain(str(packed)) as stream:
        prefix = stream.read(1024)
    assert identify(prefix, [name.split(";")[0]]) == identify(prefix) == name.split(";")[0]
    with open_plain(str(packed)) as stream:
        found = [event.first for event in read_events(stream, Context("x", "x", Stamps(0), 0))]
    assert found == sorted(fake.streams[name].events)


def test_services_are_named_by_place():
    """The directory below /var/log, else the file's name."""
    assert service_of("/var/log/nginx/access.log") == "nginx"
    assert service_of("/var/log/dpkg.log") == "dpkg"
    assert service_of("/var/log/apt/history.log") == "apt"
    assert service_of("/srv/app/app.log") == "app"


def test_text_logs_are_found_and_binary_ones_left_alone(tmp_path):
    """*.log and the like below /var/log; not rotations, not wtmp, and with a journal not what syslog writes."""
    for name in (
        "dpkg.log",
        "syslog",
        "auth.log",
        "nginx/access.log",
        "nginx/access.log.1",
        "wtmp",
        "journal/x.log",
        "app.log.2.gz",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("text\n")
    (tmp_path / "binary.log").write_bytes(b"ab\0cd")
    with_syslog = {os.path.relpath(path, tmp_path) for path in text_logs(str(tmp_path))}
    assert with_syslog == {"dpkg.log", "syslog", "auth.log", "nginx/access.log"}
    with_journal = {os.path.relpath(path, tmp_path) for path in text_logs(str(tmp_path), with_syslog=False)}
    assert with_journal == {"dpkg.log", "nginx/access.log"}


def test_identities_are_of_whole_lines_between_256_bytes_and_1_kib():
    """N is fixed by content alone; the longest known n wins; a short file is named only when settled."""
    lines = b"".join(b"%03d 456789012345678901234567890123456789\n" % n for n in range(50))
    assert choose_length(lines[:1024], settled=False) == 287
    assert choose_length(b"x" * 1024, settled=False) == 1024
    assert choose_length(b"x" * 1023, settled=False) is None
    assert choose_length(lines[:100], settled=False) is None
    assert choose_length(lines[:100], settled=True) == 82
    assert choose_length(b"abc", settled=True) == 3
    assert choose_length(b"", settled=True) is None
    known = [file_identity(lines, 41), file_identity(lines, 287), "0123456789abcdef", "x-y"]
    assert match_identity(lines[:1024], known) == file_identity(lines, 287)
    assert match_identity(lines[:100], known) == file_identity(lines, 41)
    assert match_identity(b"other" * 100, known) is None
    assert line_hash(b"a\nb\n") == line_hash(b"b\n") != line_hash(b"a\n")


def test_files_without_permission_are_told_of(tmp_path, clock):
    """A log that cannot be unpacked is trouble in the heartbeat, not the end of the agent."""
    (tmp_path / "app.log").write_text(text(1, 20))
    (tmp_path / "app.log.1.gz").write_bytes(b"\x1f\x8b no gzip at all")
    source = FileSource([str(tmp_path / "app.log")], clock, once=True)
    assert len(source.streams([], lambda _identity: [])) == 1
    assert list(source.trouble) == [str(tmp_path / "app.log.1.gz")]


def test_sigterm_sends_what_is_there(fake, url, tmp_path, clock):
    """The last look before the end sends what was written since the one before."""
    log = tmp_path / "app.log"
    log.write_text(text(1, 20))
    (tmp_path / "state").mkdir()
    agent = Agent(Options(to=url, node="n1", files=(str(log),)), str(tmp_path / "state"), clock)
    clock.ahead_s += 6
    stop = threading.Event()
    waited = clock.wait

    def stop_after_growth(seconds: float, event: threading.Event) -> None:
        waited(seconds, event)
        if fake.messages() and not stop.is_set():
            append(log, text(21, 40))
            stop.set()

    clock.wait = stop_after_growth
    assert agent.run(stop) == 0
    agent.server.close()
    assert fake.messages() == numbers(1, 40)


def test_reading_that_begins_within_a_line_leaves_no_mark(tmp_path):
    """After an import of an unfinished line its rest has no x: half a line hashes to something else."""
    log = tmp_path / "app.log"
    log.write_text(text(1, 20))
    (found,) = logfile.rotated_files(str(log))
    stream = logfile.FileStream("id", found, log.stat().st_size, "all")
    middle = log.read_bytes().index(b"number 3")
    rest, following_line = list(stream.read(middle, log.stat().st_size - 1))[:2]
    assert rest.x == ""
    assert following_line.x == stream.x_at(following_line.last)


def test_a_path_that_is_not_utf8_is_told_of(fake, ship_once, tmp_path):
    """Its events and the heartbeat arrive; a lone surrogate would be refused for ever."""
    log = os.fsencode(tmp_path) + b"/caf\xe9.log"
    Path(os.fsdecode(log)).write_text(text(1, 20))
    assert ship_once(files=(os.fsdecode(log),)) == 0
    assert fake.messages() == numbers(1, 20)
    json.dumps(fake.heartbeats[-1], ensure_ascii=False).encode()


def test_a_log_that_says_nothing_more_is_sent_again_where_the_server_lost_it(fake, following, tmp_path):
    """A heartbeat hears that the server knows less, though no request failed: the lines go out again, once."""
    log = tmp_path / "app.log"
    log.write_text(text(1, 20))
    following()
    (kept,) = fake.streams.values()
    kept.coverage, kept.marks, last = [(0, len(text(1, 19)) - 1)], {}, max(kept.events)
    del kept.events[last]
    following(seconds=31)
    following()
    assert fake.messages() == numbers(1, 20)
    asked = len(fake.requests)
    following(seconds=31)
    assert len(fake.requests) == asked
