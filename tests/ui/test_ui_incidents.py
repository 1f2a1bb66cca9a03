"""Incidents and detectors: what is wrong stands first, is explained, and is dealt with by keys alone."""

from __future__ import annotations

import pytest
from incident_store import EVIL
from test_ui_hostile import untouched
from test_ui_keys import CHIPS, LEFT, WATCH
from test_ui_pages import fits
from ui_server import PHONE

FIRST = "/ui/incidents/1"
DISK = "postgres on db1"
SEEN = "document.querySelector('.content').innerText.includes(text)"


@pytest.fixture(scope="module")
def ui_url(incident_url):
    """What was wrong ten minutes ago."""
    return incident_url


def says(page, text):
    """Wait until the page shows it."""
    page.wait_for_function(f"text => {SEEN}", arg=text)


def test_what_is_wrong_stands_first(open_page):
    """On the overview, in the list and in the bar: how bad in words, where, whom to suspect; each leads there."""
    page = open_page("/ui/", size=PHONE)
    says(page, "Wrong now")
    row = page.locator(".incidents a").first
    for word in ("critical", "postgres", "db1", "told"):
        assert word in row.inner_text()
    assert page.locator(".bar .open").inner_text() == "1"
    page.keyboard.press("g")
    page.keyboard.press("i")
    page.wait_for_url("**/ui/incidents")
    assert page.locator(".incidents a").first.get_attribute("href") == FIRST
    untouched(page)
    assert fits(page)


def test_an_incident_says_what_where_since_when_and_why(open_page):
    """On a phone in the light: suspects with reasons, bars, findings; hostile lines stand there as text."""
    page = open_page(FIRST, size=PHONE, light=True)
    for text in ("critical", DISK, "written without a model", "What was found", "No space left on device", "\\u202e"):
        says(page, text)
    assert page.locator(".suspects .pro").count()
    assert page.locator(".timeline .flag.finding").count()
    assert page.locator(".timeline .blind").count() == 1
    says(page, "it could not reach this server")
    untouched(page)
    assert fits(page)
    page.locator(".found a").first.click()
    page.wait_for_url("**/ui/logs?*")
    page.wait_for_selector(".lines li .message")
    assert "No space left on device" in page.locator(".lines").inner_text()


def test_everything_about_an_incident_is_reached_by_tab(open_page):
    """As on the other pages."""
    for path in (FIRST, "/ui/detectors"):
        page = open_page(path)
        page.wait_for_selector(".content section")
        page.evaluate("document.activeElement.blur()")
        page.evaluate(WATCH)
        for _press in range(120):
            page.keyboard.press("Tab")
        assert page.evaluate(LEFT) == []


def test_people_look_into_it_vote_write_close_and_reopen(open_page, ui_url):
    """Each stands in its history with who did it; a closed one is in the list of closed ones."""
    page = open_page(FIRST)
    page.get_by_role("button", name="I look into it").press("Enter")
    says(page, "somebody looks into it")
    page.get_by_role("button", name="Real", exact=True).press("Enter")
    page.get_by_role("button", name="Real 1").wait_for()
    page.get_by_label("Note").fill(f"the archive was full\n{EVIL}")
    page.get_by_role("button", name="Add the note").press("Enter")
    says(page, "the archive was full")
    page.get_by_role("button", name="Close", exact=True).press("Enter")
    page.get_by_role("button", name="Reopen").wait_for()
    assert "this machine" in page.locator(".history").inner_text()
    untouched(page)
    page.goto(f"{ui_url}/ui/incidents?status=closed")
    assert page.locator(".incidents a").first.get_attribute("href") == FIRST
    page.goto(f"{ui_url}/ui/incidents")
    says(page, "Nothing is wrong that I can see")
    page.goto(ui_url + FIRST)
    page.get_by_role("button", name="Reopen").press("Enter")
    page.get_by_role("button", name="I look into it").wait_for()


def test_a_line_is_muted_and_heard_again(open_page, ui_url):
    """With a reason, a time and a cap, from the incident; ended on the page of detectors."""
    page = open_page(FIRST)
    page.get_by_role("button", name="Mute").press("Enter")
    page.get_by_label("At most, in an hour").fill("40")
    page.get_by_label("Why").fill(f"known {EVIL}")
    page.keyboard.press("Enter")
    page.locator("dialog[open]").wait_for(state="detached")
    page.goto(f"{ui_url}/ui/detectors")
    says(page, "while at most 40 an hour")
    untouched(page)
    page.get_by_role("button", name="End the mute of").press("Enter")
    says(page, "over")


def test_findings_are_split_off_and_brought_back(open_page):
    """The chosen ones become an incident of their own; merged, its address leads back."""
    page = open_page(FIRST)
    page.get_by_role("button", name="Split").press("Enter")
    page.locator(".found input").last.press("Space")
    page.get_by_role("button", name="an incident of their own").press("Enter")
    page.wait_for_url(lambda url: not url.endswith(FIRST))
    apart = page.url
    page.get_by_role("button", name="Merge…").press("Enter")
    page.get_by_label("Into").select_option(FIRST.rpartition("/")[2])
    page.get_by_role("button", name="Merge", exact=True).press("Enter")
    page.wait_for_url(f"**{FIRST}")
    page.goto(apart)
    page.get_by_role("link", name="incident 1", exact=True).wait_for()
    assert page.locator(".deeds").count() == 0


def test_maintenance_begins_and_ends(open_page):
    """From the page of detectors."""
    page = open_page("/ui/detectors", size=PHONE)
    page.get_by_label("Nodes", exact=True).fill("db1, web")
    page.get_by_label("Why").fill("kernel update")
    page.get_by_role("button", name="Begin").press("Enter")
    page.get_by_role("button", name="End the maintenance of db1, web").press("Enter")
    says(page, "· over")
    assert fits(page)


def test_another_setting_is_tried_on_the_past(open_page):
    """What would have been told if it learned for an hour, beside what was told; by keys alone; the address keeps what
    was asked; what to set for it.
    """
    page = open_page("/ui/detectors?since=7d&learn=1", size=PHONE)
    says(page, "1 → 1 message.")
    says(page, "The same ones, at the same times")
    assert "postgres" in page.locator(".incidents a").first.inner_text()
    for name in ("primitive", "new"):
        page.get_by_label(name, exact=True).press("Space")
    slider = page.get_by_label("Tell from")
    slider.press("End")
    says(page, "1 → 0 messages")
    says(page, "Would miss incident 1")
    says(page, 'DEVMESH_LEARN_HOURS=1 DEVMESH_TELL_FROM=6 DEVMESH_DETECTORS_OFF="new, primitive"')
    assert "off=primitive%2Cnew" in page.url
    assert fits(page)
    page.get_by_label("Learn", exact=True).select_option("168")
    page.get_by_role("button", name="What would have been told?").press("Enter")
    says(page, "All of it would have been learning")
    assert "learn=168" in page.url


def test_the_list_restores_what_its_address_says(open_page, ui_url):
    """Every filter; what is chosen stands in the address; what cannot be read is told."""
    page = open_page("/ui/incidents?status=all&severity=warning&service=api&node=web&since=7d&thin=true")
    values = [page.get_by_label(name, exact=True).input_value() for name in ("Status", "Severity", "Since")]
    assert values == ["all", "warning", "7d"]
    assert page.evaluate(CHIPS) == "service api,node web"
    assert page.get_by_label("thin ones, too").is_checked()
    page.get_by_label("Severity").select_option("critical")
    page.wait_for_url("**severity=critical*")
    page.locator(".chip").first.press("Enter")
    page.wait_for_url(lambda url: "service=" not in url)
    for place, told in {"/x": "There is no such incident", "?since=yesteryear": "no time that can be read"}.items():
        page.goto(f"{ui_url}/ui/incidents{place}")
        says(page, told)


def test_what_proved_wrong_is_struck_through(open_page):
    """In statements of a report, with the truth beside it; every value leads to what it was counted from."""
    page = open_page("/ui/incidents")
    about = {"node": "db1", "service": "", "since_us": 1, "until_us": 2}
    parts = page.evaluate(
        """async fact => { const {default: claim} = await import('devmesh/claim.js');
        return claim.computed.parts.call({fact}).map(part => [part.text, part.wrong ?? false, part.href ?? '']); }""",
        {
            "form": "{0} said {1} times ~~now~~",
            "claims": [
                {"metric": "node", "shown": "db1", "holds": True, "truth": "db1", "cites": ["5-7"], **about},
                {"metric": "events", "shown": "41", "holds": False, "truth": 12, "cites": ["f3"], **about},
            ],
        },
    )
    assert parts == [
        ["db1", False, "/ui/logs?since=-299999995&until=300000005&line=5-7"],
        [" said ", False, ""],
        ["41", True, ""],
        [" ", False, ""],
        ["12", False, "/ui/logs?template=f3&node=db1&since=1&until=2"],
        [" times ~~now~~", False, ""],
    ]
