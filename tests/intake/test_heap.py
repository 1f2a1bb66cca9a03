"""Freed memory stays for the next batch and goes back after the last one, where the C library can be asked to."""

from __future__ import annotations

import platform

import pytest

from devmesh import heap
from devmesh.heap import Spare, keep_freed_memory, own_bytes

MIB = 1 << 20
GLIBC = platform.libc_ver()[0] == "glibc"


def spare(events=lambda: 0):
    """A `Spare` that knows what the process holds now, and the list that grows with each call of its `shrink`."""
    shrunk = []
    made = Spare(events, lambda: shrunk.append(1))
    made.give_back()
    return made, shrunk


def test_glibc_takes_the_request():
    """On glibc both limits are taken; elsewhere nothing fails."""
    assert keep_freed_memory() is GLIBC


@pytest.mark.skipif(not GLIBC, reason="only glibc has malloc_trim")
def test_what_is_freed_below_something_that_lives_on_is_given_back():
    """60 of 64 MiB go back to the kernel, which nothing else did: the last block holds the heap's end."""
    made, shrunk = spare()
    blocks = [b"%1000d" % number for number in range(64_000)]
    full = own_bytes()
    last = blocks.pop()
    blocks.clear()
    assert own_bytes() > full - 32 * MIB
    assert made.give_back()
    assert shrunk == [1]
    assert own_bytes() < full - 48 * MIB
    assert not made.give_back()
    assert last


def test_nothing_is_given_back_while_much_comes_in(monkeypatch):
    """Under load memory is kept for the next batch; with the first quiet step it goes, and once it grew again."""
    held, events = [100 * MIB], [0]
    monkeypatch.setattr(heap, "own_bytes", lambda: held[0])
    made, shrunk = spare(lambda: events[0])
    held[0] = 300 * MIB
    for _busy in range(3):
        events[0] += 10_000
        assert not made.give_back()
    events[0] += 9_999
    assert made.give_back()
    held[0] = 315 * MIB
    assert not made.give_back()
    held[0] = 90 * MIB
    assert not made.give_back()
    held[0] = 107 * MIB
    assert made.give_back()
    assert len(shrunk) == 2
