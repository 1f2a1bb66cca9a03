"""A server without pages."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest

from processes import serving


def test_where_the_pages_are_off_there_are_none(tmp_path):
    """The address of the pages is one of nothing, the first address leads to the API's page, the API answers."""
    with serving(tmp_path / "data", env={"DEVMESH_UI": "false"}) as server:
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{server.url}/ui/", timeout=10)  # noqa: S310 - our own
        assert refused.value.code == 404
        refused.value.close()
        with urllib.request.urlopen(f"{server.url}/", timeout=10) as answer:  # noqa: S310 - our own
            assert answer.url.endswith("/docs")
        assert server.get("/stats")["events"] == 0
