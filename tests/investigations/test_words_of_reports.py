"""What stands in a report's Markdown is read as it is: nothing that a log says is a link, a heading or HTML."""

from __future__ import annotations

import re
from datetime import UTC

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from devmesh.investigations import wording
from devmesh.investigations.advice import ADVICE, checks_for
from devmesh.investigations.claims import Claim, Metric
from devmesh.safe import safe

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["strikethrough", "table"])
ODD = st.text(st.sampled_from(list("`*_~[]()<>!#|\\&@:/.-+ 1ax\n\u202e")), max_size=30)


def parts(text: str) -> list[tuple[str, str]]:
    """(type, content) of what a line is read as, within a sentence."""
    blocks = MARKDOWN.parse(f"- it says {text} here")
    assert [one.type for one in blocks if one.level == 3] == ["inline"]
    return [(one.type, one.content) for block in blocks for one in block.children or ()]


@given(st.text(max_size=60) | ODD)
@example("`` ` `` <b>x</b> [a](http://x) ![i](x) <http://x> &amp; **b** ~~c~~ \\")
def test_escaped_text_is_text(text):
    """Nothing else comes of it, and none of it is lost."""
    found = parts(wording.escaped(text))
    assert {kind for kind, _content in found} <= {"text", "text_special"}
    assert "".join(content for _kind, content in found).split() == f"it says {safe(text)} here".split()


@given(st.text(max_size=60) | ODD)
@example("`` ` ``")
def test_a_code_span_cannot_be_left(text):
    """One span between the words around it."""
    assert [kind for kind, _content in parts(wording.code(text))] == ["text", "code_inline", "text"]


@pytest.mark.parametrize(
    ("metric", "value", "told"),
    [
        (Metric.EVENTS, 12_345, "12,345 lines"),
        (Metric.ERRORS, 1, "1 error"),
        (Metric.NODES, 0, "no nodes"),
        (Metric.LEAD, 20, "20 s before"),
        (Metric.LEAD, -75, "1 min after"),
        (Metric.LEAD, 11_100, "3 h 5 min before"),
        (Metric.LEAD, 0, "at the same time as"),
        (Metric.ORDER, "same time", "at the same time as"),
        (Metric.ORDER, "after", "after"),
        (Metric.FIRST, "1763800000000000-7", "first at 2025-11-22 08:26:40"),
        (Metric.LAST, "of all", "of all"),
        (Metric.TIME, 1_763_800_000_000_000, "2025-11-22 08:26:40"),
        (Metric.TIME, 10**30, str(10**30)),
        (Metric.NODE, "a\x1b[31m\nb", "a\\x1b[31m\\x0ab"),
    ],
)
def test_values_as_people_read_them(metric, value, told):
    """Also those that no calendar has."""
    assert wording.shown(Claim(metric, value), value, UTC) == told


@pytest.mark.parametrize("kind", [*ADVICE, "louder in 5 min", "of which nobody knows"])
def test_a_kernel_is_no_unit(kind):
    """Of a node nobody asks systemd for a unit of that name; of a service one does, and something is always to do."""
    told = checks_for(kind, "kernel", "db01")
    assert not any(re.search(r"ctl [^;]*\bkernel\b", one) for one in told)
    assert checks_for(kind, "nginx", "db01")
