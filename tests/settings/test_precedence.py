"""Where a setting's value comes from: the order of precedence, and what `sources` says of it."""

from __future__ import annotations

from itertools import chain, combinations

import pytest

from devmesh.errors import ConfigError
from devmesh.settings import load_settings

PLACES = {
    "flag": ("flag", 1.0),
    "prefixed": ("environment", 2.0),
    "bare": ("environment", 3.0),
    "prefixed in .env": (".env", 4.0),
    "bare in .env": (".env", 5.0),
    "toml": ("devmesh.toml", 6.0),
}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    """An empty folder to look for .env and devmesh.toml in."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("given", list(chain.from_iterable(combinations(PLACES, n) for n in range(7))), ids="+".join)
def test_the_first_place_wins_and_is_named(given, tmp_path, monkeypatch):
    """Flag, DEVMESH_X, bare name, .env (in the same order), devmesh.toml, default: for every mix of them."""
    if "prefixed" in given:
        monkeypatch.setenv("DEVMESH_EMBEDDING_TIMEOUT", "2")
    if "bare" in given:
        monkeypatch.setenv("EMBEDDING_TIMEOUT", "3")
    dotenv = {"prefixed in .env": "DEVMESH_EMBEDDING_TIMEOUT=4\n", "bare in .env": "EMBEDDING_TIMEOUT=5\n"}
    (tmp_path / ".env").write_text("".join(text for place, text in dotenv.items() if place in given))
    if "toml" in given:
        (tmp_path / "devmesh.toml").write_text("embedding_timeout = 6\n")
    settings = load_settings(embedding_timeout=1.0 if "flag" in given else None)
    place, value = PLACES[given[0]] if given else ("default", 30.0)
    assert (settings.sources()["embedding_timeout"], settings.embedding_timeout) == (place, value)


def test_a_bare_name_of_another_program_is_not_ours(monkeypatch):
    """PORT and HOST in the environment mean something else."""
    monkeypatch.setenv("PORT", "9999")
    monkeypatch.setenv("HOST", "example.org")
    settings = load_settings()
    assert (settings.port, settings.host) == (8000, "127.0.0.1")


def test_a_bad_value_is_named(monkeypatch):
    """Whatever its place, the message names the setting."""
    monkeypatch.setenv("EMBEDDING_TIMEOUT", "soon")
    with pytest.raises(ConfigError, match="embedding_timeout"):
        load_settings()
    monkeypatch.setenv("EMBEDDING_TIMEOUT", "5")
    with pytest.raises(ConfigError, match="port"):
        load_settings(port=99_999)


@pytest.mark.parametrize("zone", ["Mars/Base", "Europe", "../etc/passwd", "CEST+2 ", "\0"])
def test_a_time_zone_that_there_is_not_is_named_at_the_start(zone):
    """Not when the first report is due; what it should look like stands there."""
    with pytest.raises(ConfigError, match=r"The setting timezone cannot be used: there is no time zone .*") as told:
        load_settings(timezone=zone)
    assert "DEVMESH_TIMEZONE" in told.value.hint


@pytest.mark.parametrize("zone", ["", "Europe/Berlin", "UTC"])
def test_a_time_zone_that_there_is_is_taken(zone):
    """Empty is the server's own."""
    assert load_settings(timezone=zone).timezone == zone


@pytest.mark.parametrize(
    ("file", "content"),
    [("devmesh.toml", b"port = = 3\n"), ("devmesh.toml", b"x = '\xff'\n"), (".env", b"DEVMESH_PORT=\xff\n")],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, file, content):
    """A slip in a settings file is a settings error that names the file, no fault of the program."""
    (tmp_path / file).write_bytes(content)
    with pytest.raises(ConfigError, match=file):
        load_settings()
