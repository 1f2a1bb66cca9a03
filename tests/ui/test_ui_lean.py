"""What the pages cost in memory: the clients of NiceGUI's engine.io stay unloaded."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys, devmesh.ui
assert not {"aiohttp", "requests"} & sys.modules.keys(), "loaded"
import aiohttp, requests
"""


def test_pages_load_no_client_and_hide_none():
    """A server with pages loads neither aiohttp nor requests; whoever asks for them afterwards gets them."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
