"""Families: names vary, verdicts do not; what is stored stays; one call or many, the same families; bounded work."""

from __future__ import annotations

import random
import time
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devmesh.templates.family import FamilyBook, StoredFamily, _slots
from devmesh.templates.tokens import ANY, MAX_TOKENS, render, tokenize


def families(texts, level=None):
    """The texts grouped by family, as sets, with each family's text."""
    outcome = FamilyBook().assign((i, text, level) for i, text in enumerate(texts, start=1))
    groups = {}
    for i, text in enumerate(texts, start=1):
        groups.setdefault(outcome.assigned[i], set()).add(text)
    return {outcome.texts[number]: members for number, members in groups.items()}


class Store:
    """What the tables hold: families by id, and where each template is, merges followed."""

    def __init__(self):
        self.families, self.homes = {}, {}

    def apply(self, outcome, levels):
        """Write one outcome down; gives the ids of the new families."""
        ids = {}
        for number in sorted({home for home in outcome.assigned.values() if home < 0}, reverse=True):
            ids[number] = max(self.families, default=0) + 1
            self.families[ids[number]] = StoredFamily(ids[number], outcome.texts[number], levels[-number])
        for number, text in outcome.texts.items():
            if number > 0:
                self.families[number] = StoredFamily(number, text, self.families[number].level)
        for gone, into in outcome.merged.items():
            self.families[gone] = None
            self.homes = {t: ids.get(into, into) if home == gone else home for t, home in self.homes.items()}
        self.homes |= {t: ids.get(home, home) for t, home in outcome.assigned.items()}
        return ids

    def stored(self):
        """The families that were merged into no other."""
        return [family for family in self.families.values() if family is not None]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Accepted password for <user> from <ip>", "Failed password for <user> from <ip>"),
        ("connection to <ip> opened", "connection to <ip> refused"),
        ("service 'web' started", "service 'web' stopped"),
        ("link eth<n> is up", "link eth<n> is down"),
        ("login success for 'bob'", "login failure for 'bob'"),
        ('<ip> "GET <path>" 200 <n>', '<ip> "GET <path>" 404 <n>'),
        ("cupsd startup succeeded", "cupsd shutdown succeeded"),
        ("disk is online", "disk is offline"),
        ("set flag=true", "set flag=false"),
        ("job 'bob' died of java.io.IOException", "job 'bob' died of java.lang.OutOfMemoryError"),
    ],
)
def test_opposites_stay_apart(one, other):
    """A word that says what happened never varies, however many names vary around it."""
    crowd = [text.replace("bob", name).replace("web", name) for text in (one, other) for name in ("bob", "amy", "joe")]
    for members in families([*crowd, one, other]).values():
        assert not ({one, other} <= members)


def test_names_that_vary_become_one_family():
    """A quoted word is a name at the second one; a word in a sentence at the fifth."""
    users = [f"login of user '{name}' ok" for name in ("bob", "amy")]
    assert families(users) == {"login of user '<*>' ok": set(users)}
    words = [f"the {name} pool was resized" for name in ("tank", "rust", "vault", "media", "backup")]
    assert families(words) == {"the <*> pool was resized": set(words)}
    assert len(families(words[:4])) == 4


def test_first_word_never_varies():
    """Which program or thing speaks is part of the statement."""
    assert (
        len(families([f"{name} is ready now" for name in ("alpha", "beta", "gamma", "delta", "omega", "sigma")])) == 6
    )


def test_looks_that_vary_are_one_family_at_once():
    """Placeholders and words with digits need no evidence; the text shows `<*>` only where they differ."""
    texts = ["disk sd<n> at <path> failed", "disk <id> at <path> failed"]
    assert families(texts) == {"disk <*> at <path> failed": set(texts)}


def test_longer_lists_are_not_new():
    """A list of equal looks is one token."""
    texts = ["delete blk_<n> now", "delete blk_<n> blk_<n> blk_<n> now", "delete blk_<n>, blk_<n> now"]
    assert len(families(texts)) == 1


def test_a_new_name_fits_the_stored_text():
    """After a restart, a template that fits a family's `<*>` joins it and changes nothing."""
    book = FamilyBook([StoredFamily(7, "login of user '<*>' ok", 6), StoredFamily(8, "bye", None)])
    outcome = book.assign([(50, "login of user 'zoe' ok", 6)])
    assert (outcome.assigned, outcome.merged, outcome.texts) == ({50: 7}, {}, {})


def test_no_family_takes_another_level():
    """Templates of another level are another family, though the words fit."""
    book = FamilyBook([StoredFamily(7, "login of user '<*>' ok", 6)])
    outcome = book.assign([(50, "login of user 'zoe' ok", 3), (51, "login of user 'amy' ok", None)])
    assert outcome.assigned == {50: -50, 51: -51}


def test_merging_stored_families():
    """The oldest stays, the others say where they went, and the new text is given."""
    names = ("tank", "rust", "vault", "media")
    book = FamilyBook(StoredFamily(i, f"the {name} pool was resized", None) for i, name in enumerate(names, start=1))
    outcome = book.assign([(90, "the backup pool was resized", None), (91, "the tape pool was resized", None)])
    assert outcome.assigned == {90: 1, 91: 1}
    assert outcome.merged == {2: 1, 3: 1, 4: 1}
    assert outcome.texts == {1: "the <*> pool was resized"}


def test_adopted_ids_are_used_from_then_on():
    """A book that lives on speaks of a new family by the id under which it was stored."""
    book = FamilyBook()
    assert book.assign([(5, "hello world", None)]).assigned == {5: -5}
    book.adopt(-5, 31)
    assert book.assign([(6, "hello world", None)]).assigned == {6: 31}


WORDS = st.sampled_from([
    "user",
    "bob", "amy", "joe", "zoe", "'bob'", "'amy'", "opened", "refused", "<n>", "<ip>", "blk_<n>", "eth<n>", "=", ",",
    "(", ")", "for", "in", "pool", "a.b.C", "d.e.F", "<*>", "404",
])  # fmt: skip
TEXTS = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)
TEMPLATES = st.lists(st.tuples(TEXTS, st.sampled_from([None, 3])), max_size=40)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(TEMPLATES)
def test_one_call_equals_one_by_one_with_restarts(templates):
    """Families depend on the order of templates alone: not on how calls are cut, nor on restarts between them."""
    rows = [(i, text, level) for i, (text, level) in enumerate(templates, start=1)]
    levels = {i: level for i, _, level in rows}
    whole, pieces = Store(), Store()
    whole.apply(FamilyBook().assign(rows), levels)
    for row in rows:
        pieces.apply(FamilyBook(pieces.stored()).assign([row]), levels)
    assert _partition(whole.homes) == _partition(pieces.homes)
    assert {family.text for family in whole.stored()} == {family.text for family in pieces.stored()}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(TEMPLATES)
def test_what_is_together_stays_together(templates):
    """New templates never take one out of its family, and a living book says the same as a restarted one."""
    store, book, levels = Store(), FamilyBook(), {}
    for i, (text, level) in enumerate(templates, start=1):
        before, levels[i] = _partition(store.homes), level
        for provisional, family_id in store.apply(book.assign([(i, text, level)]), levels).items():
            book.adopt(provisional, family_id)
        after = _partition(store.homes)
        assert all(any(members <= group for group in after) for members in before)
        assert all(levels[a] == levels[b] for group in after for a in group for b in group)


def _partition(homes):
    groups = {}
    for template, home in homes.items():
        groups.setdefault(home, set()).add(template)
    return {frozenset(group) for group in groups.values()}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.one_of(WORDS, st.text(max_size=4)), max_size=30).map(" ".join))
def test_tokens_survive_being_written_down(text):
    """The tokens of a rendered text are those that were rendered: a family's text is its whole state."""
    tokens = tokenize(text)
    assert [token.key for token in tokenize(render(tokens))] == [token.key for token in tokens]


def test_long_texts_agree_from_a_limit_on():
    """Texts are compared for MAX_TOKENS tokens; what follows is `<*>`."""
    head = " ".join(f"w{chr(97 + i % 26)}" for i in range(MAX_TOKENS))
    (text,) = families([f"{head} and then this", f"{head} but not that, at all"])
    assert text == f"{head} {ANY}"


RANDOM = random.Random(4)  # noqa: S311 - names, not secrets
NAMES = ["".join(RANDOM.choice("abcdefghij") for _ in range(8)) for _ in range(5_001)]
HOSTILE = {
    "random words": [" ".join(RANDOM.sample(NAMES, 12)) for _ in range(5_000)],
    "one slot": [f"pool {name} was resized" for name in NAMES],
    "two slots": [f"copy of {one} made on {other} today" for one, other in zip(NAMES, NAMES[::-1], strict=True)],
    "long lines": ["head " + " ".join(RANDOM.sample(NAMES[:300], 140)) for _ in range(500)],
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_bounded_work(kind):
    """Thousands of hostile templates cost seconds, not minutes."""
    rows = [(i, text, None) for i, text in enumerate(HOSTILE[kind], start=1)]
    started = time.process_time()
    FamilyBook().assign(rows)
    assert time.process_time() - started < 15


def test_slots_tell_word_orders_apart():
    """Families meet in a slot only if all else is equal: words that change places are another statement."""
    words = ("disk", "user", "pool", "worker", ANY)
    rests: dict[int, tuple[int, tuple[str, ...]]] = {}
    for keys in product(words, repeat=5):
        for position, slot in _slots(None, keys):
            rest = (position, (*keys[:position], *keys[position + 1 :]))
            assert rests.setdefault(slot, rest) == rest


@given(st.lists(st.lists(st.sampled_from(["disk", "user", "pool", "worker", "<n>", ANY]), min_size=2, max_size=6)))
def test_books_of_few_words_stay_whole(texts):
    """Each family stands under its own keys, and in each of its slots under its own name, whatever merged."""
    book = FamilyBook()
    for number, words in enumerate(texts, start=1):
        book.assign([(number, " ".join(words), None)])
        for (level, keys), family in book._by_key.items():
            assert (family.level, family.keys, family.into) == (level, keys, None)
            assert all(book._names(i, slot)[keys[i]] is family for i, slot in _slots(level, keys))
