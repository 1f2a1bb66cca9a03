"""Freed memory stays for the next batch, where the C library can be asked to keep it."""

from __future__ import annotations

import platform

from devmesh.heap import keep_freed_memory


def test_glibc_takes_the_request():
    """On glibc both limits are taken; elsewhere nothing fails."""
    assert keep_freed_memory() is (platform.libc_ver()[0] == "glibc")
