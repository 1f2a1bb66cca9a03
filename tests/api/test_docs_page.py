"""The page `/docs`: complete, and from this server alone."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from devmesh.api import make_app
from devmesh.mesh import Mesh

ADDRESS = re.compile(r"""\b(?:src|href|url|action)\s*[=(:]\s*["']?([^"')\s>]+)""", re.IGNORECASE)


@pytest.fixture
def client(mesh: Mesh) -> TestClient:
    """The app, without its lifespan: the house runs already."""
    return TestClient(make_app(mesh), base_url="http://127.0.0.1", client=("127.0.0.1", 50000))


def test_every_file_of_the_page_is_served_by_us(client: TestClient) -> None:
    """What the page and its start script name are addresses of this server, and each answers."""
    page = client.get("/docs")
    assert page.status_code == 200
    named = ADDRESS.findall(page.text) + ADDRESS.findall(client.get("/docs/start.js").text)
    assert {"docs/swagger-ui-bundle.js", "docs/swagger-ui.css", "docs/start.js", "openapi.json"} <= set(named)
    for address in named:
        assert not re.match(r"\w+:|//", address), f"{address} is another origin"
        assert client.get(f"/{address}").status_code == 200


def test_styles_load_nothing_from_elsewhere(client: TestClient) -> None:
    """The style sheet's own addresses are data, never another server."""
    style = client.get("/docs/swagger-ui.css").text
    assert all(address.startswith(("data:", "#")) for address in re.findall(r"""url\(["']?([^"')]{1,12})""", style))
    assert "@import" not in style


def test_the_browser_is_told_to_load_nothing_from_elsewhere(client: TestClient) -> None:
    """Every file of the page carries a policy that names no origin but ours, and no inline script."""
    for address in ("/docs", "/docs/start.js", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css"):
        policy = client.get(address).headers["content-security-policy"]
        assert policy.startswith("default-src 'self';")
        assert not re.search(r"https?:|\*|script-src", policy)


def test_there_is_no_second_page_and_no_other_file(client: TestClient) -> None:
    """Redoc is off, and only the files of the page are served from the package's folder."""
    assert client.get("/redoc").status_code == 404
    assert client.get("/docs/redoc.standalone.js").status_code == 404
    assert client.get("/docs/..%2Fcore.py").status_code == 404


def test_the_document_has_no_page_of_its_own(client: TestClient) -> None:
    """The page's own addresses stay out of the OpenAPI document."""
    assert not [path for path in client.get("/openapi.json").json()["paths"] if path.startswith("/docs")]
