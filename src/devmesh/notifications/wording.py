"""A notice in words: plain text, one idea a line, nothing in it that anything would obey (T8)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from devmesh.channels import SEVERITIES
from devmesh.notifications.model import Notice
from devmesh.safe import safe
from devmesh.when import length

NAMES = 8  # of services and nodes; the page has them all
SHOWN = 15  # incidents in a summary


def headline(notice: Notice) -> str:
    """`Critical: nas01 is unreachable`, `Closed after 12 min: …`, on one line."""
    title = safe(notice.title) or "(no title)"
    if notice.incident_id == 0:
        return title
    return f"{state(notice)}: {title}"


def state(notice: Notice) -> str:
    """`Critical`, `Partly over`, or how long it took once it is closed."""
    if notice.status != "closed":
        return "Partly over" if notice.status == "eased" else notice.severity.capitalize()
    if notice.closed_us is None:
        return "Closed"
    return f"Closed after {length((notice.closed_us - notice.onset_us) // 1_000_000)}"


def names(them: Sequence[str]) -> str:
    """Names with commas, the first few of them."""
    shown = ", ".join(safe(one) for one in them[:NAMES])
    return f"{shown} and {len(them) - NAMES} more" if len(them) > NAMES else shown


def when(ts_us: int, zone: tzinfo) -> str:
    """`2026-01-20 14:00 CET`."""
    return datetime.fromtimestamp(ts_us // 1_000_000, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M %Z")


def facts(notice: Notice, zone: tzinfo) -> list[tuple[str, str]]:
    """What, where, since when: as names with values."""
    if notice.incident_id == 0:
        return []
    told = [
        ("Services", names(notice.services)),
        ("Nodes", names(notice.nodes)),
        ("Since", when(notice.onset_us, zone)),
    ]
    if notice.closed_us is not None:
        told.append(("Closed", when(notice.closed_us, zone)))
    return [(name, value) for name, value in told if value.strip()]


def link(notice: Notice, public_url: str) -> str:
    """The address of its page; empty where nobody said under which address people open it."""
    return public_url + notice.path if public_url and notice.path.startswith("/") else ""


def plain(notice: Notice, zone: tzinfo, public_url: str) -> str:
    """All of it as plain text, log lines indented."""
    parts = [headline(notice), "", *(safe(line) for line in notice.lines)]
    told = facts(notice, zone)
    if told:
        parts += ["", *(f"{name}: {value}" for name, value in told)]
    if notice.quotes:
        parts += ["", *(f"    {safe(quote)}" for quote in notice.quotes)]
    if address := link(notice, public_url):
        parts += ["", address]
    return "\n".join(parts) + "\n"


def summary(title: str, counts: dict[tuple[int, str], int], worst: Sequence[Notice], now_us: int) -> Notice:
    """Many incidents as one notice. `counts` of (rank, status), `worst` the first of them."""
    total = sum(counts.values())
    by_rank = [sum(n for (rank, _), n in counts.items() if rank == at) for at in range(len(SEVERITIES))]
    closed = sum(n for (_, status), n in counts.items() if status == "closed")
    sums = ", ".join(f"{n:,} {name}" for n, name in zip(by_rank, SEVERITIES, strict=True) if n)
    lines = [f"{sums}; {closed:,} of them closed by now." if closed else f"{sums}.", *map(headline, worst[:SHOWN])]
    if total > SHOWN:
        lines.append(f"and {total - SHOWN:,} more.")
    severity = SEVERITIES[min(rank for rank, _ in counts)]
    return Notice(
        0, 0, severity, "open", f"{title}: {total:,} incidents", now_us, lines=tuple(lines), path="/ui/incidents"
    )
