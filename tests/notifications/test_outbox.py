"""What was told to the room leaves it: once, the newest state of it, over restarts and dead endpoints (F53 to F55)."""

from __future__ import annotations

from contextlib import suppress

import pytest
from far_side import HOOK, aim, always, closed, notice

from devmesh.errors import NotFound, Unavailable
from devmesh.notifications.pace import Pace


def states(mesh):
    """(incident, state, reason) of the outbox, oldest first."""
    rows = mesh.notifications.deliveries(100).rows
    return [(one.incident_id, one.state, one.reason) for one in reversed(rows)]


def test_a_notice_is_told_once(house, discord, step):
    """However often it is told to the room, and however often the loop runs."""
    mesh = house()
    mesh.notifications.tell(notice())
    mesh.notifications.tell(notice())
    assert states(mesh) == [(7, "waiting", "")]
    assert [step(mesh), step(mesh)] == [1, 0]
    mesh.notifications.tell(notice(version=1, title="other"))
    assert step(mesh) == 0
    assert [(method, path) for method, path, _ in discord.said] == [("POST", HOOK + "?wait=true")]
    assert states(mesh) == [(7, "sent", "")]


def test_tell_is_part_of_the_callers_transaction(house, step):
    """What is rolled back was not told."""
    mesh = house()
    with suppress(ZeroDivisionError), mesh.db.write() as connection:
        mesh.notifications.tell(notice(), connection)
        raise ZeroDivisionError
    assert states(mesh) == []
    with mesh.db.write() as connection:
        mesh.notifications.tell(notice(), connection)
    assert step(mesh) == 1


def test_an_incident_is_one_message_that_is_edited(house, discord, step):
    """Its id is kept in the store; closing edits it, and since it was critical a short message says so, too."""
    mesh = house()
    for told in (notice(), notice(version=2, lines=("Cause: the switch.",)), closed()):
        mesh.notifications.tell(told)
        step(mesh)
    assert [(method, path) for method, path, _ in discord.said] == [
        ("POST", HOOK + "?wait=true"), ("PATCH", HOOK + "/messages/1000"),
        ("PATCH", HOOK + "/messages/1000"), ("POST", HOOK + "?wait=true"),
    ]  # fmt: skip
    assert "Cause" in discord.said[1][2]["embeds"][0]["description"]
    assert discord.posts()[1]["content"] == r"Closed after 12 min\: nas01 is unreachable"


def test_a_warning_is_closed_by_an_edit_alone(house, discord, step):
    """Nobody was called because of it."""
    mesh = house()
    mesh.notifications.tell(notice(severity="warning"))
    step(mesh)
    mesh.notifications.tell(closed(severity="warning"))
    step(mesh)
    assert [method for method, _, _ in discord.said] == ["POST", "PATCH"]
    assert "Closed" in discord.said[1][2]["embeds"][0]["title"]


def test_what_becomes_critical_is_a_new_message_too(house, discord, step):
    """An edit makes no sound."""
    mesh = house()
    mesh.notifications.tell(notice(severity="warning"))
    step(mesh)
    mesh.notifications.tell(notice(version=2))
    step(mesh)
    assert [body.get("content") for body in discord.posts()] == [None, r"Critical\: nas01 is unreachable"]


def test_a_newer_state_replaces_what_was_not_sent(house, discord, step):
    """An endpoint that was away for an hour gets one message of an incident, the last; closing is told in any case."""
    mesh = house()
    for version in range(1, 50):
        mesh.notifications.tell(notice(version=version))
    mesh.notifications.tell(closed(version=50))
    assert step(mesh) == 1
    assert "Closed" in discord.posts()[0]["embeds"][0]["title"]
    assert len(discord.requests) == 1


def test_a_message_that_somebody_deleted_is_made_anew(house, discord, step):
    """404 for an edit means that message, not the webhook."""
    mesh = house()
    mesh.notifications.tell(notice())
    step(mesh)
    discord.messages.clear()
    discord.messages["999"] = 1
    mesh.notifications.tell(notice(version=2))
    assert step(mesh) == 1
    mesh.notifications.tell(notice(version=3))
    assert step(mesh) == 1
    assert [method for method, _, _ in discord.said] == ["POST", "PATCH", "POST", "PATCH"]
    assert mesh.notifications.troubles()[0].state == "ok"


def test_429_is_obeyed(house, discord, step, clock):
    """To the second that its body says; nothing is asked before, and it is no fault."""
    mesh = house()
    discord.answers = [always(429, {"message": "You are being rate limited.", "retry_after": 64.5, "global": False})]
    mesh.notifications.tell(notice())
    mesh.notifications.tell(notice(8))
    step(mesh)
    clock.advance(64)
    assert step(mesh) == 0
    assert len(discord.requests) == 1
    clock.advance(1)
    assert step(mesh) == 2


@pytest.mark.parametrize("said", ["soon", -3, None, 1e400, [], "NaN"])
def test_429_with_nonsense_is_an_ordinary_failure(house, discord, step, clock, said):
    """It is tried again after the usual pause."""
    mesh = house()
    discord.answers = [always(429, {"retry_after": said}, Retry_After="Thu, 01 Jan 2026 00:00:00 GMT")]
    mesh.notifications.tell(notice())
    assert step(mesh) == 0
    clock.advance(301)
    assert step(mesh) == 1


def test_500_is_tried_again_with_pauses_over_a_restart(house, discord, step, clock, tmp_path):
    """Until 2xx; the pauses double up to five minutes, and a new process tries at once."""
    mesh = house()
    mesh.notifications._paces["team"] = Pace(10, chance=lambda: 1.0)
    discord.answers = [always(500)] * 12
    mesh.notifications.tell(notice())
    tries, past = [], 0
    for second in sorted(
        {0, 1, 2, 3, 6, 7, 14, 15, 30, 31, 62, 63, 126, 127, 254, 255, 510, 511, 810, 811, 1110, 1111}
    ):
        clock.advance(second - past)
        past, before = second, len(discord.requests)
        step(mesh)
        tries += [second] * (len(discord.requests) - before)
    assert tries == [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811, 1111]
    assert states(mesh) == [(7, "failing", "127.0.0.1 answered 500")]
    [trouble] = mesh.notifications.troubles()
    assert (trouble.state, trouble.waiting) == ("degraded", 1)
    mesh.close()
    assert step(house()) == 1


def test_a_webhook_that_is_gone_rests_for_an_hour(house, discord, step, clock):
    """Nothing is asked meanwhile (10,000 bad requests in ten minutes ban an address); health tells, but no secret."""
    mesh = house()
    discord.answers = [always(404, {"message": "Unknown Webhook", "code": 10015})] * 2
    for number in range(5):
        mesh.notifications.tell(notice(number))
    for _ in range(59):
        step(mesh)
        clock.advance(60)
    assert len(discord.requests) == 1
    reason = mesh.notifications.troubles()[0].reason
    assert "404 (Unknown Webhook)" in reason
    assert "geheim" not in reason
    clock.advance(60)
    step(mesh)
    clock.advance(3600)
    assert len(discord.requests) == 2
    assert step(mesh) == 5


def test_a_message_that_is_refused_does_not_stop_the_others(house, discord, step, clock):
    """A 400 is about that message: it comes again in an hour."""
    mesh = house()
    discord.answers = [always(400)]
    mesh.notifications.tell(notice(1))
    mesh.notifications.tell(notice(2))
    step(mesh)
    assert step(mesh) == 1
    assert [state for _, state, _ in states(mesh)] == ["failing", "sent"]
    clock.advance(3601)
    assert step(mesh) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"id": 5}', b'{"id": "../x"}', b"[" * 90_000])
def test_200_with_a_wrong_body_was_taken(house, discord, step, body):
    """It is not sent again; the next change is a new message, since no id is known."""
    mesh = house()
    discord.answers = [always(200, body)]
    mesh.notifications.tell(notice())
    assert [step(mesh), step(mesh)] == [1, 0]
    mesh.notifications.tell(closed())
    step(mesh)
    assert [method for method, _, _ in discord.said] == ["POST", "POST"]


@pytest.mark.parametrize("most", [300, pytest.param(10_000, marks=pytest.mark.soak)])
def test_a_storm_stays_bounded(house, discord, step, clock, most):
    """Thousands of incidents at once: ten messages in a minute, the last a summary of the rest; then silence."""
    mesh = house()
    with mesh.db.write() as connection:
        for number in range(1, most + 1):
            mesh.notifications.tell(
                notice(number, severity="critical" if number > most - 10 else "warning"), connection
            )
    step(mesh)
    assert len(discord.requests) == 10
    titles = [body["embeds"][0]["title"] for body in discord.posts()]
    assert titles == [r"Critical\: nas01 is unreachable"] * 9 + [rf"Many at once\: {most - 9:,} incidents"]
    told = discord.posts()[9]["embeds"][0]
    assert f"1 critical, {most - 10:,} warning" in told["description"]
    with mesh.db.write() as connection:
        for number in range(1, most + 1):
            mesh.notifications.tell(notice(number, 2, severity="warning"), connection)
    for _ in range(12):
        step(mesh)
        clock.advance(5)
    assert len(discord.requests) == 10
    edited = []
    for _ in range(3):
        edited.append(step(mesh))
        clock.advance(60)
    assert edited == [5, 4, 0], "the nine that have a message are edited, the others said nothing new"


def test_edits_do_not_delay_what_people_must_notice(house, discord, step, clock):
    """However often an incident changes, half of the minute's messages are left for a new one."""
    mesh = house()
    mesh.notifications.tell(notice(1))
    for version in range(2, 40):
        step(mesh)
        clock.advance(1)
        mesh.notifications.tell(notice(1, version))
    assert len(discord.requests) == 5
    mesh.notifications.tell(notice(2, severity="warning"))
    assert step(mesh) == 1
    assert discord.posts()[1]["embeds"][0]["title"].startswith("Warning")


def test_one_channel_that_is_away_delays_itself_alone(house, make_mesh, discord, step):
    """The other one gets its message in the same step."""
    gone = {"kind": "discord", "url": "https://discord.com/api/webhooks/2/b"}
    mesh = house(channels={"away": gone, "team": {"kind": "discord", "url": f"https://discord.com{HOOK}"}})
    aim(mesh, "away", discord)
    discord.answers = [always(503)]
    mesh.notifications.tell(notice())
    assert step(mesh) == 1


def test_rows_of_old_incidents_are_dropped(house, step, clock):
    """Thirty days after their last change."""
    mesh = house()
    mesh.notifications.tell(notice())
    step(mesh)
    clock.advance(30 * 86_400 + 1)
    step(mesh)
    assert states(mesh) == []


def test_the_short_message_behind_an_edit_is_not_lost(house, discord, step, clock):
    """Where Discord takes the edit and not the message, both come again: an edit twice is the same."""
    mesh = house()
    mesh.notifications.tell(notice())
    step(mesh)
    mesh.notifications.tell(closed())
    discord.answers = [always(200, {"id": "1000"}), always(502)]
    assert step(mesh) == 0
    clock.advance(301)
    assert step(mesh) == 1
    assert [method for method, _, _ in discord.said] == ["POST", "PATCH", "POST", "PATCH", "POST"]


def test_a_test_that_works_ends_the_rest(house, discord, step):
    """A person who put the webhook right in Discord need not wait for an hour, nor restart."""
    mesh = house()
    mesh.notifications.tell(notice())
    discord.answers = [always(401)] * 2
    assert step(mesh) == 0
    with pytest.raises(Unavailable, match=r"did not arrive: 127\.0\.0\.1 answered 401") as told:
        mesh.notifications.test("team")
    assert "Correct the channel" in told.value.hint
    assert step(mesh) == 0
    assert mesh.notifications.test("team").answer == "Discord answered 200, message 1000"
    assert step(mesh) == 1
    with pytest.raises(NotFound):
        mesh.notifications.test("nobody")
