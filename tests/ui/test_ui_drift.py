"""The page of detectors over a store in which something drifts."""

from __future__ import annotations

import pytest
from test_ui_hostile import untouched
from test_ui_pages import fits
from ui_server import PHONE

from drifted_life import fill
from processes import serving


@pytest.fixture(scope="module")
def ui_url(tmp_path_factory):
    """A server over thirty days of a disk that complains more each day."""
    folder = tmp_path_factory.mktemp("ui-drift") / "data"
    folder.mkdir()
    fill(folder)
    with serving(folder, env={"DEVMESH_UI": "true"}) as server:
        yield server.url


def test_what_drifts_is_drawn_and_leads_to_its_pattern(open_page):
    """How it went, since when, and how much; on a phone, too; its hostile text stands there as text."""
    page = open_page("/ui/detectors", size=PHONE)
    page.locator(".families a").wait_for()
    row = page.locator(".families a")
    assert "rising since" in row.inner_text()
    assert "8.0 a day, now 30" in row.inner_text()
    assert page.locator(".families .spark rect").count() == 30
    untouched(page)
    assert fits(page)
    row.press("Enter")
    page.wait_for_url("**/ui/templates/f*")
