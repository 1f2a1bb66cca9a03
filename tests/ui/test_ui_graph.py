"""The graph: who needs whom, seen and read; one service in full; what fails with it; the graph part of an incident."""

from __future__ import annotations

from urllib.parse import parse_qs, quote, urlsplit

import pytest
from incident_store import BAD, BAD_ALIAS, BAD_HOST, BAD_TYPE, INVENTORY, LONG
from test_ui_hostile import untouched
from test_ui_incidents import says
from test_ui_keys import LEFT, WATCH
from test_ui_pages import fits
from ui_server import PHONE

CHART = """(await import('nicegui-echart')).echarts.getInstanceByDom(document.querySelector('.graph-picture .area'))"""
PAINTED = f"""async () => ({CHART}).getZr().storage.getDisplayList(true)
  .filter(one => one.type === 'tspan').map(one => one.style.text.trim())"""
# Where a node is on the screen, by how it is written.
PLACE = f"""async text => {{ const chart = {CHART}; const box = chart.getDom().getBoundingClientRect();
  const node = chart.getOption().series[0].data.find(one => one.label.formatter().split('\\n')[0].trim() === text);
  return [box.x + node.value[0], box.y + node.value[1]]; }}"""
# Names of those that stand out.
STANDING_OUT = f"""async () => ({CHART}).getOption().series[0].data.filter(one => one.itemStyle.opacity === 1)
  .map(one => one.label.formatter().split('\\n').map(text => text.trim())).sort()"""
# The kinds of lines in the picture.
LINES = f"""async () => [...new Set(({CHART}).getOption().series[0].links.map(one => one.lineStyle.type))].sort()"""
LAYOUT = """async ([name, things, edges, width]) => {
  const layout = await import('devmesh/graph_layout.js');
  const made = layout[name](things, edges, width);
  return {...made, places: [...made.places]}; }"""


@pytest.fixture(scope="module")
def ui_url(incident_url):
    """A disk of db1 is full, and there is an inventory with names of somebody who wants the page to do something."""
    return incident_url


def painted(page):
    """Everything that is written in the picture, once there is one."""
    page.wait_for_selector(".graph-picture canvas")
    return page.evaluate(PAINTED)


def test_the_graph_is_seen_and_read(open_page):
    """Wide and on a phone: hosts, services, what is wrong in words; the list says the same; single points, rings."""
    for size, light in (({"width": 1280, "height": 800}, False), (PHONE, True)):
        page = open_page("/ui/graph", size=size, light=light)
        texts = painted(page)
        assert {"postgres", "api", "critical", "db1", "edge + web", "every node"} <= set(texts)
        for text in ("8 services on 4 hosts", "A needs B, and fails when B does", "Single points of failure"):
            says(page, text)
        says(page, f"{LONG}, ring")
        row = page.locator(".sheet tr", has=page.get_by_role("link", name="postgres", exact=True)).first
        assert "critical" in row.inner_text()
        assert "postgres, critical" in page.get_by_role("img").first.get_attribute("aria-label")
        assert fits(page)


def test_one_is_chosen_in_the_picture(open_page):
    """By a click: what it is, who needs it and how far, what is wrong; what fails stands out; the address keeps it."""
    page = open_page("/ui/graph")
    painted(page)
    page.mouse.click(*page.evaluate(PLACE, "postgres"))
    page.wait_for_url("**/ui/graph?of=postgres")
    panel = page.locator(".graph-panel")
    panel.get_by_text("in 2 steps").wait_for()
    told = panel.inner_text()
    for text in ("database on db1", "also called pg", "Its lines", "no disk space left", "api", "front"):
        assert text in told
    page.get_by_role("button", name="Show what fails").press("Enter")
    page.wait_for_url("**/ui/graph?of=postgres&show=blast")
    page.wait_for_function("document.querySelector('.graph-panel [aria-pressed=true]')")
    out = {lines[0]: lines[-1] for lines in page.evaluate(STANDING_OUT)}
    assert out.keys() == {"postgres", "api", "front", "reports", BAD[:40] + "…"}
    assert out["front"] == "fails · 2 steps"
    page.go_back()
    page.wait_for_url("**/ui/graph?of=postgres")
    panel.get_by_text("in 2 steps").wait_for()
    page.get_by_role("button", name="Close").press("Escape")
    page.wait_for_url(lambda url: "of=" not in url)
    assert len(page.evaluate(STANDING_OUT)) == len(INVENTORY["services"])


def test_it_is_used_by_keys_alone(open_page):
    """A name and Enter choose; everything is reached; a way to another is shown, whoever of both needs the other."""
    page = open_page("/ui/graph?by=need")
    page.keyboard.press("/")
    page.keyboard.type("postgres\n")
    page.wait_for_url("**/ui/graph?of=postgres&**")
    assert parse_qs(urlsplit(page.url).query)["by"] == ["need"]
    page.get_by_label("The way to").fill("front")
    page.keyboard.press("Enter")
    says(page, "front needs api needs postgres")
    page.wait_for_url("**to=front**")
    page.reload()
    says(page, "front needs api needs postgres")
    page.evaluate("document.activeElement.blur()")
    page.evaluate(WATCH)
    for _press in range(90):
        page.keyboard.press("Tab")
    assert page.evaluate(LEFT) == []


def test_hostile_names_are_painted_and_written_as_text(open_page, ui_url):
    """Of services, hosts, types and aliases: markup, patterns of labels, templates, names of JavaScript's own."""
    page = open_page("/ui/graph")
    texts = painted(page)
    assert BAD_HOST in texts
    assert "__proto__" in texts
    assert any(text.startswith("<img src=x") for text in texts)
    untouched(page)
    assert page.evaluate("(() => { const all = []; for (const name in {}) all.push(name); return all; })()") == []
    page.get_by_role("link", name=BAD).first.click()
    page.wait_for_selector(".graph-panel dl dd")
    told = page.locator(".graph-panel").inner_text()
    for text in (BAD, BAD_HOST, BAD_TYPE, BAD_ALIAS, "postgres"):
        assert text in told
    untouched(page)
    assert fits(page)
    for evil in (BAD, BAD_ALIAS, f"host:{BAD_HOST}", "no-such-one<script>window.pwned=8</script>", "__proto__"):
        page.goto(f"{ui_url}/ui/graph?of={quote(evil)}&to={quote(BAD)}&q={quote('front')}&show={quote(BAD)}")
        painted(page)
        untouched(page)
        assert fits(page)


def test_proposals_are_drawn_accepted_and_refused(open_page, ui_url):
    """Dotted when asked for; an accepted one is dashed; both said in words; what nobody sees stands beside them."""
    page = open_page("/ui/graph")
    painted(page)
    says(page, "reports -> 10.0.0.12:80 (api) seen 80 times, incl. 4 failures")
    says(page, "reports DEPENDS_ON postgres")
    assert page.evaluate(LINES) == ["solid"]
    page.get_by_label("dotted in the picture").press("Space")
    says(page, "proposed, not in force")
    assert page.evaluate(LINES) == ["dotted", "solid"]
    untouched(page)
    page.get_by_role("button", name="Accept: reports needs api").press("Enter")
    says(page, "reports needs api: is in force now")
    page.goto(f"{ui_url}/ui/graph?of=reports")
    says(page, "learned and accepted")
    assert page.evaluate(LINES) == ["dashed", "solid"]
    page.get_by_label("weak and decided ones, too").press("Space")
    page.get_by_role("button", name="Refuse: reports needs api").press("Enter")
    says(page, "reports needs api: is refused")
    page.reload()
    painted(page)
    assert page.evaluate(LINES) == ["solid"]
    assert fits(page)


def test_an_incident_shows_who_needs_whom(open_page):
    """The suspect, whom it explains and that it is told with it, who is well though it needs it; in words, too."""
    page = open_page("/ui/incidents/1", size=PHONE)
    texts = painted(page)
    assert {"postgres", "first suspect", "api", "silenced", "reports", "well"} <= set(texts)
    says(page, "api needs postgres · silenced: told with it, not by itself")
    says(page, "Well, though they need postgres: ")
    untouched(page)
    assert fits(page)
    page.locator(".who-needs a").first.click()
    page.wait_for_url("**/ui/graph?of=postgres")


def test_who_needs_somebody_stands_above_them(open_page):
    """In the arrangement by need, but for rings; in both nobody hides another, and all is within the width."""
    page = open_page("/ui/graph")
    things = [{"id": n, "name": f"s{n}", "place": f"host{n % 7}", "hosts": []} for n in range(60)]
    edges = [[n, n // 2, []] for n in range(1, 50)] + [[0, 58, []], [58, 59, []], [59, 58, []]]
    for width in (370, 1252):
        for name in ("by_need", "by_host"):
            made = page.evaluate(LAYOUT, [name, things, edges, width])
            places = {number: tuple(place) for number, place in made["places"]}
            assert len({(round(x), round(y)) for x, y in places.values()}) == len(things)
            near = [
                (a, b) for a in places for b in places
                if a < b and abs(places[a][0] - places[b][0]) < 90 and abs(places[a][1] - places[b][1]) < 70
            ]  # fmt: skip
            assert near == []
            assert all(40 <= x <= width - 40 and 0 < y < made["height"] - 40 for x, y in places.values())
            if name == "by_need":
                assert all(places[who][1] < places[what][1] for who, what, _types in edges[:50])
