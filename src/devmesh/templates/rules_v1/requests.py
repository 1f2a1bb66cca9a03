"""What web servers and their clients write, and marks of the way here."""

from __future__ import annotations

from devmesh.templates.fold import HEX_MARK, UUID_MARK
from devmesh.templates.rules_v1.rule import Group, Rule

_MARKED = HEX_MARK + UUID_MARK
_METHOD = "GET|POST|PUT|DELETE|HEAD|OPTIONS|PATCH|PROPFIND|CONNECT|TRACE|REPORT|MKCOL|MOVE|COPY"
_TLD = (
    "com|net|org|edu|gov|info|local|lan|home|internal|localdomain|arpa|de|fr|uk|nl|eu|br|mx|jp|ru|cn|it|es|ch|at|be|se|"
    "fi|dk|cz|ca|au|us"
)

MARKS = Group(
    "marks",
    r"\\x1b|\x1b|REDACTED",
    (
        Rule("ansi-colour", r"(?:\\x1b|\x1b)\[[0;]*[A-Za-z]", ""),
        Rule("redacted", r"\[REDACTED:([A-Za-z0-9_-]+):[0-9a-f]+\]", "<redacted:${1}>"),
    ),
)

REQUESTS = Group(
    "requests",
    rf'HTTP/|GIN|Mozilla/|" [1-5]|(?:{_METHOD}) ',
    (
        Rule(
            "gin",
            r'\[GIN\] 0/0/0 - 0:0:0 \| ?([1-9\x02]+) \|[^|]*\|[^|]*\| ?([A-Z]+) +"[^"]*"',
            '[GIN] <ts> | ${1} | <dur> | <ip> | ${2} "<path>"',
        ),
        Rule("request-line", rf"(?-u:\b)({_METHOD}) (?:/|\*|https?:)[^ \"']*(?: HTTP/0(?:\.0)?)?", "${1} <path>"),
        Rule("request-binary", r'"[^"]*\\x[^"]*" ([1-5][1-9\x02]{2} (?:0|-))', '"<request>" ${1}'),
        Rule("request-unreadable", r'"(?:[^A-Z"][^"]*)?" ([1-5][1-9\x02]{2} (?:0|-))', '"<request>" ${1}'),
        Rule("request-tail", r'(" [1-5][1-9\x02]{2} (?:0|-)) "[^"]*" "[^"]*"', '${1} "<url>" "<agent>"'),
        Rule("browser", r"Mozilla/[0.]+(?: \([^)]*\)| [A-Za-z]+/[0A-Za-z.]+)*", "<agent>"),
        Rule("count-after-agent", r'(<agent>"|<url>") [1-5][1-9\x02]{2}(?-u:\b)', "${1} 0"),
        Rule("http-version", r"HTTP/0(?:\.0)?", "HTTP"),
    ),
)

NAMES = Group(
    "names",
    rf"@|://|\.(?:{_TLD})|[a-z]:0",
    (
        Rule("url", r"(?-u:\b)[a-zA-Z][a-zA-Z0-9+.-]*://[^ \"'<>,;)\]}|]+", "<url>"),
        Rule("email", rf"[{_MARKED}A-Za-z0-9][{_MARKED}A-Za-z0-9_.+-]*@[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+", "<email>"),
        Rule(
            "host",
            rf"(?:(?-u:\b)|[{_MARKED}])[{_MARKED}A-Za-z0-9_-]*(?:\.[{_MARKED}A-Za-z0-9_-]+)*"
            rf"\.(?:{_TLD}|COM|NET|ORG|LOCAL)(?::0(?-u:\b))?(\.?[ :/,;()\[\]'\"|<>]|\.?$)",
            "<host>${1}",
        ),
        Rule("host-port", r"(?-u:\b)[a-z0-9-]+(?:\.[a-z0-9-]+){2,}:0(?-u:\b)", "<host>"),
    ),
)

PATHS = Group(
    "paths",
    r"[/\\]",
    (
        Rule(
            "path",
            rf"(?-u:\B)(?:~|\.{{1,2}})?(?:/[{_MARKED}A-Za-z0-9_.@%+~#*$-]*[{_MARKED}A-Za-z0-9_%#*~$-]){{2,}}/?",
            "<path>",
        ),
        Rule("windows-path", r"(?-u:\b)[A-Za-z]:\\[^ \"'<>|,;]+", "<path>"),
    ),
)

PATH_LISTS = Group("path-lists", "<path>:", (Rule("paths", "<path>(?::<path>)+", "<path>"),))
