"""Disks that fail, fill up or lose power: what was acknowledged stays, nothing else is claimed (F33 to F35, F45)."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from bodies import NOW_US, assert_counts, numbered, rows, take
from devmesh.clock import FakeClock, SystemClock
from devmesh.errors import StorageFull
from processes import serving, start_server
from resender import Resender

pytestmark = pytest.mark.sqlite_only

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* Fails calls on files named like FAIL_MATCH while the file FAIL_FLAG is there; FAIL_FLAG holds "fsync" or "write". */
static int fails(int fd, const char *call, int error) {
  char link[64], path[4096], told[16] = {0};
  const char *match = getenv("FAIL_MATCH"), *flag = getenv("FAIL_FLAG");
  FILE *file = match && flag ? fopen(flag, "r") : NULL;
  if (!file) return 0;
  size_t got = fread(told, 1, sizeof told - 1, file);
  fclose(file);
  if (!got || strncmp(told, call, strlen(call))) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t size = readlink(link, path, sizeof path - 1);
  if (size < 0) return 0;
  path[size] = 0;
  if (!strstr(path, match)) return 0;
  errno = error;
  return 1;
}
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
int fsync(int fd) { return fails(fd, "fsync", EIO) ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return fails(fd, "fsync", EIO) ? -1 : REAL(fdatasync)(fd); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
  return fails(fd, "write", ENOSPC) ? -1 : REAL(pwrite)(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  return fails(fd, "write", ENOSPC) ? -1 : REAL(pwrite64)(fd, data, size, at);
}
"""


def need(condition, reason):
    """Skip where a machine lacks something; in CI that is a failure."""
    if condition:
        return
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def post(server, first, last):
    """(status, answer) of one batch."""
    head = {"DevMesh-Node": "n1", "DevMesh-Stream": "s;0", "DevMesh-Range": f"{first}-{last};x{last}"}
    asked = urllib.request.Request(server.url + "/ingest", numbered(first, last), head)  # noqa: S310 - our own server
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.mark.parametrize(("fault", "size"), [("fsync", 5), ("write", 5), ("write", 20_000)])
def test_a_disk_that_fails_is_503_and_heals(tmp_path, make_mesh, fault, size):
    """EIO at fsync, ENOSPC at write: 503, no acknowledgement, and the next batch works with no restart (F34)."""
    need(shutil.which("gcc"), "gcc is not installed")
    (tmp_path / "shim.c").write_text(SHIM)
    command = ["gcc", "-shared", "-fPIC", "-O1", "-D_LARGEFILE64_SOURCE", "-o", "shim.so", "shim.c", "-ldl"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
    flag = tmp_path / "flag"
    env = {"LD_PRELOAD": str(tmp_path / "shim.so"), "FAIL_MATCH": "devmesh.db", "FAIL_FLAG": str(flag)}
    with serving(tmp_path / "data", env=env, fresh=True) as server:
        assert post(server, 1, 5)[0] == 200
        flag.write_text(fault)
        status, said = post(server, 6, 5 + size)
        assert (status, said["code"] in {"unavailable", "storage_full"}) == (503, True), said
        assert server.get("/stats")["events"] == 5
        flag.unlink()
        status, said = post(server, 6, 5 + size)
        assert (status, said["stored"]) == (200, size)
        server.stop()
    mesh = make_mesh(tmp_path / "data", clock=SystemClock())
    assert rows(mesh, "PRAGMA integrity_check") == [("ok",)]
    assert rows(mesh, "SELECT COUNT(*), COUNT(DISTINCT seq) FROM log_events") == [(5 + size, 5 + size)]
    assert_counts(mesh)


@contextlib.contextmanager
def mounted(folder, *options):
    """A file system mounted on `folder`; needs root."""
    need(os.geteuid() == 0, "mounting needs root")
    folder.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True, check=False)
    need(done.returncode == 0, f"this machine does not mount: {done.stderr}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_fills_up(tmp_path, make_mesh, clock):
    """On a disk of 64 MB: refused before it is full, readable all the time, and expiry makes room again (F35, M18)."""
    with mounted(tmp_path / "small", "-t", "tmpfs", "-o", "size=64m", "tmpfs") as disk:
        mesh = make_mesh(disk / "data", disk_reserve_mb=500, disk_reserve_percent=10)
        mesh.space.keep_ballast()
        stored, refused = 0, None
        for number in range(200):
            first = number * 500 + 1
            body = numbered(first, first + 499, at_us=NOW_US - 40 * 86_400_000_000, fields={"pad": "x" * 400})
            try:
                stored += take(mesh, body, stream="s", ranges=((first, first + 499),)).stored
            except StorageFull as error:
                refused = error
                break
        assert refused is not None
        assert refused.retry_after_s
        assert shutil.disk_usage(disk).free > 1 << 20
        assert mesh.events.stored() == stored
        mesh.space.make_room()  # what the loop does while the disk is short
        _fill(disk)
        assert mesh.events.stored() == stored
        with pytest.raises(StorageFull):
            take(mesh, numbered(1, 1), "n2")
        (disk / "filler").unlink()
        clock.advance(60 * 86_400)
        for _step in range(20):
            mesh.runner.once("expire-events")
        assert mesh.events.stored() == 0
        assert take(mesh, numbered(1, 1), "n2").stored == 1
        mesh.close()


def _fill(disk: Path) -> None:
    """Use up every byte."""
    with (disk / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(bytes(1 << 16)):
            pass


MIGRATE = """
import os, signal, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
from devmesh.mesh import open_mesh
from devmesh.settings import load_settings
left = int(sys.argv[2])

@event.listens_for(Engine, "after_cursor_execute")
def count(connection, cursor, statement, *rest):
    global left
    left -= statement.lstrip().startswith(("CREATE", "INSERT", "UPDATE"))
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

open_mesh(load_settings(data_dir=sys.argv[1], embedding_provider="off"))
"""


@pytest.mark.parametrize("after", [2, 19])
def test_a_migration_that_is_killed(tmp_path, make_mesh, after):
    """Killed in the middle of making the schema, the next start finds nothing half-made and finishes (F45)."""
    done = subprocess.run([sys.executable, "-c", MIGRATE, str(tmp_path / "data"), str(after)], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "devmesh.db")) as half:
        made = half.execute("SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'log_%'").fetchone()
    assert made == (0,)
    mesh = make_mesh(tmp_path / "data", clock=FakeClock(NOW_US))
    assert take(mesh, numbered(1, 3)).stored == 3


def power_cuts(tmp_path, make_mesh, cuts, entries_a_cut=400):
    """A server on an ext4 in a file; each cut is a copy of that file as the disk has it, mounted and counted (M12)."""
    need(shutil.which("mkfs.ext4"), "mkfs.ext4 is not installed")
    image, copy = tmp_path / "disk.img", tmp_path / "copy.img"
    with image.open("wb") as file:
        file.truncate(96 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    with mounted(tmp_path / "disk", "-o", "loop,commit=60", str(image)) as disk:
        server = start_server(disk / "data")
        try:
            client = Resender("n1", entries_a_cut * cuts, lambda: server.url, seed=1)
            thread = threading.Thread(target=client.run)
            thread.start()
            for number in range(cuts):
                while client.acknowledged < entries_a_cut * (number + 0.5) and thread.is_alive():
                    thread.join(0.005)
                acknowledged = client.acknowledged
                # Frozen, or the copy is of many moments: an old page here, a log there that was begun anew after it.
                os.kill(server.process.pid, signal.SIGSTOP)
                shutil.copyfile(image, copy)
                os.kill(server.process.pid, signal.SIGCONT)
                assert acknowledged > 0
                _count_after_cut(tmp_path, make_mesh, copy, acknowledged, number)
            thread.join(60)
            assert client.trouble == []
        finally:
            server.kill()


def _count_after_cut(tmp_path, make_mesh, copy, acknowledged, number):
    with mounted(tmp_path / f"after{number}", "-o", "loop", str(copy)) as disk:
        mesh = make_mesh(disk / "data", clock=SystemClock())
        found = rows(mesh, "SELECT COUNT(*), COUNT(DISTINCT seq), MIN(seq), MAX(seq) FROM log_events")[0]
        assert found[0] >= acknowledged, "acknowledged entries are lost"
        assert found == (found[0], found[0], 1, found[0])
        assert rows(mesh, "PRAGMA integrity_check") == [("ok",)]
        assert_counts(mesh)
        mesh.close()


def test_the_power_goes(tmp_path, make_mesh):
    """What was acknowledged before a power cut is on the disk after it, whole and counted (F33)."""
    power_cuts(tmp_path, make_mesh, 2)


@pytest.mark.soak
def test_the_power_goes_often(tmp_path, make_mesh):
    """The same a hundred times, with fewer entries between: a commit takes a second on such a disk."""
    power_cuts(tmp_path, make_mesh, 100, entries_a_cut=60)
