"""What leaves to a person's terminal: safe text, tables that fit, times in the viewer's zone, JSON.

Text from logs is data: `safe` turns everything that a terminal would obey, or not show, into visible escapes. Nothing
here reads markup. Without a terminal nothing is cut and nothing is coloured, so that pipes get whole lines.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from devmesh.safe import safe as safe  # noqa: PLC0414 - commands take it from here
from devmesh.when import zone_of

GAP = 2
LEAST_FLEX = 28
SPARKS = "▁▂▃▄▅▆▇█"
UNITS, KILO = ("B", "KB", "MB", "GB"), 1000
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400
SEVERE, WARNING = "bold red", "yellow"
WARNING_LEVEL = 4
PRIORITIES = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")


def safe_lines(text: str) -> list[str]:
    """The lines of a message, each safe; a folded stack trace has many."""
    return [safe(line.removesuffix("\r")) for line in text.split("\n")]


# -- writing ----------------------------------------------------------------------------------------------------------


def is_terminal() -> bool:
    """Whether a person reads the output directly."""
    return sys.stdout.isatty()


def width() -> int | None:
    """Columns of the terminal; None where lines may have any length."""
    return shutil.get_terminal_size((100, 40)).columns if is_terminal() else None


def colours() -> bool:
    """Whether to colour: a terminal, and no NO_COLOR (no-color.org)."""
    return is_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def write(*parts: str | tuple[str, str]) -> None:
    """One line of output; a part is text that is already safe, or (text, style)."""
    sys.stdout.write(styled(*parts) + "\n")


def styled(*parts: str | tuple[str, str]) -> str:
    """The parts as one string, with ANSI styles where colours are on."""
    if not colours():
        return "".join(part if isinstance(part, str) else part[0] for part in parts)
    from rich.console import Console

    console = Console(force_terminal=True, markup=False, highlight=False, emoji=False, width=100_000, no_color=False)
    with console.capture() as capture:
        console.print(Text.assemble(*parts), end="", soft_wrap=True)
    return capture.get()


def emit(value: Any) -> None:
    """`value` as JSON, in ASCII so that no text in it can reach a terminal raw."""
    sys.stdout.write(as_json(value, indent=2 if is_terminal() else None) + "\n")


def as_json(value: Any, indent: int | None = None) -> str:
    """JSON in printable ASCII."""
    return json.dumps(value, indent=indent).replace("\x7f", "\\u007f")


def note(text: str) -> None:
    """A remark beside the data: to stderr, so that pipes stay clean."""
    sys.stdout.flush()
    sys.stderr.write(text + "\n")


# -- tables -----------------------------------------------------------------------------------------------------------


def table(
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Iterable[str] = (),
    styles: dict[str, str] | None = None,
) -> None:
    """Aligned columns of unsafe text; the last one takes what room is left and is cut with … on a terminal.

    Where too little is left for it (narrow terminals) it gets a line of its own below the others.
    """
    cells = [[safe(cell) for cell in row] for row in rows]
    shown, flex = list(heads[:-1]), len(heads) - 1
    sizes = [max([cell_len(head), *(cell_len(row[at]) for row in cells)]) for at, head in enumerate(shown)]
    columns = width()
    room = None if columns is None else columns - sum(sizes) - GAP * flex
    longest = max((cell_len(row[flex]) for row in cells), default=0)
    below = room is not None and room < min(LEAST_FLEX, longest) and flex > 0
    aligned = frozenset(right)
    styles = styles or {}

    def line(row: Sequence[str], style: str = "") -> list[tuple[str, str]]:
        return [
            (_fitted(cell, size, to_right=head in aligned) + " " * GAP, style or styles.get(head, ""))
            for cell, size, head in zip(row, sizes, shown, strict=False)
        ]

    write(*line(shown, "dim"), *([] if below else [(heads[-1], "dim")]))
    for row in cells:
        last = row[flex]
        if below and columns is not None:
            write(*line(row))
            write("  ", shortened(last, columns - 2))
        else:
            write(*line(row), last if room is None else shortened(last, room))


def _fitted(text: str, size: int, *, to_right: bool) -> str:
    blank = " " * max(0, size - cell_len(text))
    return blank + text if to_right else text + blank


def shortened(text: str, room: int) -> str:
    """`text` in at most `room` columns."""
    return text if cell_len(text) <= room else set_cell_size(text, max(room - 1, 1)).rstrip() + "…"


def sparkline(counts: Sequence[int]) -> str:
    """A bar for each count; the highest is full, none is the lowest."""
    most = max(counts, default=0)
    return "".join(SPARKS[0] if not n else SPARKS[-(-n * (len(SPARKS) - 1) // most)] for n in counts)


# -- numbers and times ------------------------------------------------------------------------------------------------


def viewer_zone_name(setting: str) -> str:
    """The name of the viewer's zone: TZ where it holds one, else the setting; empty for the machine's own."""
    told = os.environ.get("TZ", "").removeprefix(":")
    try:
        return str(ZoneInfo(told)) if told else setting
    except (OSError, ValueError, ZoneInfoNotFoundError):
        return setting


def viewer_zone(setting: str) -> tzinfo:
    """The viewer's zone, summer time and all."""
    return zone_of(viewer_zone_name(setting))


def stamp(ts_us: int, zone: tzinfo, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """An instant in the viewer's zone, with milliseconds."""
    seconds, rest = divmod(ts_us, 1_000_000)
    try:
        moment = datetime.fromtimestamp(seconds, UTC).astimezone(zone)
    except (ValueError, OverflowError):
        return str(ts_us)
    return f"{moment.strftime(form)}.{rest // 1000:03d}"


def ago(ts_us: int | None, now_us: int) -> str:
    """How long ago, in one unit: 5s, 3m, 2h, 4d."""
    if ts_us is None:
        return "never"
    seconds = max(0, now_us - ts_us) // 1_000_000
    for unit, size in (("d", DAY_S), ("h", HOUR_S), ("m", MINUTE_S)):
        if seconds >= size:
            return f"{seconds // size:,}{unit} ago"
    return f"{seconds}s ago"


def count(n: float) -> str:
    """A number with separators."""
    return f"{n:,}"


def many(n: int, noun: str) -> str:
    """A count with its noun: 1 event, 2,000 events."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def size(n: float) -> str:
    """Bytes for people."""
    power = max((power for power in range(4) if n >= KILO**power), default=0)
    return f"{n / KILO**power:,.1f} {UNITS[power]}" if power else f"{n:.0f} B"


def level_style(priority: int | None) -> str:
    """The colour of a priority: errors red, warnings yellow."""
    if priority is None or priority > WARNING_LEVEL:
        return ""
    return SEVERE if priority < WARNING_LEVEL else WARNING
