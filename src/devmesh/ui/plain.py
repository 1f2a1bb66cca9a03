"""Pages of plain HTML, for what must work before anything else does: the sign-in, what is not there, a store away."""

from __future__ import annotations

from fastapi.responses import HTMLResponse

from devmesh.ui import frame, theme


def page(title: str, inner: str, status: int = 200) -> HTMLResponse:
    """A page around `inner`, which is HTML: whatever came from elsewhere in it must be escaped. So must `title`."""
    return HTMLResponse(
        f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title} · DevMesh</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="{frame.place}/icon.svg"><link rel="stylesheet" href="{frame.place}/style.css">
<style>{theme.style()}</style>
<script src="{frame.place}/theme.js"></script></head>
<body class="plain"><main class="content"><h1>DevMesh</h1>{inner}</main></body></html>""",
        status_code=status,
    )
