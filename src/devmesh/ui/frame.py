"""What surrounds every page: where the own files are, the head, the bar with the way to the other pages."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nicegui import run, ui
from nicegui.element import Element
from starlette.requests import Request

from devmesh.api.auth import grant_for
from devmesh.errors import DevMeshError
from devmesh.house import health
from devmesh.ui import theme, wrong

if TYPE_CHECKING:
    from devmesh.accounts import Grant
    from devmesh.clock import Clock
    from devmesh.mesh import Mesh

place = ""  # the address below which our own files are; has their hash in it
REFRESH_S = 30.0
BUILD_S = 30.0  # a page may take so long while the machine is busy; then it says so


def page(path: str) -> Callable[..., Any]:
    """A page at this path below `/ui`."""
    return ui.page(path, response_timeout=BUILD_S)


class Bar(Element, component="static/bar.js"):
    """The bar on top."""


# What most pages import, asked for at once and not one after the other.
SHARED = ("text", "api", "bars", "template_text", "families", "spark")


def preload(*names: str) -> None:
    """Ask for own files now that a page imports later on."""
    ui.add_head_html("".join(f'<link rel="modulepreload" href="{place}/{name}.js">' for name in names))


def head(title: str) -> None:
    """Title, styles and keys of a page."""
    ui.page_title(f"{title} · DevMesh")
    preload(*SHARED)
    ui.add_head_html(
        f'<script src="{place}/theme.js"></script><link rel="stylesheet" href="{place}/style.css">'
        f"<style>{theme.style()}</style>"
        f'<script type="module" src="{place}/keys.js"></script>'
    )
    ui.query("body").classes("devmesh")


async def show(
    mesh: Mesh, request: Request, here: str, view: Element, make: Callable[[], dict[str, Any]], *, again: bool = False
) -> None:
    """One page: the bar, and a view whose data `make` asks of the house, in a thread; both anew every 30 s if `again`.
    Without the store it says so.
    """
    grant = await grant_for(mesh, request)
    head(here)
    told = await run.io_bound(_bar, mesh, grant, here)
    bar = Bar()
    bar._props["data"] = told  # noqa: SLF001 - NiceGUI's way for subclasses
    bar.move(target_index=0)
    view._props["data"] = await run.io_bound(careful, make)  # noqa: SLF001
    view.classes("view")
    if again:
        _refreshing(mesh, request, (bar, here), (view, make))


def careful(make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `make` gives, or the error of the house as data: a page says why it is empty."""
    try:
        return make()
    except DevMeshError as error:
        return {"error": error.message, "hint": error.hint}


def _refreshing(
    mesh: Mesh, request: Request, top: tuple[Bar, str], page: tuple[Element, Callable[[], dict[str, Any]]]
) -> None:
    """Ask again every 30 s while the page is open and its session lives."""
    (bar, here), (view, make) = top, page

    async def again() -> None:
        try:
            grant = await grant_for(mesh, request)
        except DevMeshError:
            ui.navigate.reload()
            return
        bar._props["data"] = await run.io_bound(_bar, mesh, grant, here)  # noqa: SLF001
        bar.update()
        view._props["data"] = await run.io_bound(careful, make)  # noqa: SLF001
        view.update()

    ui.timer(REFRESH_S, again, immediate=False)


def _bar(mesh: Mesh, grant: Grant, here: str) -> dict[str, Any]:
    ill = [part for part in careful_health(mesh) if part["state"] == "degraded"]
    told = {"here": here, "person": grant.person, "admin": grant.administers, "ill": ill}
    return {**told, **careful(lambda: wrong.count_open(mesh))}


def careful_health(mesh: Mesh) -> list[dict[str, str]]:
    """Every part of the house as plain values."""
    return [{"name": part.name, "state": part.state, "reason": part.reason} for part in health(mesh)]


class Recent:
    """What was made within the last 5 s serves everybody who asks for the same: many may have the first page open."""

    SECONDS, KEYS_MAX = 5.0, 100

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._made: dict[str, tuple[float, dict[str, Any]]] = {}

    def __call__(self, key: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What `make` gives, now or a moment ago; one at a time, so that who comes meanwhile finds it made."""
        with self._lock:
            known, now = self._made.get(key), self._clock.monotonic_s()
            if known is not None and now - known[0] < self.SECONDS:
                return known[1]
            made = make()
            if len(self._made) >= self.KEYS_MAX:
                self._made.clear()
            self._made[key] = (self._clock.monotonic_s(), made)
            return made
