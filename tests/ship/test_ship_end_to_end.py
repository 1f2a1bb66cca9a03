"""From a real journal to the server, each entry once."""

from __future__ import annotations

from ship_journals import lines, need_journals, write_journal


def test_a_journal_arrives_whole_and_once(fake, ship_once, tmp_path):
    """Every entry of a journal is stored; a second run sends nothing more."""
    need_journals()
    journal = write_journal(tmp_path / "j.journal", lines(1, 50))
    assert ship_once(journal_file=str(journal)) == 0
    assert fake.messages() == [f"entry {n}" for n in range(1, 51)]
    sent = len(fake.requests)
    assert ship_once(journal_file=str(journal)) == 0
    assert len(fake.requests) == sent
    write_journal(journal, lines(51, 60))
    assert ship_once(journal_file=str(journal)) == 0
    assert fake.messages() == [f"entry {n}" for n in range(1, 61)]
