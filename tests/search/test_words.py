"""Text to words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devmesh.search.words import MAX_WORDS, question_words, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Failed password", ["failed", "password"]),
        ("NetworkManager", ["network", "manager", "networkmanager"]),
        ("oom_kill", ["oom", "kill", "oom_kill"]),
        ("OOMKilled", ["oom", "killed", "oomkilled"]),
        ("sshd.service", ["sshd", "service", "sshd.service"]),
        ("parseHTTPRequest", ["parse", "http", "request", "parsehttprequest"]),
        ("ipv4 eth0 x86_64", ["ipv", "ipv4", "eth", "eth0"]),
        ("nginx-proxy/manager", ["nginx", "proxy", "manager"]),
        ("from <ip> port <num>", ["from", "ip", "port", "num"]),
        ("error=user_not_found", ["error", "user", "not", "found", "user_not_found"]),
        ("1234 0x1f 12:30:59", []),
        ("4f9a0c33e1", []),
        ("Ünïcode ОШИБКА 日本", ["ünïcode", "ошибка", "日本"]),
        ("", []),
        ("...___", []),
    ],
)
def test_words_of(text, expected):
    """Compounds give their parts and themselves; numbers and ids give nothing."""
    assert words(text) == expected


@settings(derandomize=True, max_examples=300)
@given(st.text())
def test_any_text_has_few_clean_words(text):
    """No text raises; words are not empty, in lower case and limited."""
    found = words(text)
    assert len(found) <= MAX_WORDS
    assert all(word and word == word.lower() for word in found)


@settings(derandomize=True, max_examples=300)
@given(st.text())
def test_parts_stay_words(text):
    """A word that was found is found again when people type it."""
    assert all(word in words(word) for word in words(text))


def test_a_question_has_each_word_once_and_no_function_words():
    """What carries the sentence goes, what turns its meaning stays."""
    assert question_words("Why is there no space left on the disk, the disk?") == ["no", "space", "left", "disk"]


def test_a_question_of_function_words_alone_keeps_them():
    """Somebody who asks for `who` gets an answer."""
    assert question_words("who is this") == ["who", "is", "this"]


def test_a_long_text_is_bounded():
    """A family of a very long message does not fill the index."""
    assert len(words("alpha beta " * 10_000)) == MAX_WORDS
