"""By keys alone: whatever can be done on a page is reached with Tab and seen when it is; addresses say every filter."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from test_ui_pages import PAGES

TABS = 250
# What can be used: seen, and not switched off. Each notes when it got the focus, and whether one saw it.
WATCH = """() => document.addEventListener('focusin', ({target}) => {
  const shown = one => { const {outlineStyle, outlineWidth} = getComputedStyle(one);
    return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2; };
  target.dataset.seen = shown(target) || [...target.querySelectorAll('.chosen')].some(shown); })"""
LEFT = """() => [...document.querySelectorAll('a[href], button, input, select, textarea, [tabindex="0"]')]
  .filter(one => one.checkVisibility({visibilityProperty: true}) && !one.disabled && one.dataset.seen !== 'true')
  .map(one => `${one.outerHTML.slice(0, 120)} ${one.dataset.seen ?? 'not reached'}`)"""


@pytest.mark.parametrize(
    "name", ["overview", "logs-all", "templates-found", "template", "search-found", "node", "health"]
)
def test_everything_on_a_page_is_reached_by_tab(open_page, name):
    """Every link, button, field and list, with a ring around what has the focus."""
    path, shown = PAGES[name]
    page = open_page(path)
    page.wait_for_function("text => document.querySelector('.content').innerText.includes(text)", arg=shown)
    page.evaluate("document.activeElement.blur()")
    page.evaluate(WATCH)
    left = ["nothing was tried"]
    for _turn in range(TABS // 50):
        for _press in range(50):
            page.keyboard.press("Tab")
        left = page.evaluate(LEFT)
        if not left:
            break
    assert left == []


def test_the_list_moves_by_arrows(open_page):
    """From its place in the order of Tab: down, up, a screen, open."""
    page = open_page("/ui/logs?since=all&service=sshd")
    page.wait_for_selector(".lines li .message")
    page.get_by_role("listbox").focus()
    chosen = "document.querySelector('.lines li.chosen')?.id"
    assert page.evaluate(chosen) == "line-0"
    for key, place in (("ArrowDown", "line-1"), ("ArrowDown", "line-2"), ("ArrowUp", "line-1"), ("Home", "line-0")):
        page.keyboard.press(key)
        page.wait_for_function(f"place => {chosen} === place", arg=place)
    page.keyboard.press("PageDown")
    page.wait_for_function(f"() => Number({chosen}.slice(5)) > 10")
    page.keyboard.press("Enter")
    page.wait_for_selector(".near li.here")
    assert "line" in parse_qs(urlsplit(page.url).query)


def value(label):
    """What the field with this label says."""
    return f"document.querySelector('[aria-label=\"{label}\"]').value"


CHIPS = "[...document.querySelectorAll('.chip')].map(one => one.innerText.replace(' \\u00d7', '')).join()"
CURRENT = "document.querySelector('.ranges [aria-current]').innerText"
# Addresses, and what a page that was opened by them says.
RESTORED = {
    "/ui/?since=7d": (CURRENT, "7 d"),
    "/ui/?since=1h": (CURRENT, "1 h"),
    "/ui/logs?since=6h": (value("Time"), "6h"),
    "/ui/logs?priority=warning": (value("Priority"), "warning"),
    "/ui/logs?contains=refused": (value("Words in the line"), "refused"),
    "/ui/logs?regex=a%2Bb": (value("Regular expression"), "a+b"),
    "/ui/logs?node=nas&node=web&service=sshd": (CHIPS, "node nas,node web,service sshd"),
    "/ui/logs?template=f1&without=f2": (CHIPS, "template f1,not f2"),
    "/ui/logs?since=1700000000000000&until=1700003600000000": (f"{CHIPS}.includes(' to ')", True),
    "/ui/templates?q=disk": (value("Words or meaning"), "disk"),
    "/ui/templates?sort=rate": (value("Order"), "rate"),
    "/ui/templates?service=nginx&service=sshd": (CHIPS, "service nginx,service sshd"),
    "/ui/templates/f1?span=month": (CURRENT, "30 d"),
    "/ui/search?q=disk+is+dying": (value("Question"), "disk is dying"),
    "/ui/nodes?node=nas": ("document.querySelector('h1').innerText.split(' ')[0]", "nas"),
    "/ui/services?service=nginx": ("document.querySelector('h1').innerText", "nginx"),
}  # fmt: skip


def test_an_address_restores_what_it_says(open_page, ui_url):
    """Every filter of every page."""
    page = open_page("/ui/")
    for address, (found, said) in RESTORED.items():
        page.goto(f"{ui_url}{address}")
        page.wait_for_selector(".content")
        assert page.evaluate(found) == said, address


def test_what_is_chosen_stands_in_the_address(open_page):
    """On the catalogue: a question, a service, an order; its chip takes the service away, the way back brings it."""
    page = open_page("/ui/templates")
    page.get_by_label("Order").select_option("new")
    page.wait_for_url("**/ui/templates?sort=new")
    page.get_by_label("Service").fill("nginx")
    page.keyboard.press("Enter")
    page.wait_for_url("**sort=new&service=nginx")
    page.wait_for_function("[...document.querySelectorAll('.families .who')].every(one => /nginx/.test(one.innerText))")
    page.locator(".chip").press("Enter")
    page.wait_for_url("**/ui/templates?sort=new")
    page.go_back()
    page.wait_for_url("**sort=new&service=nginx")
    page.wait_for_selector(".chip")
    page.get_by_label("Words or meaning").fill("upstream")
    page.keyboard.press("Enter")
    page.wait_for_url("**/ui/templates?q=upstream&sort=new&service=nginx")
    page.wait_for_selector(".families .why")
