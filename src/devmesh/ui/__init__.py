"""The pages: what people look at, on NiceGUI, mounted at `/ui` of the API's app.

A page is one file here (which doors it asks) and one of the same name in `static/` (how it looks). Pages bring their
first data along; what is asked for later goes over the HTTP API, with the same sign-in, the same limits and the same
errors. Promises: nothing is fetched from anywhere but this server, and text from logs is data in every place.
"""

from devmesh.ui.lean import load_server_side

load_server_side()

from devmesh.ui.install import install  # noqa: E402 - it imports NiceGUI

__all__ = ["install"]
