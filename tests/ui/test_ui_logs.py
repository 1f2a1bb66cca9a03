"""The page of lines: what is asked stands in the address, the list has no end, the tail is live."""

from __future__ import annotations

import json
import urllib.request
from urllib.parse import parse_qs, urlsplit

from ui_server import PHONE

from processes import free_port, serving

ROWS = ".lines li .message"


def asked(page):
    """The filters in the address."""
    return parse_qs(urlsplit(page.url).query)


def total(page):
    """The number of lines that the page tells."""
    page.wait_for_selector(".status b")
    return int(page.locator(".status b").inner_text().replace(",", ""))


def counted(ui_url, query):
    """The same by the HTTP API."""
    with urllib.request.urlopen(f"{ui_url}/logs/histogram?{query}", timeout=10) as answer:  # noqa: S310 - our own
        return json.load(answer)["total"]


def send(ui_url, *texts):
    """Let a node say something now."""
    body = b"".join(json.dumps({"node": "nas", "service": "live", "message": text}).encode() + b"\n" for text in texts)
    urllib.request.urlopen(urllib.request.Request(f"{ui_url}/ingest", body, method="POST"), timeout=10).close()  # noqa: S310


def test_filters_change_the_address_and_the_address_restores_them(open_page, ui_url):
    """Priority, time, words, a node and a service; the way back undoes the last one."""
    page = open_page("/ui/logs")
    page.get_by_label("Priority").select_option("err")
    page.wait_for_url("**priority=err*")
    page.get_by_label("Time", exact=True).select_option("all")
    page.get_by_label("Service").fill("nginx")
    page.keyboard.press("Enter")
    page.get_by_label("Node").fill("web")
    page.keyboard.press("Enter")
    page.get_by_label("Words in the line").fill("REFUSED")
    page.keyboard.press("Enter")
    page.wait_for_url("**contains=REFUSED*")
    said = {"priority": ["err"], "since": ["all"], "service": ["nginx"], "node": ["web"], "contains": ["REFUSED"]}
    assert asked(page) == said
    there = counted(ui_url, "priority=err&service=nginx&node=web&contains=REFUSED")
    page.wait_for_function("n => document.querySelector('.status b')?.innerText === n", arg=f"{there:,}")
    page.reload()
    page.wait_for_selector(ROWS)
    assert total(page) == there > 0
    assert all("refused" in text.lower() for text in page.locator(ROWS).all_inner_texts())
    assert page.get_by_label("Words in the line").input_value() == "REFUSED"
    assert page.locator(".chip").count() == 2
    page.go_back()
    page.wait_for_url(lambda url: "contains" not in url)
    page.wait_for_function("document.querySelector('.words').value === ''")


def test_an_expression_that_is_none_is_told(open_page):
    """In words, and the page goes on."""
    page = open_page("/ui/logs?regex=a(b")
    page.wait_for_selector("text=The regular expression cannot be used")
    page.get_by_label("Regular expression").fill("Accepted .*ED25519")
    page.keyboard.press("Enter")
    page.wait_for_selector(ROWS)


def test_the_list_has_no_end_and_takes_no_room(open_page):
    """Thousands of lines down and up again: only what is in view is in the page, in order of time, none missing."""
    page = open_page("/ui/logs?since=all&service=sshd")
    page.wait_for_selector(ROWS)
    there = total(page)
    page.evaluate(
        """async there => {
          const list = () => document.querySelector('.lines .all').getBoundingClientRect().height / 22;
          while (list() < Math.min(there, 3000)) {
            scrollTo(0, document.documentElement.scrollHeight);
            await new Promise(requestAnimationFrame);
          }
        }""",
        there,
    )
    page.wait_for_function("document.querySelectorAll('.lines li').length > 10")
    assert page.locator(".lines li").count() < 120
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_function("document.querySelector('.lines ol').style.transform === 'translateY(0px)'")
    times = page.locator(".lines li time").all_inner_texts()
    assert len(times) > 20


def test_a_line_opens_to_its_neighbours_by_keys_alone(open_page):
    """j, Enter, Escape; the address names the line, and opens it again."""
    page = open_page("/ui/logs?since=all&service=smartd")
    page.wait_for_selector(ROWS)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector(".near li.here")
    assert page.locator(".near li").count() > 10
    [line] = asked(page)["line"]
    assert "Currently unreadable" in page.locator(".whole").inner_text()
    page.wait_for_selector(".line .template .hole")
    page.reload()
    page.wait_for_selector(".near li.here")
    assert asked(page)["line"] == [line]
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Escape")
    page.wait_for_selector(".line", state="detached")


def test_a_template_is_left_out_by_a_click_on_its_line(open_page):
    """And the count falls; taken in alone, the list has nothing else."""
    page = open_page("/ui/logs?since=all&service=smartd")
    before = total(page)
    page.locator(ROWS).first.click()
    page.get_by_role("button", name="Leave it out").click()
    page.wait_for_url("**without=f*")
    page.wait_for_function("n => document.querySelector('.status b')?.innerText !== n", arg=f"{before:,}")
    page.go_back()
    page.wait_for_url(lambda url: "without" not in url)
    page.locator(ROWS).first.click()
    page.get_by_role("button", name="Only this template").click()
    page.wait_for_url("**template=f*")
    page.wait_for_function("n => document.querySelector('.status b')?.innerText === n", arg=f"{before:,}")


def test_the_live_tail_shows_what_comes_and_pauses(open_page, ui_url):
    """A line is there a moment after it was sent, and those that came before the tail began; while paused it waits."""
    page = open_page("/ui/logs?service=live")
    send(ui_url, "after the page, before the tail")
    page.get_by_role("button", name="Live", exact=True).click()
    page.get_by_role("button", name="Stop", exact=True).wait_for()
    page.wait_for_selector(f"{ROWS} >> text=after the page, before the tail")
    send(ui_url, "hello")
    page.wait_for_selector(f"{ROWS} >> text=hello")
    page.keyboard.press("p")
    page.get_by_role("button", name="Go on", exact=True).wait_for()
    send(ui_url, "held back")
    page.get_by_role("button", name="Go on (1)", exact=True).wait_for()
    assert page.locator(f"{ROWS} >> text=held back").count() == 0
    page.keyboard.press("p")
    page.wait_for_selector(f"{ROWS} >> text=held back")
    page.reload()
    page.get_by_role("button", name="Stop", exact=True).wait_for()
    send(ui_url, "after the reload")
    page.wait_for_selector(f"{ROWS} >> text=after the reload")


def test_the_tail_outlives_the_server(contexts, tmp_path):
    """The server dies and comes back at its address: the tail goes on, each line is there once, none is missing."""
    port = free_port()
    with serving(tmp_path / "data", port=port, env={"DEVMESH_UI": "true"}) as server:
        page = contexts().new_page()
        page.goto(f"{server.url}/ui/logs?live=1")
        page.get_by_role("button", name="Stop", exact=True).wait_for()
        send(server.url, "before")
        page.wait_for_selector(f"{ROWS} >> text=before")
    with serving(tmp_path / "data", port=port, env={"DEVMESH_UI": "true"}) as server:
        send(server.url, "while away")
        page.wait_for_selector(f"{ROWS} >> text=while away")
        page.get_by_role("button", name="Stop", exact=True).wait_for()
        send(server.url, "afterwards")
        page.wait_for_selector(f"{ROWS} >> text=afterwards")
        assert page.locator(ROWS).all_inner_texts() == ["afterwards", "while away", "before"]
        page.close()


def test_the_result_is_a_file(open_page, ui_url):
    """As NDJSON, every line of it."""
    page = open_page("/ui/logs?since=all&service=smartd")
    there = total(page)
    with page.expect_download() as caught:
        page.get_by_role("button", name="NDJSON").click()
    with open(caught.value.path()) as file:  # noqa: PTH123 - the browser names it
        lines = [json.loads(line) for line in file]
    assert len(lines) == there
    assert {line["service"] for line in lines} == {"smartd"}


def test_a_link_keeps_its_times(open_page, browser):
    """What is copied names instants, not "the last day"."""
    page = open_page("/ui/logs?node=nas", permissions=["clipboard-read", "clipboard-write"])
    total(page)
    page.get_by_role("button", name="Copy link").click()
    page.wait_for_selector("text=link copied")
    copied = parse_qs(urlsplit(page.evaluate("navigator.clipboard.readText()")).query)
    assert copied["node"] == ["nas"]
    assert int(copied["since"][0]) < int(copied["until"][0])


def test_on_a_phone_a_line_covers_the_page_and_closes(open_page):
    """And the filters fold."""
    page = open_page("/ui/logs?since=all", size=PHONE)
    assert not page.get_by_label("Regular expression").is_visible()
    page.get_by_role("button", name="Filters").click()
    assert page.get_by_label("Regular expression").is_visible()
    page.locator(ROWS).first.click()
    page.wait_for_selector(".near li.here")
    page.get_by_label("Close").click()
    page.wait_for_selector(".line", state="detached")


def test_a_stretch_of_time_is_chosen_by_keys(open_page):
    """Arrows on the bars, with Shift to choose, Enter; the address says it, its chip takes it away again."""
    page = open_page("/ui/logs?service=sshd")
    before = total(page)
    page.get_by_role("slider").focus()
    for key in ("ArrowLeft", "ArrowLeft", "Shift+ArrowLeft", "Shift+ArrowLeft", "Shift+ArrowLeft", "Enter"):
        page.keyboard.press(key)
    page.wait_for_url("**until=*")
    said = asked(page)
    assert int(said["until"][0]) - int(said["since"][0]) == 4 * 15 * 60_000_000  # quarters of an hour
    page.wait_for_function("n => document.querySelector('.status b')?.innerText !== n", arg=f"{before:,}")
    assert 0 < total(page) < before
    page.locator(".chip").first.click()
    page.wait_for_url(lambda url: "until" not in url)
