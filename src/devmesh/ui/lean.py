"""NiceGUI without the clients that its engine.io brings along: they load aiohttp and requests, 12 MB, and no server
calls them. Where those are missing engine.io does without, so for the moment of its import they are.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import cast

CLIENTS = ("aiohttp", "requests")


def load_server_side() -> None:
    """Import engine.io; what its clients need stays unloaded, and may be imported by anybody else afterwards."""
    hidden = [name for name in CLIENTS if name not in sys.modules]
    modules = cast("dict[str, ModuleType | None]", sys.modules)
    modules.update(dict.fromkeys(hidden))  # None: the import fails as if it were not installed
    try:
        importlib.import_module("engineio")
    finally:
        for name in hidden:
            del modules[name]
