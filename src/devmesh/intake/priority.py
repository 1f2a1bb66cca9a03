"""Syslog priorities (RFC 5424, 6.2.1) from the numbers and names that senders use."""

from __future__ import annotations

from typing import Final

MISSING: Final = 6
_NAMES: Final = (
    ("emerg", "emergency", "panic"),
    ("alert",),
    ("crit", "critical", "fatal"),
    ("err", "error", "severe"),
    ("warning", "warn"),
    ("notice",),
    ("info", "information", "informational"),
    ("debug", "trace", "verbose"),
)
_BY_NAME: Final[dict[str, int]] = {name: code for code, names in enumerate(_NAMES) for name in (*names, str(code))}
# What a list of any length is looked up in, so that the usual spellings cost one dict access each. None stays None
# (missing); what is not in here is looked at by `priority_of`.
_BY_VALUE: Final[dict[int | str | None, int | None]] = {None: None}
_BY_VALUE.update({code: code for code in range(8)})
_BY_VALUE.update({spelt: code for name, code in _BY_NAME.items() for spelt in (name, name.upper())})
_UNKNOWN: Final = -1


def priority_of(value: object) -> int | None:
    """The priority 0..7 that `value` names, or None if it names none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if 0 <= value <= 7 else None  # noqa: PLR2004 - the range of syslog
    return _BY_NAME.get(value.strip().lower()) if isinstance(value, str) else None


def priorities(values: list[int | str | None]) -> tuple[list[int | None], list[int]]:
    """Priorities 0..7 for n values (None where missing or unknown), and the positions of those that name none."""
    get = _BY_VALUE.get
    codes = [get(value, _UNKNOWN) for value in values]
    unknown = []
    if _UNKNOWN in codes:
        for row, code in enumerate(codes):
            if code == _UNKNOWN:
                codes[row] = priority_of(values[row])
                if codes[row] is None:
                    unknown.append(row)
    return codes, unknown
