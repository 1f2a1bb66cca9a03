"""A server without pages."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request

import pytest
from ui_server import start


def test_where_the_pages_are_off_there_are_none(tmp_path):
    """The address of the pages is one of nothing, the first address leads to the API's page, the API answers."""
    folder = tmp_path / "data"
    folder.mkdir()
    url = start(folder, os.getpid(), DEVMESH_UI="false", DEVMESH_EMBEDDING_PROVIDER="off")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{url}/ui/", timeout=10)  # noqa: S310 - our own
    assert refused.value.code == 404
    refused.value.close()
    with urllib.request.urlopen(f"{url}/", timeout=10) as answer:  # noqa: S310 - our own
        assert answer.url.endswith("/docs")
    with urllib.request.urlopen(f"{url}/stats", timeout=10) as answer:  # noqa: S310 - our own
        assert json.load(answer)["events"] == 0
