"""Lines with a structure: JSON, logfmt, firewall fields. The template comes from the message and the keys.

A pair whose value says what happened (message, level, logger, status …) keeps it; every other value becomes `<v>`.
Since Rust's regex cannot say "any key but these", the kept keys are first marked with KEPT, then what has no mark is
masked.
"""

from __future__ import annotations

import re

from devmesh.templates.rules_v1.rule import KEPT, Group, Literals, Rule

_KEPT_KEYS = (
    "level", "lvl", "severity", "loglevel", "log.level", "levelname", "levelName", "level_name", "msg",
    "message", "log", "event", "eventName", "eventType", "eventSource", "event_type", "error", "err",
    "exception", "reason", "logger", "component", "module", "caller", "service", "method", "type", "kind",
    "action", "verb", "stage", "op", "operation", "outcome", "result", "success", "stream", "facility",
    "subsystem", "category", "stat", "status", "statusCode", "status_code", "code", "response_code",
    "DownstreamStatus", "OriginStatus",
)  # fmt: skip
_SPELLINGS = sorted({spelled for key in _KEPT_KEYS for spelled in (key, key.upper(), key[0].upper() + key[1:])})

JSON_KEPT = Group(
    "json-kept",
    r'\{ ?"',
    (
        Literals(
            "json-escapes",
            tuple((f"\\{sign}", by) for sign, by in zip('\\"nrt/', ["", "'", " ", " ", " ", "/"], strict=True)),
        ),
        Literals(
            "json-kept", tuple((f'"{key}"{colon}', f'"{key}"{KEPT}') for key in _SPELLINGS for colon in (": ", ":"))
        ),
    ),
)

JSON_MASK = Group(
    "json-mask",
    '\\{ ?"',
    (
        Rule("json-value", r'" ?: ?(?:"[^"]*"|-?[0-9\x02][0-9.\x02]*(?:[eE][+-]?0)?|true|false|null)', '":<v>'),
        Rule("json-list", r'" ?: ?\[(?:[^\[\]]|\[[^\[\]]*\])*\]', '":<v>'),
        Rule("json-object", r'" ?: ?\{[^{}]*\}', '":<v>'),
    ),
)

JSON_BACK = Group("json-back", f'"{KEPT}', (Literals("json-kept-back", ((f'"{KEPT}', '":'),)),))

PAIRS = Group(
    "pairs",
    r"(?:[A-Za-z0-9_]=[^=]+){4}|(?-u:\b)(?:level|lvl|msg)=",
    (
        Literals("pair-escapes", (('\\"', "'"),)),
        Rule("packet", r"IN=[^ ]* OUT=[^ ]* .*?SRC=.*?PROTO=([A-Za-z0-9]+).*", f"<packet> PROTO{KEPT}${{1}}"),
        Rule("pair-kept-first", rf"^({'|'.join(map(re.escape, _SPELLINGS))})=", f"${{1}}{KEPT}"),
        Literals(
            "pair-kept",
            tuple((f"{sep}{key}=", f"{sep}{key}{KEPT}") for key in _SPELLINGS for sep in " ,;[("),
        ),
        Rule("pair-value", r'=(?:"[^"]*"|<[^>]*>|[^ ",;)\]]+)', "=<v>"),
        Literals("pair-kept-back", ((KEPT, "="),)),
    ),
)
