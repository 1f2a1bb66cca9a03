"""`devmesh import`: each event once, whoever brought it before, whatever became of its file; bad lines cost nothing."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import json
import lzma
import os
import random
import threading

import pytest
import zstandard
from cli_house import NOW_US, Runner

from devmesh.ship.identity import node_name

LINES = [f"2026-01-20T14:{n // 60:02d}:{n % 60:02d}Z something number {n} happened\n" for n in range(100)]
TEXT = "".join(LINES).encode()


def cursor_entry(number: int, message: str, *, x: str = "", host: str = "Pi.example.org") -> dict[str, str]:
    """An entry as `journalctl -o json` prints it."""
    mark = x or f"{number:x}"
    return {
        "__CURSOR": f"s={'ab' * 16};i={number:x};b={'cd' * 16};m=1;t=2;x={mark}",
        "__REALTIME_TIMESTAMP": str(1_768_917_600_000_000 + number),
        "__MONOTONIC_TIMESTAMP": "17",
        "_BOOT_ID": "cd" * 16,
        "_HOSTNAME": host,
        "PRIORITY": "4",
        "_SYSTEMD_UNIT": "backup.service",
        "MESSAGE": message,
    }


def as_export(entry: dict[str, str]) -> bytes:
    """The same entry in the export format."""
    return "".join(f"{name}={value}\n" for name, value in entry.items()).encode() + b"\n"


def as_lines(entries) -> bytes:
    """Entries or events as lines of JSON."""
    return b"".join(json.dumps(one).encode() + b"\n" for one in entries)


def test_a_file_is_stored_once_whatever_becomes_of_it(importing: Runner, tmp_path):
    """Again, grown, renamed, compressed and through a pipe: every line is stored once."""
    log = tmp_path / "app.log"
    log.write_bytes(b"".join(line.encode() for line in LINES[:40]))
    assert importing.bring(str(log)) == (40, 0, 0)
    assert importing.bring(str(log)) == (0, 40, 0)
    log.write_bytes(TEXT)
    assert importing.bring(str(log)) == (60, 40, 0)
    (tmp_path / "app.log.1").write_bytes(TEXT)
    (tmp_path / "app.log.2.gz").write_bytes(gzip.compress(TEXT[:3000]) + gzip.compress(TEXT[3000:]))
    (tmp_path / "odd name").write_bytes(zstandard.ZstdCompressor().compress(TEXT))
    assert importing.bring(*(str(tmp_path / name) for name in ("app.log.1", "app.log.2.gz", "odd name"))) == (0, 300, 0)
    assert importing.bring("-", stdin=TEXT) == (0, 100, 0)
    assert importing.messages() == [line.split(" ", 1)[1].strip() for line in LINES]
    assert {one["name"] for one in importing.json("services")["services"]} == {"app"}
    assert [one["name"] for one in importing.json("nodes")["nodes"]] == [node_name()]


def test_a_file_may_grow_at_any_byte(make_mesh, tmp_path):
    """However a file grows between imports, no byte of it is stored twice and none is left out."""
    from devmesh.cli.history.formats import Reading
    from devmesh.cli.history.inputs import Input
    from devmesh.cli.history.sending import Importer
    from devmesh.cli.history.stores import LocalStore
    from devmesh.events import Filter

    mesh = make_mesh()
    store = LocalStore(mesh)
    importer = Importer(store, border_us=0, moved=lambda _source, _events: None)
    log = tmp_path / "grows.log"
    for size in (1, 30, 31, 255, 256, 300, 1023, 1025, 2000, len(TEXT) - 1, len(TEXT)):
        log.write_bytes(TEXT[:size])
        source = Input(log)
        tally = importer.take(source, "auto", Reading(source.base, source.written_us))
        store.wait()
        assert (tally.rejected, tally.trouble) == (0, "")
    states = mesh.nodes.stream_states(node_name())
    assert len(states) == 1
    assert states[0].coverage == ((0, len(TEXT) - 2),)  # the line end that came alone is no event
    messages = [event.message for event in mesh.events.query(Filter(), 1000).events]
    assert sum(message == "something number 77 happened" for message in messages) == 1
    assert len([message for message in messages if "happened" in message]) in range(92, 101)


def test_continued_lines_are_one_event(importing: Runner, tmp_path):
    """A stack trace in a log is one event."""
    log = tmp_path / "trace.log"
    trace = b'2026-01-20 14:00:00 it broke\nTraceback (most recent call last):\n  File "x.py", line 1\nValueError: no\n'
    log.write_bytes(trace + b"2026-01-20 14:00:01 INFO went on\n")
    assert importing.bring(str(log)) == (2, 0, 0)
    assert importing.messages()[0].splitlines()[-1] == "ValueError: no"


TRACE = b'2026-01-20 14:00:01 it broke\nTraceback (most recent call last):\n  File "x.py", line 1\nValueError: no\n'


@pytest.mark.parametrize("known_before", [True, False])
def test_an_event_of_which_a_part_is_known(make_mesh, tmp_path, known_before):
    """What the store has is not stored again: of an event that reaches over it the rest is. Only where somebody else
    brings that part at the same moment it is stored whole: twice is better than never.
    """
    from devmesh.cli.history.formats import Reading
    from devmesh.cli.history.inputs import Headed, Input
    from devmesh.cli.history.sending import Importer
    from devmesh.cli.history.stores import Body, LocalStore
    from devmesh.cli.history.streams import place_of
    from devmesh.events import Filter

    mesh = make_mesh()
    store = LocalStore(mesh)
    log = tmp_path / "app.log"
    log.write_bytes(TEXT + TRACE + b"2026-01-20 14:00:02 went on\n")
    source = Input(log)
    importer = Importer(store, border_us=0, moved=lambda _source, _events: None)
    if not known_before:
        importer._known(node_name())
    with source.opened() as stream:
        key = place_of(source, Headed(stream).head, []).key
    first, last = len(TEXT) + TRACE.index(b"Traceback"), len(TEXT) + TRACE.index(b"  File") - 1
    said = json.dumps({"message": "Traceback (most recent call last):", "seq": first}).encode() + b"\n"
    store.send(Body(node_name(), key, said, (((first, last), ""),)), lambda _answer: None)
    store.wait()
    importer.take(source, "auto", Reading(source.base, source.written_us))
    store.wait()
    messages = [event.message for event in mesh.events.query(Filter(), 1000).events]
    assert sum("it broke" in message for message in messages) == 1
    assert sum("ValueError: no" in message for message in messages) == 1
    assert sum("Traceback" in message for message in messages) == (1 if known_before else 2)
    assert sum("went on" in message for message in messages) == 1
    (state,) = mesh.nodes.stream_states(node_name())
    assert state.coverage == ((0, log.stat().st_size - 1),)


def test_journals_are_numbered_by_their_cursor(importing: Runner):
    """JSON and export of one journal are the same entries; holes stay open for whoever brings them later."""
    entries = [cursor_entry(n, f"backup step {n}") for n in range(1, 31)]
    assert importing.bring("-", stdin=as_lines(entries[0:20:2])) == (10, 0, 0)
    assert importing.bring("-", stdin=b"".join(map(as_export, entries))) == (20, 10, 0)
    assert importing.bring("-", stdin=as_lines(entries)) == (0, 30, 0)
    event = importing.json("logs", "--limit", "1")["events"][0]
    assert (event["node"], event["service"], event["priority"]) == ("pi", "backup", 4)
    assert event["fields"]["_BOOT_ID"] == "cd" * 16


def test_journal_json_of_odd_values(importing: Runner):
    """Bytes as numbers and repeated fields are read; what journalctl left out is told by line, neighbours are kept."""
    odd = [
        {**cursor_entry(1, ""), "MESSAGE": [104, 105, 255]},
        {**cursor_entry(2, "two"), "TAG": ["a", "b"]},
        {**cursor_entry(3, ""), "MESSAGE": None},
        cursor_entry(4, "four"),
        {**cursor_entry(5, ""), "MESSAGE": "\udcff five", "LOAD": float("nan")},
    ]
    body = as_lines(odd) + b"no json\n[1]\n"
    said = json.loads(importing("import", "-", "--json", stdin=body).stdout)
    assert (said["stored"], said["rejected"]) == (4, 3)
    assert [one["line"] for one in said["files"][0]["errors"]] == [3, 6, 7]
    assert importing.messages() == ["hi\ufffd", "two", "four", "\ufffd five"]


def test_entries_without_a_cursor_are_numbered_by_bytes(importing: Runner):
    """An export that was printed without cursors is still stored once."""
    entries = [cursor_entry(n, f"m {n}") for n in range(20)]
    body = b"".join(as_export({name: entry[name] for name in entry if name != "__CURSOR"}) for entry in entries)
    assert importing.bring("-", stdin=body) == (20, 0, 0)
    assert importing.bring("-", stdin=body) == (0, 20, 0)


def test_ndjson_tells_bad_lines_by_number(importing: Runner, tmp_path):
    """Bad lines are told with number and reason, also the second time; their neighbours are stored once."""
    log = tmp_path / "events.ndjson"
    good = [{"message": "one", "service": "a", "ts_us": 1_768_917_600_000_000}, {"message": "two", "node": "other"}]
    log.write_bytes(as_lines(good[:1]) + b"\n{bad\n" + as_lines([{"message": 5}, good[1]]) + b"no end")
    for stored, repeated in ((2, 0), (0, 2)):
        said = json.loads(importing("import", str(log), "--json").stdout)
        assert (said["stored"], said["repeated"], said["rejected"]) == (stored, repeated, 3)
        assert [one["line"] for one in said["files"][0]["errors"]] == [3, 4, 6]
        assert said["files"][0]["errors"][1]["field"] == "message"
    assert {one["name"] for one in importing.json("nodes")["nodes"]} == {node_name(), "other"}
    shown = importing("import", str(log)).stderr
    assert "events.ndjson:4  message: " in shown


def test_year_zone_node_and_service_are_as_told(importing: Runner, tmp_path):
    """Times without year and zone are read as the command says, the year turning with December."""
    log = tmp_path / "messages"
    log.write_text("Dec 31 23:59:59 nas sshd[7]: last\nJan  1 00:00:01 nas sshd[7]: first\n")
    options = ("--year", "2019", "--tz", "Europe/Berlin", "--node", "nas", "--service", "all")
    assert importing.bring(str(log), *options) == (2, 0, 0)
    events = importing.json("logs")["events"]
    assert [event["ts_us"] for event in events] == [1_577_833_201_000_000, 1_577_833_199_000_000]
    assert {(event["node"], event["service"], event["pid"]) for event in events} == {("nas", "all", 7)}


def test_other_times_for_what_is_stored_are_said_to_change_nothing(importing: Runner, tmp_path):
    """A second import with another year stores nothing and says that the times stay; without one nothing is said."""
    log = tmp_path / "messages"
    log.write_text("Mar  1 10:00:00 nas sshd[7]: hello\n" * 30)
    assert "keep the times" not in importing("import", str(log), "--year", "2019").stderr
    before = importing.json("logs")["events"]
    again = importing("import", str(log), "--year", "2020")
    assert again.stdout.startswith("0 stored, 30 repeated")
    assert "The 30 repeated events keep the times that they were stored with" in again.stderr
    assert importing.json("logs")["events"] == before
    assert "keep the times" not in importing("import", str(log)).stderr


def test_a_lone_surrogate_is_refused_as_over_http(importing: Runner, tmp_path):
    """It is no text: the line is named, not changed; its neighbours and escapes that are text are stored."""
    log = tmp_path / "events.ndjson"
    log.write_bytes(b'{"message":"a\\ud800 and more"}\n{"message":"pair \\ud83e\\udd84"}\n{"message":"plain"}\n')
    said = json.loads(importing("import", str(log), "--json").stdout)
    assert (said["stored"], said["rejected"]) == (2, 1)
    (wrong,) = said["files"][0]["errors"]
    assert (wrong["line"], "surrogate" in wrong["reason"]) == (1, True)
    assert sorted(importing.messages()) == ["pair 🦄", "plain"]


@pytest.mark.parametrize("kind", ["gz", "zst", "xz", "bz2"])
@pytest.mark.parametrize("kept", [0.5, -1])
def test_a_compressed_file_that_was_cut_is_read_to_its_last_whole_line(
    importing: Runner, tmp_path, kind: str, kept: float
):
    """All whole lines before the cut are stored, no half one, and it is said; the whole file brings the rest."""
    chance = random.Random(1)  # noqa: S311 - lines that do not compress, so that the cut lies where it should
    lines = [line.strip() + f" {chance.getrandbits(600):x}\n" for line in LINES * 8]
    plain = "".join(lines).encode()
    pack = {"gz": gzip.compress, "xz": lzma.compress, "bz2": lambda data: bz2.compress(data, 1)}
    packed = {**pack, "zst": zstandard.ZstdCompressor().compress}[kind](plain)
    cut = tmp_path / f"app.log.1.{kind}"
    cut.write_bytes(packed[: -1 if kept < 0 else int(len(packed) * kept)])
    result = importing("import", str(cut), code=1)
    assert f"app.log.1.{kind}: cannot be read to its end" in result.stderr
    assert "up to its last whole line" in result.stderr
    wanted = [line.split(" ", 1)[1].strip() for line in lines]
    stored = importing.messages()
    assert sorted(stored) == sorted(wanted[: len(stored)])
    if kind in {"gz", "xz"}:  # the others are unpacked in blocks of 100 KB and more
        assert len(stored) > len(wanted) * (0.99 if kept < 0 else 0.4)
    cut.write_bytes(packed)
    assert importing.bring(str(cut)) == (len(wanted) - len(stored), len(stored), 0)
    assert sorted(importing.messages()) == sorted(wanted)


def test_a_long_line_without_end_in_a_compressed_file(importing: Runner, tmp_path):
    """What is held back for want of a line end is bounded: the line is stored, cut, as from a plain file."""
    packed = tmp_path / "long.log.gz"
    packed.write_bytes(gzip.compress(b"2026-01-20 14:00:00 " + b"x" * 5_000_000))
    assert importing.bring(str(packed)) == (1, 0, 0)


def test_folders_and_what_cannot_be_read(importing: Runner, tmp_path):
    """A folder is read whole; what is no text or is damaged is told by name, and the exit code says so."""
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.log").write_bytes(TEXT)
    (folder / "b.bin").write_bytes(b"\x7fELF\0\0\0")
    (folder / "c.gz").write_bytes(gzip.compress(TEXT.replace(b"number", b"figure"))[:-20])
    (folder / "d.journal").write_bytes(b"LPKSHHRH" + bytes(300))
    (folder / "empty.log").write_bytes(b"")
    result = importing("import", str(folder), code=1)
    assert "b.bin: This is no text" in result.stderr
    assert "--format plain" in result.stderr
    assert "c.gz: cannot be read to its end" in result.stderr
    assert "journalctl --file=PATH -o export" in result.stderr
    assert result.stdout.splitlines()[0].split() == ["stored", "repeated", "rejected", "format", "file"]
    assert len(importing.messages("--contains", "number")) == 100


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["/nonexistent/x.log"], 4, "There is no file"),
        (["-", "--format", "xml"], 2, "no format 'xml'"),
        (["-", "-"], 2, "Stdin can be read once"),
        (["-", "--tz", "Mars/Olympus"], 2, "no time zone"),
        ([], 2, "Missing argument"),
    ],
)
def test_wrong_inputs(importing: Runner, arguments: list[str], code: int, said: str):
    """A wrong input ends before anything is stored, with its code and a sentence."""
    assert said in importing("import", *arguments, code=code, stdin=b"").stderr


def test_events_beyond_the_retention_are_announced(importing: Runner, monkeypatch):
    """People hear that lines will go, and how to keep them."""
    monkeypatch.setenv("DEVMESH_RETENTION_DAYS", "1")
    result = importing("import", "-", stdin=TEXT)
    assert "Older than the 1 days that single events are kept: 100 events." in result.stderr
    assert "DEVMESH_RETENTION_DAYS=36500" in result.stderr
    assert "100 stored, 0 repeated, 0 rejected; from 2026-01-20 14:00:00 to 2026-01-20 14:01:39" in result.stdout


def test_imported_history_can_be_searched_at_once(importing: Runner):
    """The import leaves families behind, with their totals."""
    importing.bring("-", stdin=TEXT)
    families = importing.json("templates")["templates"]
    assert [(one["events"], one["service"]) for one in families] == [(100, "stdin")]
    assert importing.json("search", "something happened")["results"][0]["id"] == families[0]["id"]


def test_a_pipe_with_a_path_is_read_once(importing: Runner, tmp_path):
    """What comes through <(zcat …) or a fifo is stored, and known again by what the store has of its beginning."""
    count = 5_000
    lines = "".join(
        f"2026-01-20T14:{n // 60 % 60:02}:{n % 60:02}Z line {n} of a pipe, long enough\n" for n in range(count)
    )
    for grown, stored in ((lines, count), (lines + "2026-01-20T15:00:00Z one more\n", 1)):
        source, to = os.pipe()
        writer = threading.Thread(target=_write, args=(to, grown.encode()))
        writer.start()
        try:
            assert importing.bring(f"/dev/fd/{source}") == (stored, count + 1 - stored - (stored == count), 0)
        finally:
            os.close(source)
            writer.join()


def _write(to: int, data: bytes) -> None:
    with contextlib.suppress(BrokenPipeError), os.fdopen(to, "wb") as pipe:
        pipe.write(data)


def test_a_folder_of_nothing_says_so(importing: Runner, tmp_path):
    """Silence would look like success."""
    (tmp_path / "nothing").mkdir()
    assert "no file" in importing("import", str(tmp_path / "nothing"), code=4).output


def test_a_name_that_no_node_can_have_is_refused(importing: Runner, tmp_path):
    """Before anything is stored under it."""
    (tmp_path / "a.log").write_text("hello\n")
    for name in ("", " ", "a\nb", "x" * 256):
        assert "node" in importing("import", "--node", name, str(tmp_path / "a.log"), code=2).output


def test_times_that_nobody_means_are_no_span(importing: Runner):
    """What the store takes as the time of arrival does not stand as a time in the summary."""
    times = (99999999999999999999, NOW_US, -5)
    body = b"".join(b'{"message":"a","ts_us":%d}\n' % time for time in times)
    said = importing("import", "-", stdin=body).output
    assert "from 2026-01-20 14:00:00 to 2026-01-20 14:00:00" in said
