"""A real browser in front of a real server. Debian's Chromium, driven by Playwright; no other browser is fetched."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from incident_store import fill
from ui_server import WIDE, server_url

from processes import serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

EVENTS = 20_000
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--process-per-site",
]  # fmt: skip
TIMEOUT_MS = 15_000
QUIET = "/ui/sign-in"  # plain HTML of the pages' origin, so of their process
Open = Callable[..., "Page"]


@pytest.fixture(scope="session")
def ui_url(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> str:
    """The address of the run's server with 20,000 events and the hostile lines."""
    alone = worker_id == "master"
    shared = tmp_path_factory.getbasetemp() if alone else tmp_path_factory.getbasetemp().parent
    return server_url(shared, os.getpid() if alone else os.getppid(), EVENTS)


@pytest.fixture(scope="session")
def incident_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server over a store in which a disk of db1 got full ten minutes ago."""
    folder = tmp_path_factory.mktemp("ui-incidents") / "data"
    folder.mkdir()
    fill(folder)
    with serving(folder, env={"DEVMESH_UI": "true", "DEVMESH_LEARN_HOURS": "2"}) as server:
        yield server.url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for one module: while Playwright runs in a thread, no other test may run an event loop in it."""
    path = shutil.which("chromium")
    if path is None:
        why = "There is no Chromium: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()


class Watch:
    """What went wrong on a page from here on until `end`."""

    def __init__(self, page: Page, base: str, *, dialogs: bool) -> None:
        self.page, self.wrong = page, list[str]()
        self._base, self._dialogs = base, dialogs
        self._hears: dict[str, Callable[[Any], object]] = {
            "console": lambda said: said.type in {"error", "warning"} and self.wrong.append(said.text),
            "pageerror": lambda error: self.wrong.append(str(error)),
            "dialog": self._dialog,
            "request": lambda one: self._asked(one.url),
            "response": lambda one: one.status >= 400 and self.wrong.append(f"{one.status} {one.url}"),
        }
        for name, hears in self._hears.items():
            page.on(name, hears)  # type: ignore[call-overload]

    def end(self) -> None:
        """Leave the page as the next test wants to find it: with nothing on it and nothing remembered."""
        self.page.evaluate("localStorage.clear(), sessionStorage.clear()")
        for name, hears in self._hears.items():
            self.page.remove_listener(name, hears)
        self.page.mouse.move(0, 0)
        self.page.goto(self._base + QUIET)

    def _dialog(self, dialog: Any) -> None:
        if self._dialogs:
            dialog.accept()
            return
        self.wrong.append(f"dialog {dialog.message}")
        dialog.dismiss()

    def _asked(self, url: str) -> None:
        base = self._base
        if not url.startswith((base, base.replace("http", "ws", 1), "data:", "blob:")):
            self.wrong.append(f"asked {url}")


@pytest.fixture(scope="module")
def contexts(browser: Browser, ui_url: str) -> Callable[..., BrowserContext]:
    """`contexts(light=True)`: one for each wish and module, with a page that stays open, so that what pages load is
    loaded and compiled once and in one process; `alone` is a new one, with nothing in its cache.
    """
    made: dict[str, BrowserContext] = {}

    def context(*, light: bool = False, alone: bool = False, **more: Any) -> BrowserContext:
        wish = json.dumps([light, more, len(made) if alone else ""])
        if wish not in made:
            made[wish] = browser.new_context(viewport=WIDE, accept_downloads=True, **more)  # type: ignore[arg-type]
            made[wish].set_default_timeout(TIMEOUT_MS)
            if light:
                made[wish].add_init_script("localStorage.setItem('devmesh-theme', 'light')")
            if not alone:
                made[wish].new_page().goto(ui_url + QUIET)
        return made[wish]

    return context


@pytest.fixture
def open_page(contexts: Callable[..., BrowserContext], ui_url: str) -> Iterator[Open]:
    """Opens pages: `open_page("/ui/", size=PHONE, light=True)`; nothing may have gone wrong by the end of the test."""
    watches: list[Watch] = []

    def open_one(path: str, *, size: dict[str, int] = WIDE, dialogs: bool = False, **more: Any) -> Page:
        context = contexts(**more)
        used = {watch.page for watch in watches}
        page = next((page for page in context.pages if page not in used), None) or context.new_page()
        page.set_viewport_size(size)  # type: ignore[arg-type]
        watches.append(Watch(page, ui_url, dialogs=dialogs))
        page.goto(ui_url + path)
        page.wait_for_selector(".content")
        return page

    yield open_one
    for watch in watches:
        if not watch.page.is_closed():
            watch.end()
    assert [wrong for watch in watches for wrong in watch.wrong] == []
