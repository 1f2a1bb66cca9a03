"""Every page opens, shows what the store holds, and fits a phone as it fits a desk."""

from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hostile_lines import NODE, SERVICE
from ui_server import PHONE, WIDE

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGES = {
    "overview": ("/ui/", "smartd"),
    "logs": ("/ui/logs", "lines"),
    "logs-all": ("/ui/logs?since=all&priority=err&service=nginx", "Connection refused"),
    "templates": ("/ui/templates", "Accepted publickey"),
    "templates-found": ("/ui/templates?q=disk+is+dying", "Currently unreadable"),
    "template": ("/ui/templates/f1", "Examples"),
    "search": ("/ui/search", "can be found by words and by meaning"),
    "search-found": ("/ui/search?q=disk+is+dying", "dying ~ unreadable"),
    "nodes": ("/ui/nodes", "nas"),
    "node": ("/ui/nodes?node=nas", "devmesh-shipper 0.1.0"),
    "hostile-node": (f"/ui/nodes?node={quote(NODE)}", NODE),
    "services": ("/ui/services", "smartd"),
    "service": ("/ui/services?service=nginx", "Warnings and worse"),
    "hostile-service": (f"/ui/services?service={quote(SERVICE)}", SERVICE),
    "health": ("/ui/health", "retention_days"),
    "nothing": ("/ui/templates/f999999", "There is no family f999999"),
    "nonsense": ("/ui/logs?since=yesteryear", "is no time that can be read"),
}


def fits(page: Page) -> bool:
    """Whether nothing reaches beyond the right edge."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_with_real_data(open_page, name):
    """Without an error in the console, a request that failed or one that left for another origin; wide and dark."""
    path, shown = PAGES[name]
    page = open_page(path)
    page.wait_for_function("text => document.querySelector('.content').innerText.includes(text)", arg=shown)
    assert fits(page)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 17, 20)"
    page.set_viewport_size(PHONE)
    page.wait_for_function("innerWidth === 390")
    assert fits(page), "too wide for a phone"


def test_it_is_light_by_choice(open_page):
    """And stays so on the next page."""
    page = open_page("/ui/", size=WIDE)
    page.get_by_label("Light colours").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.goto(page.url + "nodes")
    page.wait_for_selector(".content table")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_the_first_address_leads_to_the_pages(open_page):
    """`/` is where people arrive."""
    page = open_page("/")
    assert page.url.endswith("/ui/")


def test_keys_lead_everywhere(open_page):
    """`g` and a letter to each page, `/` to the first field, `?` to the keys."""
    page = open_page("/ui/")
    for letter, place in {
        "i": "incidents",
        "d": "detectors",
        "l": "logs",
        "t": "templates",
        "n": "nodes",
        "v": "services",
        "g": "graph",
        "h": "health",
        "s": "search",
    }.items():
        page.keyboard.press("g")
        page.keyboard.press(letter)
        page.wait_for_url(f"**/ui/{place}")
        page.wait_for_selector(".content")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    assert page.locator("dialog.keys").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("oom\n")
    page.wait_for_url("**/ui/search?q=oom")


def test_a_stretch_of_time_can_be_chosen(open_page):
    """On the overview, by dragging over the bars; the address says it."""
    page = open_page("/ui/")
    box = page.locator(".bars svg").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 40)
    page.mouse.up()
    page.wait_for_url("**/ui/?since=*&until=*")
    page.wait_for_selector(".bars")


def test_people_write_what_a_template_means(open_page):
    """A label and a note, kept with the family."""
    page = open_page("/ui/templates/f2")
    page.get_by_label("Label").fill("harmless")
    page.get_by_label("Note").fill("since the move <b>of March</b>")
    page.get_by_role("button", name="Save").click()
    page.wait_for_selector("text=Saved")
    page.reload()
    page.wait_for_selector("h1 >> text=harmless")
    assert page.get_by_label("Note").input_value() == "since the move <b>of March</b>"


def test_a_template_is_split_off_and_merged_again(open_page, ui_url):
    """From its own page; the way leads to the family as it is afterwards."""
    with urllib.request.urlopen(f"{ui_url}/templates?service=dockerd&service=systemd", timeout=10) as answer:  # noqa: S310
        family = next(one["id"] for one in json.load(answer)["templates"] if one["templates"] > 2)
    page = open_page(f"/ui/templates/{family}", dialogs=True)
    page.locator("h2 >> text=Members").wait_for()
    page.locator(".rows a").last.click()
    page.get_by_role("button", name="Split off").click()
    page.wait_for_url(lambda url: "/templates/f" in url and not url.endswith(family))
    page.get_by_label("Merge into family").fill(family)
    page.get_by_role("button", name="Merge into it").click()
    page.wait_for_url(f"**/ui/templates/{family}")


def test_a_token_is_made_shown_once_and_revoked(open_page):
    """Its secret is gone with the next look; who made and revoked it stays."""
    page = open_page("/ui/health", dialogs=True)
    page.get_by_label("Name of the node").fill("new-node")
    page.get_by_role("button", name="Make a token").click()
    secret = page.locator(".secret code").inner_text()
    assert secret.startswith("dm_")
    page.reload()
    page.wait_for_selector("text=made token 1 (node new-node)")
    assert secret not in page.content()
    page.get_by_role("button", name="Revoke").click()
    page.wait_for_selector("text=There is none.")
    page.wait_for_selector("text=revoked token 1")
    assert page.locator("td >> text=this machine").count() >= 2
