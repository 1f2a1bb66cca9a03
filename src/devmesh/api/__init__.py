"""The HTTP face: parse, open a room's door, render. `make_app(mesh)` is the ASGI app."""

from devmesh.api.app import make_app

__all__ = ["make_app"]
