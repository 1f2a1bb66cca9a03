"""Times, addresses, identities and numbers."""

from __future__ import annotations

from devmesh.templates.fold import HEX_MARK, MAC_MARK, STATUS_ZERO, UUID_MARK
from devmesh.templates.rules_v1.rule import Group, Literals, Rule

_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
_CLOCK = "0:0:0(?:[.,:]0)?"
_ZONE = r"(?: ?(?:Z(?-u:\b)|UTC|GMT|CES?T|[+-]0(?::0)?))"
_HEX = "[0a-fA-F]"
_LETTERED = "(?:0[a-f]|[a-f][0a-f]?)"  # two hexadecimal digits that are not both decimal
_GROUP = f"{_HEX}{{1,4}}"

_AUTH = "(?:password|publickey|/pam|none|hostbased|gssapi-with-mic|attempt|login|failures?|authentication)"

TIMES = Group(
    "times",
    "0:0:0",
    (
        Rule("iso", rf"0-0-0[T _]{{1,2}}{_CLOCK}{_ZONE}?", "<ts>"),
        Rule("slashed", rf"0/0/0(?:[ -]{{1,3}}|, ){_CLOCK}(?: [AP]M)?{_ZONE}?", "<ts>"),
        Rule("common-log", rf"0/(?:{_MONTH}|0)/0:{_CLOCK}{_ZONE}?", "<ts>"),
        Rule("day-month", rf"(?:{_DAY},? )?0[- ]{_MONTH}[- ]0 {_CLOCK}{_ZONE}?", "<ts>"),
        Rule("syslog", rf"(?:{_DAY},? )?{_MONTH} {{1,2}}0,? (?:0 )?{_CLOCK}(?: [A-Z]{{3,4}})?(?: 0(?-u:\b))?", "<ts>"),
    ),
)

OCTETS = Group(
    "octets",
    rf"{_HEX}[:-]{_HEX}{{1,4}}[:-]{_HEX}{{1,4}}[:-]{_HEX}",
    (
        Rule("mac-long", rf"(?-u:\b)(?:{_HEX}{{1,2}}:){{9,}}{_HEX}{{1,2}}(?-u:\b)", "<mac>"),
        Rule("ipv6-full", rf"(?-u:\b)(?:{_HEX}{{1,4}}:){{7}}{_HEX}{{1,4}}(?-u:\b)(?:/0)?", "<ip>"),
        Rule("mac", rf"(?-u:\b)(?:{_HEX}{{1,2}}[:-]){{5}}{_HEX}{{1,2}}(?-u:\b)", "<mac>"),
    ),
)

CLOCKS = Group(
    "clocks",
    "0[:-][0a-f]",
    (
        Rule("pci", rf"(?-u:\b)0:(?:{_LETTERED}:{_HEX}{{1,2}}|{_HEX}{{1,2}}:{_LETTERED})\.0(?-u:\b)", "<pci>"),
        Rule("clock", rf"(?-u:\b){_CLOCK}(?: [AP]M)?(?-u:\b)", "<time>"),
        Rule("minutes", r"(^|[ (])0:0([ ),.;]|$)", "${1}<time>${2}"),
        Rule("date", r"(?-u:\b)0-0-0(?-u:\b)", "<date>"),
    ),
)

ADDRESSES = Group(
    "addresses",
    r"0\.0\.0\.0",
    (
        Rule("oid", r"(?-u:\b)0(?:\.0){4,}(?-u:\b)", "<n>"),
        Rule("ipv4", r"(?:::ffff:|(?-u:\B)/|(?-u:\b))0\.0\.0\.0(?:[:#]0(?-u:\b)|/0(?-u:\b))?", "<ip>"),
    ),
)

ADDRESS_LISTS = Group("address-lists", "<ip>,", (Rule("addresses", "<ip>(?:, ?<ip>)+", "<ip>"),))

IPV6 = Group(
    "ipv6",
    "::",
    (
        Rule(
            "ipv6",
            rf"(^|[ \[(,='\"/@<-])(?:(?:{_GROUP}:){{1,7}}:(?:{_GROUP}(?::{_GROUP}){{0,6}})?|"
            rf"::{_GROUP}(?::{_GROUP}){{0,6}})(?:%[A-Za-z0-9]+)?(?:/0)?([ \]),'\";|>#.]|$)",
            "${1}<ip>${2}",
        ),
    ),
)

UNITS = Group(
    "units",
    "0 ?[a-zA-Zµμ]",
    (
        Rule(
            "duration",
            r"<?(?-u:\b)(?:(?:0(?:\.0)?(?:ns|us|µs|μs|ms|s|m|h|d))+|0(?:\.0)? (?:ns|us|µs|ms|s|secs?|mins?|"
            r"(?:millisecond|second|minute|hour|day)s?))(?-u:\b)",
            "<dur>",
        ),
        Rule(
            "size",
            r"(?-u:\b)0(?:\.0)?(?: ?(?:[kKMGTPE]i?[bB]|B|[kK]ilobytes|bytes/s)|[KMGTP])(?-u:\b)(?:/s)?",
            "<size>",
        ),
    ),
)

BYTES = Group(
    "bytes",
    f"{_HEX} <?{_HEX}{{1,2}}>? {_HEX}{{1,2}} {_HEX}{{1,2}} ",
    (Rule("hex-dump", rf"(?-u:\b)(?:<?{_HEX}{{1,2}}>? ){{8,}}{_HEX}{{1,2}}(?-u:\b)", "<hex>"),),
)

IDENTITIES = Group(
    "identities",
    "0[a-zA-Z]",
    (
        Rule("fingerprint", "(?:SHA0|MD0):[A-Za-z0+/=:]+", "<fingerprint>"),
        Rule("scientific", r"(?-u:\b)0\.0[eE][+-]?0(?-u:\b)", "0"),
        Rule("hex-prefixed", rf"(?-u:\b)0x(?:[0a-fA-F]+(?-u:\b)|{HEX_MARK})", "<hex>"),
        Rule("hex", r"(?-u:\b)(?:[a-f]*0[a-f]+0[a-f0]*|[A-F]*0[A-F]+0[A-F0]*)(?-u:\b)", "<hex>"),
        Rule("token", r"(?-u:\b)(?:[A-Za-z]+0[A-Za-z]+0|0[A-Za-z]+0[A-Za-z]+)[A-Za-z0]*(?-u:\b)", "<id>"),
    ),
)

PEOPLE = Group(
    "people",
    r"for |user|User|USER|\) [A-Z]",
    (
        Rule("pam-session", r"(session (?:opened|closed) for user )[^ (<]+", "${1}<user>"),
        Rule("pam-by", r" by [^ (<]+\(uid=", " by <user>(uid="),
        Rule(
            "user-from",
            rf"((?i:{_AUTH} for|{_AUTH} for (?:invalid |illegal )?user|user)) (?:'[^']*'|\"[^\"]*\"|[^ <'\"]+) from <",
            "${1} <user> from <",
        ),
        Rule(
            "user-refused",
            r"((?i:authentication failures?|failed login|login failed|(?:failed|bad|invalid|wrong|incorrect) password) "
            r"for (?:user )?)[^ <'\",;]+( [\[(-]|[,;]|$)",
            "${1}<user>${2}",
        ),
        Rule("user-quoted", r"(?-u:\b)((?i:user|username)) (?:'[^']*'|\"[^\"]*\")", "${1} <user>"),
        Rule("user-invalid", r"(?-u:\b)((?i:invalid user|illegal user)) [^ <'\"]+", "${1} <user>"),
        Rule("cron", r"^\([A-Za-z0-9_.-]+\) (CMD|RELOAD|LIST|REPLACE|BEGIN EDIT|END EDIT) ", "(<user>) ${1} "),
    ),
)

ABSENT = Group(
    "absent",
    r"[ =:](?:\(\)|'')",
    (
        Rule("empty-brackets", r" \(\)( |$)", " (<none>)${1}"),
        Rule("empty-quotes", r"([ =:])''", "${1}'<none>'"),
    ),
)

NUMBERS = Group(
    "numbers",
    "0",
    (
        Rule("negative", r"(?-u:\B)-0", "0"),
        Literals("negative-joined", (("_-0", "_0"),)),
        Rule("number-list", r"(?-u:\b)0(?:\.0)?(?:, ?0(?:\.0)?){2,}(?-u:\b)", "<n>"),
        Rule("number", r"0(?:\.0)*(?:[eE][+-]?0)?", "<n>"),
    ),
)

FOLDED = Group(
    "folded",
    f"[{HEX_MARK}{UUID_MARK}{MAC_MARK}{STATUS_ZERO}]",
    (Literals("folded", ((HEX_MARK, "<hex>"), (UUID_MARK, "<uuid>"), (MAC_MARK, "<mac>"), (STATUS_ZERO, "0"))),),
)

SPACE = Group("space", "  ", (Rule("space", " {2,}", " "),))
