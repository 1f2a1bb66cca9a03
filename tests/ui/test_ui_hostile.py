"""Text from logs is data: whatever a line says, the page shows it and does nothing."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote

from hostile_lines import CORPUS, HOSTILE, NODE, PAYLOADS, SERVICE
from ui_server import PHONE

from devmesh.safe import _UNSEEN

WHERE = f"since=all&service={quote(SERVICE)}"
# What a screen obeys or hides: none of it may reach the page.
OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufe0f\u3164\uffa0\U000e0041\U000e0042]"
)


def untouched(page):
    """Nothing ran, nothing was added that a line asked for."""
    assert page.evaluate("window.pwned") is None
    assert (
        page.evaluate(
            "document.querySelectorAll('.content :is(script, iframe, img, link, style, meta, object)').length"
        )
        == 0
    )
    inside = "[...document.querySelectorAll('*')].some(one => [...one.attributes].some(a => /^on/.test(a.name)))"
    assert not page.evaluate(inside)
    assert not OBEYED.search(page.evaluate("document.body.innerText"))


def test_hostile_lines_do_nothing_in_the_list(open_page):
    """Every one is there as text, one line high, within the page."""
    for size in ({"width": 1280, "height": 800}, PHONE):
        page = open_page(f"/ui/logs?{WHERE}", size=size)
        page.wait_for_selector(".lines li .message")
        assert page.locator(".lines li .message").count() == len(HOSTILE)
        untouched(page)
        text = page.locator(".lines").inner_text()
        assert "<script>window.pwned = 1</script>" in text
        assert "{{ window.pwned = 8 }}" in text
        assert "\\x1b[31mred" in text
        assert "\\u202eot tfel" in text
        heights = page.evaluate(
            "[...document.querySelectorAll('.lines li')].map(one => one.getBoundingClientRect().height)"
        )
        assert len(set(heights)) == 1
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_hostile_lines_do_nothing_when_they_are_opened(open_page):
    """In full, with their fields, their template and their neighbours."""
    page = open_page(f"/ui/logs?{WHERE}")
    rows = page.locator(".lines li .message")
    page.wait_for_selector(".lines li .message")
    for number in range(0, len(HOSTILE), 2):
        rows.nth(number).click()
        page.wait_for_selector(".near li.here")
        page.wait_for_selector(".line .template")
        untouched(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_hostile_lines_do_nothing_on_the_other_pages(open_page, ui_url):
    """Templates, one template, search, node, service, overview: their texts and names stand there, too."""
    page = open_page("/ui/")
    page.wait_for_selector(".rows li")
    untouched(page)
    for path in (
        f"/ui/templates?service={quote(SERVICE)}", "/ui/search?q=window.pwned+script", f"/ui/nodes?node={quote(NODE)}",
        f"/ui/services?service={quote(SERVICE)}", "/ui/nodes", "/ui/services",
    ):  # fmt: skip
        page.goto(ui_url + path)
        page.wait_for_selector(".rows li, .sheet tr")
        untouched(page)
    page.goto(f"{ui_url}/ui/templates?service={quote(SERVICE)}")
    page.wait_for_selector(".rows li")
    for address in page.evaluate("[...document.querySelectorAll('.rows a')].map(one => one.pathname)")[:6]:
        page.goto(ui_url + address)
        page.wait_for_selector(".examples li")
        untouched(page)


def test_pages_show_what_the_command_line_shows(open_page):
    """Of all characters: what a terminal obeys or hides becomes visible in the browser as well (T7)."""
    page = open_page("/ui/health")
    obeyed = {at for at in range(0x110000) if unicodedata.category(chr(at)) in {"Cc", "Cf", "Zl", "Zp"}}
    hidden = obeyed | set(map(ord, _UNSEEN)) | {0xE000, 0xF8FF, 0xF0000, 0x10FFFD}  # private use: its ends
    shown = set(map(ord, "aä<&>'\"אم日♥"))
    unchanged = page.evaluate(
        """async points => { const {safe} = await import('devmesh/text.js');
        return points.filter(at => safe(String.fromCodePoint(at)) === String.fromCodePoint(at)); }""",
        sorted(hidden | shown),
    )
    assert set(unchanged) == shown


def test_two_hundred_payloads_do_nothing(open_page):
    """Stored as any line is, looked at in the list from the first to the last, as templates, and found."""
    page = open_page(f"/ui/logs?since=all&service={CORPUS}")
    page.wait_for_function("n => document.querySelector('.status b')?.innerText === n", arg=str(len(PAYLOADS)))
    seen = set()
    for place in range(0, len(PAYLOADS), 40):
        page.evaluate("place => scrollTo(0, 200 + place * 22)", place)
        page.wait_for_function("id => document.getElementById(id)", arg=f"line-{min(place + 39, len(PAYLOADS) - 1)}")
        seen |= set(page.locator(".lines li .message").all_inner_texts())
        untouched(page)
    assert len(PAYLOADS) == len(seen) == 200
    for path in (f"/ui/templates?service={CORPUS}", "/ui/search?q=onerror+autofocus+javascript", "/ui/"):
        page.goto(page.url.split("/ui/")[0] + path)
        page.wait_for_selector(".rows li")
        untouched(page)


def test_a_hostile_address_does_nothing(open_page):
    """What a link says is data as well."""
    evil = quote("</script><script>window.pwned=1</script>{{window.pwned=2}}`${window.pwned=3}`")
    for path in (
        f"/ui/logs?contains={evil}&node={evil}",
        f"/ui/search?q={evil}",
        f"/ui/templates?q={evil}&service={evil}",
    ):
        page = open_page(path)
        untouched(page)


def test_the_policy_lets_nothing_in(browser, ui_url):
    """A script that was written into a page does not run; the policy names no origin but this one."""
    page = browser.new_page()
    page.goto(f"{ui_url}/ui/")
    policy = page.request.get(f"{ui_url}/ui/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]
    ran = page.evaluate(
        """() => { const one = document.createElement('script'); one.textContent = 'window.pwned = 1';
        document.body.append(one); const two = document.createElement('div'); two.innerHTML =
        '<button id=evil onclick="window.pwned = 2"></button>'; document.body.append(two);
        two.firstChild.click(); return window.pwned ?? null }"""
    )
    assert ran is None
    page.close()
