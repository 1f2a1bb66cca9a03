"""The one quiet theme: a dark set of colours and a light one. Colours say how severe something is, and nothing else.

`static/style.css` uses these names alone. Contrast of text on its ground is at least 4.5 to 1 (WCAG 2.2, 1.4.3);
those that end in `fill` are for bars and marks.
"""

from __future__ import annotations

DARK = {
    "ground": "#0e1114",
    "panel": "#15191e",
    "raised": "#1c2127",
    "line": "#2a3038",
    "text": "#d5dae1",
    "strong": "#f4f6f8",
    "dim": "#8f99a6",
    "hole": "#2b323b",  # behind what varies in a template
    "crit": "#ff6b6b",
    "err": "#f0716a",
    "warn": "#e0ad3b",
    "crit-fill": "#ff6b6b",
    "err-fill": "#f0716a",
    "warn-fill": "#e0ad3b",
    "note": "#7d8894",
    "info": "#56616e",
    "debug": "#363e47",
}
LIGHT = {
    "ground": "#ffffff",
    "panel": "#f6f7f8",
    "raised": "#eceef0",
    "line": "#d5d9de",
    "text": "#24292f",
    "strong": "#0b0e11",
    "dim": "#5c6570",
    "hole": "#e3e7eb",
    "crit": "#b3141a",
    "err": "#c4302b",
    "warn": "#8a5d00",
    "crit-fill": "#a40f18",
    "err-fill": "#dd4b45",
    "warn-fill": "#d99a1c",
    "note": "#8a949f",
    "info": "#b4bcc5",
    "debug": "#cfd5da",
}


def style() -> str:
    """The colours as CSS; dark unless the page says light."""
    return f":root{{color-scheme:dark;{_rules(DARK)}}}:root[data-theme=light]{{color-scheme:light;{_rules(LIGHT)}}}"


def _rules(colours: dict[str, str]) -> str:
    return "".join(f"--{name}:{value};" for name, value in colours.items())
