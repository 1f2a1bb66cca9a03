"""`/docs`: the OpenAPI document as a page, with Swagger UI served from an installed package. `/` leads there.

Promises: the page and its files come from this server alone, so it works with no internet. The Content-Security-Policy
makes the browser hold us to that. FastAPI's own page loads Swagger UI from a public address.
"""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from devmesh.errors import NotFound

router = APIRouter(include_in_schema=False)

# Taken for the folder of Swagger UI's files that it ships; its own application class is not used.
STATIC = files("fastapi_offline") / "static"
KINDS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.png": "image/png",
}
HEADERS = {
    # 'unsafe-inline' is for styles alone: Swagger UI sets them on its elements.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>DevMesh HTTP</title>
<link rel="icon" href="docs/favicon.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="page"></div>
<noscript>This page needs JavaScript. The document itself is <a href="openapi.json">openapi.json</a>.</noscript>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
# A validatorUrl of null keeps Swagger UI from asking a public service to judge the document.
START = """SwaggerUIBundle({
  url: "openapi.json", dom_id: "#page", deepLinking: true, validatorUrl: null, queryConfigEnabled: false
});
"""


@router.get("/")
def root() -> RedirectResponse:
    """To the page; relative, so that it also works behind a proxy's prefix."""
    return RedirectResponse("docs")


@router.get("/docs")
def page() -> HTMLResponse:
    """The page."""
    return HTMLResponse(PAGE, headers=HEADERS)


@router.get("/docs/start.js")
def start() -> Response:
    """The few lines that start Swagger UI; a file, so that no script need stand in the page."""
    return Response(START, media_type="text/javascript", headers=HEADERS)


@router.get("/docs/{name}")
def part(name: str) -> Response:
    """One of Swagger UI's files. Raises NotFound."""
    if name not in KINDS:
        raise NotFound("There is no such file.", hint="See /docs.")
    kept = {**HEADERS, "Cache-Control": "max-age=86400"}
    return Response((STATIC / name).read_bytes(), media_type=KINDS[name], headers=kept)
