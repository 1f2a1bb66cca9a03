"""Lines with a structure: JSON, logfmt, firewall fields. The template comes from the message and the keys."""

from __future__ import annotations

from devmesh.templates.rules_v1.rule import KEPT, Group, Rule

_KEPT_KEYS = (
    r"(?i:level|lvl|severity|log\.?level|level_?name|msg|message|log|event|event_?(?:name|type|source)|error|err|"
    r"exception|reason|logger|component|module|caller|service|method|type|kind|action|verb|stage|op|operation|"
    r"outcome|result|success|stream|facility|subsystem|category|stat)"
)
_STATUS_KEYS = r"(?i:\w*status|\w*_?code)"

JSON = Group(
    "json",
    r'\{ ?"',
    (
        Rule("json-escaped-quote", r'\\+"', "'"),
        Rule("json-escaped-space", r"\\+[nrt]", " "),
        Rule("json-kept-text", rf'"({_KEPT_KEYS})" ?: ?"([^"]*)"', f'"${{1}}"{KEPT}"${{2}}"'),
        Rule("json-kept-status", rf'"({_STATUS_KEYS})" ?: ?([1-5][1-9][0-9]|[1-5]0[0-9])\b', f'"${{1}}"{KEPT}${{2}}'),
        Rule("json-kept-flag", rf'"({_KEPT_KEYS})" ?: ?(true|false)', f'"${{1}}"{KEPT}${{2}}'),
        Rule(
            "json-value",
            r'("[^"{}]*") ?: ?(?:"[^"]*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null)',
            "${1}:<v>",
        ),
        Rule("json-list", r'(": ?)\[[^\[\]{}]*\]', "${1}<v>"),
        Rule("json-object", r'(": ?|[\[,] ?)\{[^{}]*\}', "${1}<v>"),
        Rule("json-kept-back", rf'"{KEPT}', '":'),
    ),
)

PAIRS = Group(
    "pairs",
    r"(?:(?-u:\b)[\w.-]+=[^=]+){4}|(?-u:\b)(?:level|lvl|msg)=",
    (
        Rule("pair-escaped-quote", r'\\"', "'"),
        Rule("packet", r"IN=\S* OUT=\S* .*?SRC=.*?PROTO=(\w+).*", f"<packet> PROTO{KEPT}${{1}}"),
        Rule("pair-kept", rf'(?-u:\b)({_KEPT_KEYS})=("[^"]+"|[^\s",]+)', f"${{1}}{KEPT}${{2}}"),
        Rule("pair-value", r'(?-u:\b)([\w.@/-]+)=(?:"[^"]*"|<[^>]*>|[^\s",;)\]]+)', "${1}=<v>"),
        Rule("pair-kept-back", KEPT, "="),
    ),
)
