// Keys that work on every page. `?` shows them.
import { typing } from "devmesh/api.js";

const PLACES = { o: "", i: "incidents", l: "logs", t: "templates", s: "search", n: "nodes", v: "services", g: "graph", d: "detectors", h: "health" };
let waiting = 0;

addEventListener("keydown", (event) => {
  if (typing(event)) {
    if (event.key === "Escape" && document.activeElement !== document.body) document.activeElement.blur();
    return;
  }
  if (Date.now() - waiting < 1500 && event.key in PLACES) {
    waiting = 0;
    location.assign(`/ui/${PLACES[event.key]}`);
  } else if (event.key === "g") waiting = Date.now();
  else if (event.key === "/") {
    const first = document.querySelector("[data-first]");
    if (first) {
      event.preventDefault();
      first.focus();
      first.select?.();
    }
  } else if (event.key === "?") {
    const shown = document.querySelector("dialog.keys");
    if (shown) shown.open ? shown.close() : shown.showModal();
  } else return;
});
