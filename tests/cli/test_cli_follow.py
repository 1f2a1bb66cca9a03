"""`devmesh logs --follow` in this process: what it prints when much comes at once."""

from __future__ import annotations

from cli_house import Runner, fill, line

from devmesh.cli import logs


def test_follow_tells_what_it_leaves_out(tmp_path, monkeypatch):
    """Of a commit with more than 100 events that match the newest 100 are printed; stderr says how many are not."""
    folder = tmp_path / "data"
    fill(folder, [line("first", 300)])
    waits = iter(range(2))

    def wait(_seconds):
        if next(waits) == 0:
            fill(folder, [line(f"e{number}", 250 - number) for number in range(250)])
        else:
            raise KeyboardInterrupt

    monkeypatch.setattr(logs.time, "sleep", wait)
    result = Runner(folder)("logs", "--follow")
    printed = [text.rsplit(" ", 1)[1] for text in result.stdout.splitlines()]
    assert printed == ["first", *(f"e{number}" for number in range(150, 250))]
    assert result.stderr == "150 events more came at once and are left out: devmesh logs shows them.\n"
