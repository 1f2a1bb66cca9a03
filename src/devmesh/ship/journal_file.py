"""Journal files as files: which there are, whose history they hold, and reading entries of one by number.

journalctl alone cannot be trusted to say that it skipped something (design, end of section 4): `--follow` stays in the
current boot, an unknown cursor gives something else with exit code 0, a match beside a cursor loses an entry, a corrupt
file is left out in silence. So each file is read alone, by seqnum, without --follow and without matches, and the file's
own header says how far its numbers go. The header's layout is systemd's documented one ("Journal File Format"). Files
are handed to journalctl as open descriptors, so that rotation cannot put another file under the name in between.
"""

# Paths are text here, as the command line, os.scandir and systemd's files give them.
# ruff: noqa: PTH112, PTH116, PTH118, PTH208

from __future__ import annotations

import errno
import os
import select
import struct
import subprocess
from typing import BinaryIO, Generator, Iterable, List, NamedTuple, Optional, Set, Tuple, cast

from devmesh.ship.export import Entry, read_entries
from devmesh.ship.piece import Changed

HEADER_BYTES = 208
STATE_ONLINE = 1
PASSING_TROUBLE = frozenset((errno.ENOENT, errno.ESTALE, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR))
SCAN_ATTEMPTS = 20
SILENCE_LIMIT_S = 30.0
JOURNAL_DIRS = ("/var/log/journal", "/run/log/journal")


class Header(NamedTuple):
    """What a journal file says of itself."""

    seqnum_id: str
    head_seq: int
    tail_seq: int
    head_us: int
    tail_us: int
    online: bool
    dense: bool  # it holds as many entries as numbers: no other journal shares the counter, so a missing one is lost


class JournalFile(NamedTuple):
    """A journal file with entries."""

    path: str
    header: Header

    @property
    def finished(self) -> bool:
        """No writer is between raising the last number in the header and linking its entry."""
        return not self.header.online or self.path.endswith("~")


def read_header(fd: int) -> Optional[Header]:
    """The header of an open journal file; None for what is none, or has no entries yet."""
    data = os.pread(fd, HEADER_BYTES, 0)
    if len(data) < HEADER_BYTES or data[:8] != b"LPKSHHRH":
        return None
    entries, tail_seq, head_seq = struct.unpack_from("<QQQ", data, 152)
    head_us, tail_us = struct.unpack_from("<QQ", data, 184)
    if not 0 < head_seq <= tail_seq < 2**63:
        return None
    dense = entries == tail_seq - head_seq + 1
    return Header(data[72:88].hex(), head_seq, tail_seq, head_us, tail_us, data[16] == STATE_ONLINE, dense)


def scan(directories: Iterable[str], paths: Iterable[str]) -> Tuple[List[JournalFile], List[str]]:
    """The journal files in `directories` and at `paths` that hold entries, and the paths that cannot be read.

    All as of one moment: rotation between the listing and the opening would make entries look lost that only have
    another file name now, so names and inodes must be the same before and after. Raises Changed when they never are.
    """
    directories, paths = list(directories), list(paths)
    for _attempt in range(SCAN_ATTEMPTS):
        before = _listing(directories, paths)
        found, unreadable, opened = [], [], set()
        for path, inode in sorted(before):
            header, reason = _header_at(path, inode)
            if reason is None:
                opened.add((path, inode))
            elif reason not in PASSING_TROUBLE:
                unreadable.append(path)
                opened.add((path, inode))
            if header is not None:
                found.append(JournalFile(path, header))
        if opened == before == _listing(directories, paths):
            return found, unreadable
    raise Changed("the journal files change too fast, or cannot be read")


def _listing(directories: List[str], paths: List[str]) -> Set[Tuple[str, int]]:
    found = set()
    for path in [*paths, *(path for directory in directories for path in journal_paths(directory))]:
        try:
            found.add((path, os.stat(path).st_ino))
        except OSError:
            continue
    return found


def _header_at(path: str, inode: int) -> Tuple[Optional[Header], Optional[int]]:
    """(header, None) of a file that was opened and is the one meant, else (None, an errno)."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        return None, error.errno
    try:
        if os.fstat(fd).st_ino != inode:
            return None, errno.ESTALE
        return read_header(fd), None
    except OSError as error:
        return None, error.errno
    finally:
        os.close(fd)


def local_journal_dirs(machine_id: str, roots: Iterable[str] = JOURNAL_DIRS) -> List[str]:
    """Where this machine's own journal lies: below /var/log/journal, else /run; namespaces (`<id>.<name>`) included.

    The volatile journal is left out when there is a persistent one: journald copies its entries over, under other
    numbers.
    """
    for root in roots:
        try:
            names = sorted(os.listdir(root))
        except OSError:
            continue
        mine = [os.path.join(root, name) for name in names if machine_id and name.split(".")[0] == machine_id]
        mine = [path for path in mine if any(_is_journal(name) for name in _names(path))]
        if mine:
            return mine
    return []


def journal_paths(directory: str) -> List[str]:
    """The journal files in a directory and in the directories in it (as /var/log/journal has one for each machine)."""
    found = []
    for name in _names(directory):
        path = os.path.join(directory, name)
        if _is_journal(name):
            found.append(path)
        elif os.path.isdir(path):
            found += [os.path.join(path, inner) for inner in _names(path) if _is_journal(inner)]
    return found


def _names(directory: str) -> List[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []


def _is_journal(name: str) -> bool:
    return name.endswith((".journal", ".journal~"))


class _Output:
    """What journalctl writes; it ends where nothing comes for a while, since damage may send it in circles."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._fd = process.stdout.fileno() if process.stdout is not None else -1

    def read(self, size: int) -> bytes:
        """What is there, at most `size` bytes; nothing at the end."""
        waiting = select.poll()  # for descriptors of any number
        waiting.register(self._fd, select.POLLIN)
        return os.read(self._fd, size) if waiting.poll(SILENCE_LIMIT_S * 1000) else b""


def entries_from(fd: int, seqnum_id: str, seq: int, journalctl: str = "journalctl") -> Generator[Entry, None, None]:
    """The entries of one open journal file with numbers >= `seq`, ascending, until it ends or journalctl cannot go on.

    Raises Changed when journalctl cannot be started. Closing the generator ends the process.
    """
    try:
        process = subprocess.Popen(  # noqa: S603  a fixed program, no shell; the seqnum id is hex from a file header
            [
                journalctl, f"--file=/proc/self/fd/{fd}", "--quiet", "--no-pager", "--all", "--output=export",
                f"--cursor=s={seqnum_id};i={seq:x}",
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, pass_fds=[fd],
            env=dict(os.environ, LC_ALL="C", SYSTEMD_LOG_LEVEL="err"),
        )  # fmt: skip
    except OSError as error:
        raise Changed(f"{journalctl} cannot be started: {error}") from error
    broken_off: Optional[Entry] = None
    try:
        for entry in read_entries(cast("BinaryIO", _Output(process))):
            if broken_off is not None:
                yield broken_off
                broken_off = None
            if entry.seqnum_id == seqnum_id and entry.seq >= seq:
                seq = entry.seq + 1
                if entry.whole:
                    yield entry
                else:
                    broken_off = entry  # damaged if another one follows; else journalctl may just have been killed
    finally:
        process.kill()
        if process.stdout is not None:
            process.stdout.close()
        process.wait()
