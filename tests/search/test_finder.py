"""The Finder: what people ask is found, and the answer says why."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from devmesh.embeddings import EmbeddingUnavailable, LocalProvider
from devmesh.errors import Unavailable
from devmesh.search import Document, Finder

FAMILIES = [
    Document(1, "smartd", "Device: <path>, <n> Currently unreadable (pending) sectors"),
    Document(2, "sshd", "Failed password for <user> from <ip> port <n> ssh2"),
    Document(3, "kernel", "Out of memory: Killed process <n> (<*>)"),
    Document(4, "docker", "Container <id> restarted"),
    Document(5, "NetworkManager", "device (<*>): link disconnected"),
    Document(6, "cron", "(<user>) CMD (<*>)"),
    Document(7, "sshd", "Accepted publickey for <user> from <ip> port <n> ssh2"),
]


@pytest.fixture(scope="module")
def finder():
    """The families above, with the local model."""
    made = Finder(LocalProvider())
    made.put(FAMILIES)
    return made


@pytest.mark.parametrize(
    ("question", "family"),
    [
        ("disk is dying", 1),
        ("someone guesses ssh credentials", 2),
        ("killed because the machine had no ram", 3),
        ("docker restart", 4),
        ("network manager", 5),
        ("scheduled jobs", 6),
        ("OUT OF MEMORY", 3),
    ],
)
def test_people_find_families(finder, question, family):
    """A question in people's words has its family first, although few words are equal."""
    assert finder.find(question, 3).hits[0].family_id == family


def test_a_hit_says_why(finder):
    """Equal words, near words with their cosine, and the place in each ranking."""
    best = finder.find("password credentials").hits[0]
    assert best.family_id == 2
    assert best.why.words == ("password",)
    assert ("credentials", "password") in {(pair.question, pair.found) for pair in best.why.meaning}
    assert best.why.ranks == {"words": 1, "meaning": 1}
    assert set(best.why.scores) == {"words", "meaning"}
    assert best.score == pytest.approx(1 / 11 + 3 / 11)


def test_the_service_is_searched_too(finder):
    """A service's name finds what it said."""
    assert {hit.family_id for hit in finder.find("sshd", by=["words"]).hits} == {2, 7}


def test_rankings_can_be_chosen(finder):
    """By words alone only equal words count, by meaning alone the words' ranking is not made."""
    assert finder.find("dying disk", by=["words"]).hits == []
    assert {name for hit in finder.find("dying disk", by=["meaning"]).hits for name in hit.why.ranks} == {"meaning"}


@pytest.mark.parametrize("question", ["", "   ", "...", "12345", "<>"])
def test_a_question_without_words_finds_nothing(finder, question):
    """And raises nothing."""
    assert finder.find(question).hits == []


def test_the_limit_holds(finder):
    """Never more hits than asked for."""
    assert len(finder.find("sshd device memory", limit=2).hits) == 2
    assert finder.find("sshd", limit=0).hits == []


def test_changes_show_at_once():
    """A new text replaces the old one, a removed family is not found, both also by meaning."""
    made = Finder(LocalProvider())
    made.put([Document(1, "a", "disk failure"), Document(2, "b", "login refused")])
    made.put([Document(1, "a", "certificate expired")])
    assert made.find("disk").hits == []
    assert [hit.family_id for hit in made.find("certificate").hits] == [1]
    made.remove([1, 99])
    assert made.find("certificate").hits == []
    assert len(made) == 1


def test_without_a_model_words_alone_are_searched():
    """The index works where no model is."""
    made = Finder()
    made.put(FAMILIES)
    assert [hit.family_id for hit in made.find("docker").hits] == [4]


class Near:
    """A sentence ranking that the test decides."""

    def __init__(self, answer):
        self.answer = answer

    def nearest(self, _question, limit):
        """The answer, or the error."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer[:limit]


def test_a_sentence_ranking_joins():
    """What only the gateway's vectors find is found, with its cosine; families that are gone are left out."""
    made = Finder(LocalProvider(), Near([(6, 0.9), (99, 0.8), (4, 0.7)]))
    made.put(FAMILIES)
    hits = {hit.family_id: hit for hit in made.find("docker", by=["words", "sentences"]).hits}
    assert hits[6].why.scores == {"sentences": 0.9}
    assert hits[4].why.ranks["sentences"] == 3
    assert 99 not in hits


def test_a_gateway_that_is_away_costs_its_ranking_only():
    """The other rankings answer, and the answer says what is missing."""
    made = Finder(LocalProvider(), Near(EmbeddingUnavailable("cannot embed with the gateway: slow")))
    made.put(FAMILIES)
    found = made.find("docker")
    assert found.hits[0].family_id == 4
    assert found.missing == {"sentences": "cannot embed with the gateway: slow"}


def test_a_store_that_is_too_slow_costs_its_ranking_only():
    """MariaDB compares vectors itself; where that takes too long, words and their meaning answer."""
    made = Finder(LocalProvider(), Near(Unavailable("The database server took too long")))
    made.put(FAMILIES)
    found = made.find("docker")
    assert found.hits[0].family_id == 4
    assert found.missing == {"sentences": "The database server took too long"}


def test_a_word_model_that_cannot_load_costs_its_ranking_only(tmp_path):
    """Words still find, and the answer says what is missing."""
    made = Finder(LocalProvider(tmp_path))
    made.put(FAMILIES)
    found = made.find("docker")
    assert [hit.family_id for hit in found.hits] == [4]
    assert "weights" in found.missing["meaning"]


def test_a_table_of_thousands_answers_as_one_made_afresh():
    """A long history of changes, with packing, leaves no trace in the answers."""
    chance = np.random.default_rng(3)
    names = ["disk", "login", "network", "memory", "nginx", "timeout", "failed", "started", "password", "expired"]
    texts = {family: " ".join(chance.choice(names, 4)) for family in range(300)}
    worn, fresh = Finder(LocalProvider()), Finder(LocalProvider())
    for turn in range(12):
        worn.put(Document(family, "s", f"{text} turn{'abcdefghijkl'[turn]}") for family, text in texts.items())
        worn.remove(range(turn, 300, 7))
    worn.put(Document(family, "s", text) for family, text in texts.items())
    fresh.put(Document(family, "s", text) for family, text in texts.items())
    for question in ("disk memory", "who failed the password", "nginx was slow"):
        left, right = worn.find(question, 20).hits, fresh.find(question, 20).hits
        assert [(hit.family_id, hit.score) for hit in left] == [(hit.family_id, hit.score) for hit in right]


def test_threads_may_search_while_it_changes():
    """Searches and changes at the same time raise nothing and lose nothing."""
    made = Finder(LocalProvider())
    made.put(FAMILIES)
    failures = []

    def search():
        try:
            for _ in range(50):
                assert made.find("docker restart").hits[0].family_id == 4
        except Exception as error:  # noqa: BLE001 - a thread's failure is the test's
            failures.append(error)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(200):
        made.put([Document(100 + number % 5, "other", f"word{number} apple banana")])
    for thread in threads:
        thread.join()
    assert failures == []
