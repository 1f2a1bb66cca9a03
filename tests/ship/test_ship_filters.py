"""filters.yaml: which events stay here, and clear errors for rules that cannot work."""

from __future__ import annotations

import os
import time

import pytest

from devmesh.ship.errors import OptionsError
from devmesh.ship.filters import OWN, Filters
from devmesh.ship.identity import boot_id
from devmesh.ship.piece import Judgement


def event(message: str = "m", **fields: str) -> dict:
    return {"seq": 1, "message": message, "fields": fields}


@pytest.mark.parametrize(
    ("rule", "dropped", "kept"),
    [
        ({"drop": {"unit": "cron.service"}}, event(_SYSTEMD_UNIT="cron.service"), event(_SYSTEMD_UNIT="cron2.service")),
        ({"drop": {"unit": "user@*.service"}}, event(UNIT="user@1000.service"), event(UNIT="user.service")),
        ({"drop": {"identifier": "kube*"}}, event(SYSLOG_IDENTIFIER="kubelet"), event(SYSLOG_IDENTIFIER="mykube")),
        ({"drop": {"identifier": "nginx"}}, {**event(), "service": "nginx"}, {**event(), "service": "apt"}),
        ({"drop": {"priority": ">=info"}}, event(PRIORITY="7"), event(PRIORITY="5")),
        ({"drop": {"priority": "<4"}}, event(PRIORITY="3"), event(PRIORITY="4")),
        ({"drop": {"priority": 6}}, event(), event(PRIORITY="3")),
        ({"drop": {"regex": "health[- ]?check"}}, event("GET healthcheck"), event("GET Healthcheck")),
        (
            {"drop": {"identifier": "a", "regex": "x"}},
            event("x", SYSLOG_IDENTIFIER="a"),
            event("y", SYSLOG_IDENTIFIER="a"),
        ),
    ],
)
def test_conditions(rule, dropped, kept):
    """Each condition drops what it says and nothing else."""
    filters = Filters([rule])
    assert filters.judge(dropped).drops
    assert filters.judge(dropped).name
    assert not filters.judge(kept).drops
    assert not filters.judge(kept).name


def test_the_first_rule_that_matches_decides():
    """Keep before drop is an exception from it; drops are counted by the rule's name."""
    filters = Filters([{"keep": {"regex": "failed"}}, {"drop": {"identifier": "cron"}, "name": "cron chatter"}])
    assert not filters.judge(event("job failed", SYSLOG_IDENTIFIER="cron")).drops
    assert filters.judge(event("job ran", SYSLOG_IDENTIFIER="cron")) == Judgement(True, "cron chatter", 1)


def test_own_lines_never_feed_back():
    """The agent's and the server's own lines are dropped whatever the rules say (F57)."""
    filters = Filters([{"keep": {"regex": "."}}])
    own = [
        event(SYSLOG_IDENTIFIER="devmesh-shipper"),
        event(_SYSTEMD_UNIT="devmesh.service"),
        event(_SYSTEMD_UNIT="devmesh-shipper.service"),
        {**event(_PID=str(os.getpid()), _BOOT_ID=boot_id()), "ts_us": time.time_ns() // 1000},
        {**event(), "service": "devmesh"},
    ]
    assert [filters.judge(line) for line in own] == [Judgement(True, OWN, 1)] * 5
    assert not filters.judge(event(SYSLOG_IDENTIFIER="devmeshx")).drops
    assert not filters.judge({**event(_PID=str(os.getpid()), _BOOT_ID="1" * 32), "ts_us": time.time_ns() // 1000}).drops
    assert not filters.judge({**event(_PID=str(os.getpid()), _BOOT_ID=boot_id()), "ts_us": 1}).drops


def test_what_journald_dropped_is_counted_by_unit():
    """Its rate limit's message is sent, and the number in it stands in the heartbeat (F12)."""
    filters = Filters()
    said = event("Suppressed 41 messages from noisy.service", MESSAGE_ID="a596d6fe7bfa4994828e72309e95d61e")
    assert filters.judge(said) == Judgement(False, "journald: noisy.service", 41)
    assert filters.judge(event("Suppressed 9 messages from a liar")) == Judgement(False)
    filters.count({"journald: noisy.service": 41})
    filters.count({"journald: noisy.service": 41, "x": 1})
    assert filters.dropped == {"journald: noisy.service": 82, "x": 1}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("text", "list of rules"),
        ([{"drop": {"unit": "a"}, "keep": {"unit": "b"}}], "rule 1"),
        ([{"drop": {}}], "needs conditions"),
        ([{"drop": {"unit": "a"}}, {"drop": {"color": "red"}}], "rule 2: unknown condition 'color'"),
        ([{"drop": {"regex": "("}}], "regex"),
        ([{"drop": {"priority": "loud"}}], "priority"),
        ([{"drop": {"unit": 5}}], "unit"),
        ([{"drop": {"unit": "a"}, "colour": 1}], "rule 1"),
        ([["drop"]], "rule 1"),
    ],
)
def test_a_rule_that_cannot_work_is_named(document, said):
    """The error says which rule and which field."""
    with pytest.raises(OptionsError, match="filters") as caught:
        Filters(document)
    assert said in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    """Missing, or no YAML."""
    with pytest.raises(OptionsError, match="nowhere"):
        Filters.read(str(tmp_path / "nowhere.yaml"))
    bad = tmp_path / "bad.yaml"
    bad.write_text("- drop: {unit: [}")
    with pytest.raises(OptionsError, match=r"bad\.yaml"):
        Filters.read(str(bad))
    bad.write_text("")
    assert not Filters.read(str(bad)).judge(event()).drops


def test_again_sends_what_former_filters_dropped_and_nothing_else(fake, ship_once, tmp_path):
    """Loosened filters refetch nothing by themselves; --again sends, in a new epoch, what they once dropped."""
    log = tmp_path / "app.log"
    log.write_text(
        "".join(
            f"2026-11-{10 + n:02d}T10:00:00Z n1 {'noisy' if n % 2 else 'calm'}: line {n} of all\n" for n in range(12)
        )
    )
    filters = tmp_path / "filters.yaml"
    filters.write_text("- drop: {identifier: noisy}\n")
    given = {"files": (str(log),), "filters": str(filters)}
    assert ship_once(**given) == 0
    filters.write_text("[]\n")
    assert ship_once(**given) == 0
    assert fake.messages() == [f"line {n} of all" for n in range(0, 12, 2)]
    since_us = 1_763_164_800_000_000 + 365 * 86_400_000_000  # 2026-11-15
    assert ship_once(**given, again=True, since_us=since_us) == 0
    (first, second) = sorted(fake.streams)
    assert fake.messages(first) == [f"line {n} of all" for n in range(0, 12, 2)]
    assert fake.messages(second) == ["line 5 of all", "line 7 of all", "line 9 of all", "line 11 of all"]
    with log.open("a") as file:
        file.write("2026-11-22T10:00:00Z n1 noisy: line 12 of all\n")
    assert ship_once(**given) == 0
    assert fake.messages(second)[-1] == "line 12 of all"
    assert len(fake.messages()) == 11
