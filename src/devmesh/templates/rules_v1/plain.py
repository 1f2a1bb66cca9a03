"""Rules for any line."""

from __future__ import annotations

from devmesh.templates.rules_v1.rule import Group, Rule

_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
_CLOCK = r"0:0:0(?:[.,:]0)?"
_ZONE = r"(?: ?(?:Z(?-u:\b)|UTC|GMT|CES?T|[+-]0(?::0)?))"
_METHOD = "GET|POST|PUT|DELETE|HEAD|OPTIONS|PATCH|PROPFIND|CONNECT|TRACE|REPORT|MKCOL|MOVE|COPY"
_TLD = (
    "com|net|org|edu|gov|info|local|lan|home|internal|localdomain|arpa|de|fr|uk|nl|eu|br|mx|jp|ru|cn|it|es|ch|at|be|se|"
    "fi|dk|cz|ca|au|us"
)

MARKS = Group("marks", r"\x1b|\\x1b|REDACTED", (
    Rule("ansi-colour", r"(?:\x1b|\\x1b)\[[0-9;]*[A-Za-z]", ""),
    Rule("redacted", r"\[REDACTED:([A-Za-z0-9_-]+):[0-9a-f]+\]", "<redacted:${1}>"),
))

REQUESTS = Group("requests", rf"HTTP/|GIN|Mozilla/|\" 400 |(?-u:\b)(?:{_METHOD}) ", (
    Rule("gin", r'\[GIN\] 0/0/0 - 0:0:0 \| ?([0-9]+) \|[^|]*\|[^|]*\| ?([A-Z]+) +"[^"]*"', '[GIN] <ts> | ${1} | <dur> | <ip> | ${2} "<path>"'),
    Rule("request-line", rf"(?-u:\b)({_METHOD}) (?:/|\*|https?:)[^\s\"']*( HTTP/0(?:\.0)?)?", "${1} <path>${2}"),
    Rule("request-binary", r'"[^"]*\\x[^"]*"', '"<request>"'),
    Rule("request-unreadable", r'"(?:[^A-Z"][^"]*)?" ([1-5][0-9][0-9] (?:0|-))', '"<request>" ${1}'),
    Rule("request-tail", r'(" [1-5][0-9][0-9] (?:0|-)) "[^"]*" "[^"]*"', '${1} "<url>" "<agent>"'),
    Rule("browser", r'"Mozilla/[^"]*"', '"<agent>"'),
    Rule("http-version", r"HTTP/0(?:\.0)?", "HTTP"),
))

NAMES = Group("names", rf"@|://|\.(?:{_TLD})", (
    Rule("url", r"(?-u:\b)[a-zA-Z][a-zA-Z0-9+.-]*://[^\s\"'<>,;)\]}|]+", "<url>"),
    Rule("email", r"[A-Za-z0-9][\w.+-]*@[\w-]+(?:\.[\w-]+)+", "<email>"),
    Rule("host", rf"(?-u:\b)[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.(?i:{_TLD})(\.?[\s:/,;()\[\]'\"|<>]|\.?$)", "<host>${1}"),
))

PATHS = Group("paths", r"[/\\]", (
    Rule("path", r"(^|[\s\"'=(\[:,<>|`])(?:~|\.{1,2})?(?:/[\w.@%+~#*$-]*[\w%#*~$-])(?:/[\w.@%+~#*$-]*[\w%#*~$-])+/?", "${1}<path>"),
    Rule("paths", r"<path>(?::<path>)+", "<path>"),
    Rule("windows-path", r"(?-u:\b)[A-Za-z]:\\[^\s\"'<>|,;]+", "<path>"),
))

UUIDS = Group("uuids", r"[0-9a-fA-F]-[0-9a-fA-F]", (
    Rule("uuid", r"(?-u:\b)[0-9a-fA-F]{1,8}-[0-9a-fA-F]{1,4}-[0-9a-fA-F]{1,4}-[0-9a-fA-F]{1,4}-[0-9a-fA-F]{1,12}(?-u:\b)", "<uuid>"),
))

TIMES = Group("times", "0[:/-]", (
    Rule("iso", rf"0-0-0[T _]{{1,2}}{_CLOCK}{_ZONE}?", "<ts>"),
    Rule("slashed", rf"0/0/0(?:[ -]{{1,3}}|, ){_CLOCK}(?: [AP]M)?{_ZONE}?", "<ts>"),
    Rule("common-log", rf"0/(?:{_MONTH}|0)/0:{_CLOCK}{_ZONE}?", "<ts>"),
    Rule("day-month", rf"(?:{_DAY},? )?0[- ]{_MONTH}[- ]0 {_CLOCK}{_ZONE}?", "<ts>"),
    Rule("syslog", rf"(?:{_DAY},? )?{_MONTH} {{1,2}}0,? (?:0 )?{_CLOCK}(?: [A-Z]{{3,4}})?(?: 0(?-u:\b))?", "<ts>"),
    Rule("mac-long", r"(?-u:\b)(?:[0-9a-fA-F]{1,2}:){9,}[0-9a-fA-F]{1,2}(?-u:\b)", "<mac>"),
    Rule("ipv6-full", r"(?-u:\b)(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}(?-u:\b)(?:/0)?", "<ip>"),
    Rule("mac", r"(?-u:\b)(?:[0-9a-fA-F]{1,2}[:-]){5}[0-9a-fA-F]{1,2}(?-u:\b)", "<mac>"),
    Rule("pci", r"(?-u:\b)0:[0-9a-f]{1,2}:[0-9a-f]{1,2}\.0(?-u:\b)", "<pci>"),
    Rule("clock", rf"(?-u:\b){_CLOCK}(?: [AP]M)?(?-u:\b)", "<time>"),
    Rule("minutes", r"(^|[\s(])0:0([\s),.;]|$)", "${1}<time>${2}"),
    Rule("date", r"(?-u:\b)0-0-0(?-u:\b)", "<date>"),
))

ADDRESSES = Group("addresses", r"0\.0\.0\.0|::", (
    Rule("ipv4-mapped", r"::ffff:0\.0\.0\.0(?::0(?-u:\b))?", "<ip>"),
    Rule("oid", r"(?-u:\b)0(?:\.0){4,}(?-u:\b)", "<n>"),
    Rule("ipv4-slashed", r"(^|[\s=(\[:,])/0\.0\.0\.0(?::0(?-u:\b))?", "${1}<ip>"),
    Rule("ipv4", r"(?-u:\b)0\.0\.0\.0(?:[:#]0(?-u:\b)|/0(?-u:\b))?", "<ip>"),
    Rule("ipv6", r"(^|[\s\[(,='\"/@<-])(?:(?:[0-9a-fA-F]{1,4}:){1,7}:(?:[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,6})?|::[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,6})(?:%\w+)?(?:/0)?([\s\]),'\";|>]|$)", "${1}<ip>${2}"),
    Rule("addresses", r"<ip>(?:, ?<ip>)+", "<ip>"),
))

IDENTITIES = Group("identities", "[0-9]", (
    Rule("hex-prefixed", r"(?-u:\b)0x[0-9a-fA-F]+(?-u:\b)", "<hex>"),
    Rule("duration", r"<?(?-u:\b)(?:(?:0(?:\.0)?(?:ns|us|µs|μs|ms|s|m|h|d))+|0(?:\.0)? (?:ns|us|µs|ms|s|secs?|seconds?|mins?|minutes?|hours?|days?|milliseconds?))(?-u:\b)", "<dur>"),
    Rule("size", r"(?-u:\b)0(?:\.0)?(?: ?(?:[kKMGTPE]i?[bB]|B|[kK]ilobytes|bytes/s)|[KMGTP])(?-u:\b)(?:/s)?", "<size>"),
    Rule("hex", r"(?-u:\b)(?:[a-f]*[0-9]+[a-f]+[0-9]+[a-f0-9]*|[A-F]*[0-9]+[A-F]+[0-9]+[A-F0-9]*)(?-u:\b)", "<hex>"),
    Rule("token", r"(?-u:\b)(?:[A-Za-z]+[0-9]+[A-Za-z]+[0-9]+|[0-9]+[A-Za-z]+[0-9]+[A-Za-z]+)[A-Za-z0-9]*(?-u:\b)", "<id>"),
))

PEOPLE = Group("people", r"(?i:for|user|from|session|CMD)", (
    Rule("pam-session", r"(session (?:opened|closed) for user )[^\s(<]+", "${1}<user>"),
    Rule("pam-by", r" by [^\s(<]+\(uid=", " by <user>(uid="),
    Rule("user-from", r"(?-u:\b)((?i:for|user|for user|invalid user|for invalid user)) (?:'[^']*'|\"[^\"]*\"|[^\s<'\"]+) from <", "${1} <user> from <"),
    Rule("user-invalid", r"(?-u:\b)((?i:invalid user|illegal user|unknown user|username|for user|by user|user)) (?:'[^']*'|\"[^\"]*\")", "${1} <user>"),
    Rule("user-no", r"(?-u:\b)((?i:invalid user|illegal user)) [^\s<'\"]+", "${1} <user>"),
    Rule("cron", r"^\([\w.-]+\) (CMD|RELOAD|LIST|REPLACE|BEGIN EDIT|END EDIT) ", "(<user>) ${1} "),
))

ABSENT = Group("absent", r"[\s=:](?:\(\)|\[\]|''|\"\")", (
    Rule("empty-brackets", r"(\s)\(\)(\s|$)", "${1}(<none>)${2}"),
    Rule("empty-quotes", r"([\s=:])''", "${1}'<none>'"),
))

NUMBERS = Group("numbers", "0", (
    Rule("negative", r"(^|[\s=(:,\[_])-0", "${1}0"),
    Rule("number-list", r"(?-u:\b)0(?:\.0)?(?:, ?0(?:\.0)?){2,}(?-u:\b)", "<n>"),
    Rule("number", r"(?-u:\b)0(?:\.0)*(?:[eE][+-]?0)?", "<n>"),
    Rule("number-joined", r"_0(?:\.0)*", "_<n>"),
    Rule("number-in-name", r"([A-Za-z])00", "${1}<n>"),
))

SPACE = Group("space", r"\s\s|^\s|\s$", (
    Rule("space", r"\s+", " "),
    Rule("edge", r"^ | $", ""),
))
