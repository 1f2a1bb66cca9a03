"""Canonical text: idempotent, deterministic, total, bounded; the same through the memory of shapes as without."""

from __future__ import annotations

import time

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devmesh.templates import few, many
from devmesh.templates.canonical import CANON_VERSION, MAX_CHARS, canonicalize, canonicalize_directly
from devmesh.templates.memo import Memo

PIECES = st.sampled_from([
    "10.0.0.1", "::1", "2024-01-02T03:04:05Z", "Jan  2 03:04:05", "/var/log/x.log", "a=b", "level=error", "<n>", "<*>",
    '"GET / HTTP/1.1" 404 7', '{"a": {"b": [1, 2]}}', "[REDACTED:jwt:aabbcc]", "0x1f", "9dbdbd4f0e", "12ms", "-5",
    "user 'bob'", "for root from ", "1,2,3", "00:11:22:33:44:55", "x@y.org", "https://h/p",
    "\\x1b[1m", "\ue000", "\x02",
    "()", " ", "\n", "\t", "\x00", "0", ":", "|", '"',
])  # fmt: skip
MESSAGES = st.lists(st.one_of(PIECES, st.text(max_size=6)), max_size=12).map("".join)
FRAMES = st.lists(MESSAGES, max_size=20)


def canon(texts):
    return canonicalize(pl.Series("message", texts, pl.String)).to_list()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(FRAMES)
def test_idempotent(texts):
    """The canonical text of a canonical text is itself."""
    once = canon(texts)
    assert canon(once) == once


@settings(max_examples=40, deadline=None, derandomize=True)
@given(FRAMES)
def test_batch_equals_single_calls(texts):
    """What stands beside a message in a frame, and what came before, changes nothing."""
    assert canon(texts) == [canon([text])[0] for text in texts]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(FRAMES)
def test_memory_of_shapes_changes_nothing(texts):
    """Distinct shapes and the memory are a short cut to the same result, not another one."""
    direct = canonicalize_directly(pl.Series("message", texts, pl.String)).to_list()
    assert canon(texts) == direct


@settings(max_examples=60, deadline=None, derandomize=True)
@given(FRAMES)
def test_few_equal_many(texts):
    """The rules one text at a time give what they give over columns: two engines, one meaning."""
    assert few.apply_rules(texts) == many.apply_rules(texts)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.lists(st.text(), max_size=8))
def test_no_text_raises(texts):
    """Any Unicode text has a canonical text, at most MAX_CHARS long, on one line."""
    for text in canon(texts):
        assert len(text) <= MAX_CHARS
        assert not any(char in text for char in "\n\r\t\x00")


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 10**12), min_size=2, max_size=2), st.text(alphabet="abcXY :=/-", max_size=20))
def test_numbers_never_tell_lines_apart(numbers, text):
    """Lines that differ in one number alone have one canonical text."""
    first, second = (f"{text} {number} {text}" for number in numbers)
    assert canon([first]) == canon([second])


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("abcdef12", "<hex>"),
        ("12345678ab", "<hex>"),
        ("0123456789abcdef", "<hex>"),
        ("12345678", "<n>"),
        ("1234567B", "<size>"),
        ("123456789012B", "<size>"),
        ("deadbeef", "deadbeef"),
        ("abcdef12x", "abcdef<n>x"),
    ],
)
def test_hexadecimal_words(word, expected):
    """Eight hexadecimal characters or more are an identity where digits and letters mix, and no number with a unit."""
    assert canon([f"queued as {word} now"]) == [f"queued as {expected} now"]


def test_null_and_empty():
    """Null counts as the empty text; an empty frame stays one; name and order stay."""
    got = canonicalize(pl.Series("m", [None, "", "b 2", "a 1"], pl.String))
    assert (got.name, got.to_list()) == ("m", ["", "", "b <n>", "a <n>"])
    assert canon([]) == []


def test_large_frames_use_two_threads_and_keep_order():
    """A frame over the size at which the work is shared gives row for row what a small one gives."""
    texts = [f"worker {i} took {i}ms on node-{i % 7} word{'x' * (i % 50)}" for i in range(40_000)]
    assert canon(texts) == [text for start in range(0, 40_000, 10_000) for text in canon(texts[start : start + 10_000])]


def test_unknown_version():
    """A version that this code does not have is refused."""
    with pytest.raises(ValueError, match="version 2"):
        canonicalize(pl.Series(["x"]), CANON_VERSION + 1)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('"GET / HTTP/1.1" 404 7', '"GET <path>" 404 <n>'),
        ('"GET / HTTP/1.1" 404', '"GET <path>" 404'),
        ('"GET / HTTP/1.1" 404.', '"GET <path>" 404.'),
        ('"http://10.0.0.1:80" 402ms', '"<url>" <dur>'),
        ('"http://10.0.0.1:80" 402.11', '"<url>" <n>'),
        ('{"status":404}', '{"status":404}'),
    ],
)
def test_a_status_stays_and_other_numbers_go(line, expected):
    """Three digits behind a quote are a status, unless they have a unit or a fraction."""
    assert canonicalize(pl.Series([line])).to_list() == [expected]


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("(Reading ... 5%\r(Reading ... 100%\r(Reading database ... 111 files", "(Reading database ... 111 files"),
        ("pulling 1 %\rpulling 99 %\r", "pulling 99 %\r"),
        ("first line\r\nsecond line\r\n", "first line\nsecond line\n"),
        ("kept\n10 %\r20 %\rdone\nkept too", "kept\ndone\nkept too"),
        ("\rdone", "done"),
    ],
)
def test_lines_that_were_drawn_over(line, shown):
    """Of a progress bar counts what a terminal shows in the end; ends of lines are no drawing over."""
    assert canonicalize(pl.Series([line])).to_list() == canonicalize(pl.Series([shown])).to_list()


@pytest.mark.parametrize(
    "text",
    [
        "x" * 40_000_000,
        "word " * 8_000_000,
        "a1b2 " * 100_000,
        "{" * 100_000,
        '{"a":' * 50_000,
        "\n" * 1_000_000,
        "=" * 300_000,
    ],
    ids=["one word", "words", "tokens", "braces", "nested", "newlines", "equals"],
)
def test_monstrous_lines(text):
    """A line of 40 MB, or of 100,000 tokens, costs the same as its beginning."""
    started = time.process_time()
    (got,) = canon([text])
    assert time.process_time() - started < 2.0
    assert len(got) <= MAX_CHARS
    assert canon([got]) == [got]


def test_cut_leaves_no_half_word():
    """A long line's canonical text ends with a whole word or placeholder."""
    (got,) = canon(["delete " + " ".join(f"blk_{i}" for i in range(10_000))])
    assert got.split(" ")[-1] == "blk_<n>"


def test_memo_is_bounded_and_forgets_nothing_wrongly():
    """However many texts come, the memory holds two generations at most, and answers stay right."""
    calls = []

    def shout(texts):
        calls.append(len(texts))
        return [text.upper() for text in texts]

    memo = Memo(shout, lambda text, loud: len(text) + len(loud), limit=1_000)
    for start in range(0, 5_000, 10):
        texts = [f"text {i:04d}" for i in range(start, start + 10)]
        assert memo(texts) == [text.upper() for text in texts]
        assert sum(map(len, memo._young)) + sum(map(len, memo._old)) <= 1_000
    assert sum(calls) == 5_000
    assert memo(["text 4999", "text 0000", "text 4999"]) == ["TEXT 4999", "TEXT 0000", "TEXT 4999"]
    assert sum(calls) == 5_001


@pytest.mark.parametrize("head", ["x^", "x\x01", "x\x9c", "x\xda", "\x1f\x8b", "(\xb5/\xfd", "BZh9", "\ufeff", "PAR1"])
def test_text_that_looks_like_a_file_is_text(head):
    """However the first message begins, as a compressed file or another, every message keeps its place and words."""
    texts = [f"{head} first", "second", f"{head} third"]
    assert canon(texts) == [canon(["", text])[1] for text in texts]
