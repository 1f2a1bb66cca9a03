"""The rules of bad news: each matches its examples and nothing else that it must not."""

from __future__ import annotations

import pytest

from devmesh.detectors.rules import BOOTED, RULES, SHUT_DOWN, rule_of

ORDINARY = (
    'GET "<path>" <n> <dur>', "Started session <n> of user root.", "Accepted publickey for <user>", "pool is healthy",
    "Deactivated successfully.", "cache is full of hits", "memory: <size> free", "certificate renewed",
)  # fmt: skip


@pytest.mark.parametrize("rule", RULES, ids=lambda one: one.name)
def test_a_rule_matches_its_examples_and_not_the_others(rule):
    """Each example finds this very rule, whichever stand before it."""
    for text in rule.examples:
        assert rule_of(text) is rule, text
    for text in rule.others:
        assert not rule.pattern.search(text), text


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_lines_match_no_rule(text):
    """What programs say every day is no bad news."""
    assert rule_of(text) is None


def test_boots_and_shutdowns_are_told_apart():
    """As kernel and systemd write them."""
    assert BOOTED.search("Linux version <n>-amd64 (<email>)")
    assert not BOOTED.search("loaded Linux version of the tool")
    for text in ("Reached target shutdown.target - System Shutdown.", "Journal stopped", "System is rebooting."):
        assert SHUT_DOWN.search(text), text
