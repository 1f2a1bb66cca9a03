"""The theme can be read: text on its ground, in both sets of colours."""

from __future__ import annotations

import pytest

from devmesh.ui.theme import DARK, LIGHT

TEXTS = ("text", "strong", "dim", "crit", "err", "warn")
GROUNDS = ("ground", "panel", "raised")


def luminance(colour):
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """How much two colours differ in brightness, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [DARK, LIGHT], ids=["dark", "light"])
def test_text_stands_out_from_its_ground(colours):
    """4.5 to 1 at least; both sets name the same colours."""
    weak = [(text, ground, round(contrast(colours[text], colours[ground]), 2)) for text in TEXTS for ground in GROUNDS]
    assert [one for one in weak if one[2] < 4.5] == []
    assert contrast(colours["dim"], colours["hole"]) >= 4
    assert DARK.keys() == LIGHT.keys()
