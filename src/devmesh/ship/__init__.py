"""The agent on a node: reads journals and text logs and ships them to a server, each entry exactly once.

What goes in: a node's journal files and text logs, `Options`. What comes out: `POST /ingest` as docs/protocol.md says.
The package stands outside the house: Python 3.9, standard library and PyYAML, no import of any room, so that it fits
into one file to copy (`make shipper`). Rooms may import `identity`; the import command also reads history with
`textline`, `export` and `wire`, so that a file gives the same stream and the same numbers whoever reads it.

    sources ─► journal, files ─► Piece ─► batch ─► sender ─► server
                                            coverage ◄────────┘        agent is the loop that ties them

The server's coverage is the truth about what was sent; the state file remembers what the server cannot know.
"""

from __future__ import annotations

AGENT_VERSION = "0.1.0"
