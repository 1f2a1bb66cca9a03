"""A store without a line: every page says what is missing and what to do."""

from __future__ import annotations

import pytest
from ui_server import PHONE

from processes import serving

SAYS = {
    "/ui/": "Nothing is stored yet",
    "/ui/incidents": "nothing is watched",
    "/ui/detectors": "nothing is watched",
    "/ui/logs": "Nothing is stored yet",
    "/ui/templates": "There is no template yet",
    "/ui/search?q=disk": "there is nothing to find",
    "/ui/nodes": "No node has spoken yet",
    "/ui/services": "No service has spoken yet",
    "/ui/graph": "No inventory is loaded",
    "/ui/health": "Nobody signs in",
}


@pytest.fixture(scope="module")
def ui_url(tmp_path_factory):
    """A server over a store that is new."""
    with serving(tmp_path_factory.mktemp("ui-empty") / "data", env={"DEVMESH_UI": "true"}) as server:
        yield server.url


@pytest.mark.parametrize("path", SAYS)
def test_an_empty_page_says_why(open_page, path):
    """On a phone, in the light."""
    page = open_page(path, size=PHONE, light=True)
    page.wait_for_function("text => document.querySelector('.content').innerText.includes(text)", arg=SAYS[path])
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
