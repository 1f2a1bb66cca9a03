"""Who is told what, and when not: routes, quiet hours, and a wall clock that jumps (F56, C6)."""

from __future__ import annotations

import json

import pytest
from far_side import DISCORD, HOOK, aim, always, closed, notice

from bodies import NOW_US
from devmesh.channels import ConsoleChannel, Route
from devmesh.clock import FakeClock
from devmesh.notifications.routes import Quiet, channels_for
from devmesh.when import zone_of

EVENING_US = 1_768_939_200_000_000  # 2026-01-20 20:00 UTC, 21:00 in Berlin
QUIET = {"quiet_hours": "22:00-07:00", "timezone": "Europe/Berlin"}


class JumpingClock(FakeClock):
    """A wall clock that somebody sets; time itself goes on."""

    jumped_s = 0.0

    def now_us(self) -> int:
        """What the wall says."""
        return super().now_us() + round(self.jumped_s * 1e6)

    def monotonic_s(self) -> float:
        """What really passed."""
        return super().now_us() / 1e6


@pytest.mark.parametrize(
    ("routes", "told", "to"),
    [
        ((), notice(severity="critical"), {"a", "b"}),
        ((), notice(severity="warning"), {"a", "b"}),
        ((), notice(severity="info"), set()),
        ((Route(channels="a"),), notice(severity="info"), set()),
        ((Route(channels="a", severity="info"),), notice(severity="info"), {"a"}),
        ((Route(channels="a", severity="critical"),), notice(severity="warning"), set()),
        ((Route(channels="a, b", services="post*,smb?"),), notice(), {"a", "b"}),
        ((Route(channels="a", services=("sshd",)),), notice(), set()),
        ((Route(channels="a", nodes="nas*"), Route(channels="b", nodes="db1")), notice(), {"a"}),
        ((Route(channels="a"), Route(channels="b")), notice(), {"a", "b"}),
        ((Route(channels="a", nodes="nas01"),), notice(nodes=()), set()),
    ],
)
def test_routes_choose_channels(routes, told, to):
    """Every route that fits adds its channels; without routes all of them get warnings and worse."""
    assert channels_for(told, routes, dict.fromkeys("ab", ConsoleChannel(kind="console"))) == to


@pytest.mark.parametrize(
    ("hours", "minute", "quiet"),
    [
        ((1320, 420), 1319, False), ((1320, 420), 1320, True), ((1320, 420), 0, True), ((1320, 420), 419, True),
        ((1320, 420), 420, False), ((60, 120), 90, True), ((60, 120), 120, False), (None, 0, False),
    ],
)  # fmt: skip
def test_quiet_hours_are_those_of_the_wall(hours, minute, quiet):
    """Over midnight, in the setting's zone, summer and winter."""
    for day_us in (1_768_863_600_000_000, 1_784_239_200_000_000):  # midnight in Berlin, January and July
        at = Quiet(hours, zone_of("Europe/Berlin"), critical_waits=False)
        assert at.now(day_us + minute * 60_000_000) is quiet


def test_at_night_what_can_wait_waits_for_one_summary(house, discord, step):
    """Critical ones come at once, the others in the morning in one message; one that had a message is edited then."""
    clock = FakeClock(EVENING_US)
    mesh = house(clock=clock, **QUIET)
    mesh.notifications.tell(notice(1, severity="warning"))
    step(mesh)
    clock.advance(2 * 3600)
    mesh.notifications.tell(closed(1, severity="warning"))
    for number in (2, 3, 4):
        mesh.notifications.tell(notice(number, severity="warning"))
    mesh.notifications.tell(closed(4, severity="warning"))
    assert step(mesh) == 0
    mesh.notifications.tell(notice(5))
    mesh.notifications.tell(notice(3, 2))  # it became critical
    assert step(mesh) == 2
    mesh.notifications.tell(closed(5, severity="warning"))
    assert step(mesh) == 1
    assert {one.incident_id for one in mesh.notifications.deliveries(9).rows if one.state == "held"} == {1, 2, 4}
    before = len(discord.requests)
    clock.advance(8 * 3600)
    assert step(mesh) == 2
    (_, _, summary), (method, path, edited) = discord.said[before:]
    assert summary["embeds"][0]["title"] == r"While it was quiet (22\:00 to 07\:00)\: 2 incidents".replace(
        "(", r"\("
    ).replace(")", r"\)")
    assert (method, path) == ("PATCH", f"{HOOK}/messages/1000")
    assert "Closed" in edited["embeds"][0]["title"]
    assert step(mesh) == 0


def test_one_held_message_is_itself(house, discord, step):
    """A summary of one would say less."""
    clock = FakeClock(EVENING_US + 2 * 3_600_000_000)
    mesh = house(clock=clock, **QUIET)
    mesh.notifications.tell(notice(1, severity="warning"))
    step(mesh)
    clock.advance(8 * 3600)
    assert step(mesh) == 1
    assert discord.posts()[0]["embeds"][0]["title"] == r"Warning\: nas01 is unreachable"


def test_a_channel_may_speak_at_night_and_critical_ones_may_wait(house, discord, step):
    """As the settings say."""
    loud = {**DISCORD, "quiet": False}
    mesh = house(clock=FakeClock(EVENING_US + 7_200_000_000), channels={"team": DISCORD, "loud": loud},
                 quiet_critical=True, **QUIET)  # fmt: skip
    aim(mesh, "loud", discord)
    mesh.notifications.tell(notice(1, severity="warning"))
    mesh.notifications.tell(notice(2))
    assert step(mesh) == 2
    assert {one.channel for one in mesh.notifications.deliveries(9).rows if one.state == "held"} == {"team"}


@pytest.mark.parametrize("jump_s", [3600, -3600])
def test_timers_survive_a_jump_of_the_clock(house, discord, step, jump_s):
    """A wait that Discord asked for, the pause after a failure and the messages a minute go by what really passed."""
    clock = JumpingClock(NOW_US)
    mesh = house(clock=clock, messages_per_minute=2)
    discord.answers = [always(429, {"retry_after": 100})]
    mesh.notifications.tell(notice(1))
    step(mesh)
    clock.jumped_s = jump_s
    clock.advance(99)
    assert step(mesh) == 0
    clock.advance(1)
    assert step(mesh) == 1
    for number in (2, 3, 4):
        mesh.notifications.tell(notice(number))
    clock.jumped_s = 0
    assert step(mesh) == 1, "one of two a minute is left: a summary of three"
    clock.jumped_s = -jump_s
    mesh.notifications.tell(notice(5))
    clock.advance(59)
    assert step(mesh) == 0
    clock.advance(1)
    assert step(mesh) == 1


def test_one_cause_is_one_message_and_nothing_is_hidden(house, discord, step, clock):
    """C6: a node goes and a certificate expires: two messages, whatever is found out meanwhile; both are closed."""
    mesh = house()
    mesh.notifications.tell(notice(1, title="nas01 is unreachable"))
    mesh.notifications.tell(notice(2, title="The certificate of mail01 has expired", nodes=("mail01",)))
    for version in range(2, 16):
        mesh.notifications.tell(notice(1, version, lines=(f"{version} services are affected.",)))
        step(mesh)
        clock.advance(30)
    assert len(discord.posts()) == 2
    mesh.notifications.tell(closed(1, 20))
    mesh.notifications.tell(closed(2, 20, title="The certificate of mail01 has expired"))
    assert step(mesh) == 2
    assert [body["content"] for body in discord.posts()[2:]] == [
        r"Closed after 12 min\: nas01 is unreachable", r"Closed after 12 min\: The certificate of mail01 has expired"
    ]  # fmt: skip


def test_what_was_told_goes_on_whatever_the_routes_say(house, discord, step):
    """A channel that heard of an incident hears that it is closed, as info too."""
    mesh = house()
    mesh.notifications.tell(notice(severity="warning"))
    step(mesh)
    mesh.notifications.tell(closed(severity="info"))
    assert step(mesh) == 1


def test_a_mailing_channel_hears_what_people_must_notice(make_mesh, discord, step):
    """New, worse, closed, reopened; not each word that is added. The console stands for those that cannot edit."""
    mesh = make_mesh(channels={"terminal": {"kind": "console"}})
    sent = []
    for version, more in enumerate([
        {"severity": "warning"}, {"severity": "warning", "lines": ("more",)}, {"severity": "critical"},
        {"severity": "warning"}, {"severity": "warning", "status": "closed"}, {"severity": "warning", "lines": ()},
    ]):  # fmt: skip
        mesh.notifications.tell(notice(1, version + 1, **more))
        sent.append(step(mesh))
    assert sent == [1, 0, 1, 0, 1, 1]


def test_secrets_are_masked_before_they_leave(house, discord, step):
    """Also where a title or a line was made of something that the way in never saw."""
    mesh = house()
    mesh.notifications.tell(notice(title="login with password=hunter2", lines=("token=abcdef123456",)))
    step(mesh)
    assert "hunter2" not in json.dumps(discord.said)
    assert "abcdef123456" not in json.dumps(discord.said)
    assert "REDACTED" in json.dumps(discord.said)
