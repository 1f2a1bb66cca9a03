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


def test_the_root_leads_to_the_page(client: TestClient) -> None:
    """Who types the address alone sees what there is."""
    assert client.get("/", follow_redirects=False).headers["location"] == "docs"
    assert client.get("/").url.path == "/docs"


def operations(client: TestClient) -> dict[str, dict]:
    """Every operation of the document by `METHOD /path`."""
    paths = client.get("/openapi.json").json()["paths"]
    return {f"{verb.upper()} {path}": one for path, verbs in paths.items() for verb, one in verbs.items()}


def test_every_route_has_a_summary_that_is_no_name(client: TestClient) -> None:
    """A sentence of several words, short enough for one line, and another one for each."""
    said = {name: one["summary"] for name, one in operations(client).items()}
    assert [name for name, text in said.items() if not 12 <= len(text) <= 110 or text.istitle()] == []
    assert len(set(said.values())) == len(said)


def test_every_parameter_is_described(client: TestClient) -> None:
    """In the query, the path and the head."""
    silent = [
        (name, parameter["name"])
        for name, one in operations(client).items()
        for parameter in one.get("parameters", [])
        if not parameter["description"]
    ]
    assert silent == []


def test_errors_are_documented_in_the_form_that_they_have(client: TestClient) -> None:
    """FastAPI's own form is never answered, so it is not in the document."""
    document = client.get("/openapi.json").json()
    assert "HTTPValidationError" not in str(document)
    named = document["components"]["schemas"]["Error"]["properties"]
    assert client.get("/logs?limit=many").json().keys() == named.keys()
