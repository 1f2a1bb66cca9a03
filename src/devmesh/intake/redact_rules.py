"""All rules of redaction in their order: secrets known by their shape, then those known by what stands before."""

from __future__ import annotations

from typing import Final

from devmesh.intake.redact_checks import is_basic, is_luhn, is_pair_secret, is_random
from devmesh.intake.redact_rule import ANY_SPACE, COLOUR, CONTROL, SPACE, Rule
from devmesh.intake.redact_tokens import TOKEN_RULES

_SEP = rf"{SPACE}*(?:=>|:=|=|:|%3[dDaA]){SPACE}*"
_QUOTE = r"""(?:\\*["']|%22|%27|&quot;)"""
SENSITIVE_NAME: Final = (
    r"(?:passw(?:or)?d|passphrase|passcode|secret|token|credentials?|"
    r"(?:api|access|account|private|secret|signing|encryption|auth|master|shared)[_.-]?key(?:[_.-]?id)?|"
    r"(?:^|[^A-Za-z])(?:pass|pwd))"
)
_PAIR_HINT = rf"(?i:{SENSITIVE_NAME}|{CONTROL}(?:pass|pwd)){_QUOTE}?{ANY_SPACE}*(?:[:=]|%3[dDaA])"
_BARE = r"""[^\s"'\\,;&\[\]{}()<>%]"""
_CARD = (  # issuers and lengths of ISO/IEC 7812-1
    r"(?:4[0-9]{3}|5[1-5][0-9]{2}|2[2-7][0-9]{2}|6(?:011|4[4-9][0-9]|5[0-9]{2})|35[2-8][0-9])"
    r"(?:[0-9]{12}|(?: [0-9]{4}){3}|(?:-[0-9]{4}){3})"
    r"|3[47][0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{5}|3(?:0[0-5]|[68][0-9])[0-9][ -]?[0-9]{6}[ -]?[0-9]{4}"
)
_K, _H = "AbCdEf0123456789GhIjKl", "0123456789abcdef"

RULES: Final[tuple[Rule, ...]] = (
    *TOKEN_RULES,
    Rule(
        "url",
        ("://", "%3a//", "%2f%2f"),
        r"(?:%3[aA]|:)(?:/|%2[fF]){2}[^\s/?#@\"'<>]*(?:@|%40)",
        r"((?:%3[aA]|:)(?:/|%2[fF]){2}[^\s/?#@:\"'<>%]*(?::|%3[aA]))([^\s/?#@\"'<>]+?)(@|%40)",
        (
            ("GET https://bob:hunter2@example.org/x", "hunter2"),
            ("redis://:p%21w:x@10.0.0.1:6379/0", "p%21w:x"),
            ("next=https%3A%2F%2Fbob%3Ahunter2%40example.org", "hunter2"),
            ("next=https%3A//bob%3Ahunter2%40example.org", "hunter2"),
        ),
        ("https://example.org:8080/a@b", "ssh://git@example.org/x", "http://[::1]:8080/"),
    ),
    Rule(
        "auth",
        ("authorization",),
        r"(?i:authorization)",
        rf"((?i:authorization{_QUOTE}?{_SEP}{_QUOTE}?(?:basic|bearer|token|apikey|negotiate|ntlm|gssapi){SPACE}+))"
        r"([^\s\"',;&]+)()",
        (
            ("Authorization: Bearer abc.def-123", "abc.def-123"),
            ("> proxy-authorization: basic Ym9iOnB3", "Ym9iOnB3"),
            ('{"Authorization": "Token 0123"}', "0123"),
            ("Authorization%3A%20Bearer%20abc123", "abc123"),
        ),
        ("authorization: required", "Authorization failed for bob", "Authorization: Bearer"),
    ),
    Rule(
        "auth",
        ("authorization",),
        r"(?i:authorization)",
        rf"((?i:authorization{_QUOTE}?{_SEP}{_QUOTE}?(?:digest|aws4-hmac-sha256|hawk|oauth|scram-sha-256){SPACE}+))"
        r"([^\r\n]+)()",
        (('Authorization: Digest username="bob", response="6629"', 'username="bob", response="6629"'),),
        ("authorization digest",),
    ),
    Rule(
        "auth",
        ("authorization",),
        r"(?i:authorization)",
        rf"((?i:authorization{_QUOTE}?{_SEP}{_QUOTE}?))({_BARE}+)()",
        ((f"Authorization: {_H}", _H),),
        ("authorization: denied", "authorization=none"),
        is_random,
    ),
    Rule(
        "bearer",
        ("bearer",),
        rf"(?i:bearer{ANY_SPACE})",
        rf"((?i:bearer){SPACE}+)([0-9A-Za-z._~+/=-]{{8,}})()",
        ((f"using bearer {_K}", _K), (f"h=Bearer%20{_K}", _K)),
        ("bearer tokens expire", "Bearer authentication failed"),
        is_random,
    ),
    Rule(
        "basic",
        ("basic",),
        rf"(?i:basic{ANY_SPACE})",
        rf"((?i:basic){SPACE}+)([0-9A-Za-z+/]{{6,}}=*)()",
        (("sent Basic Ym9iOmh1bnRlcjI= to", "Ym9iOmh1bnRlcjI="),),
        ("basic graphics driver", "Basic authentication"),
        is_basic,
    ),
    Rule(
        "cookie",
        ("cookie",),
        r"(?i:cookie)",
        rf"((?i:set-cookie2?{_QUOTE}?(?::|=|%3a){SPACE}*{_QUOTE}?)[^\s=;,\"']+?(?:=|%3D))([^\s;\"'\\]+)()",
        (("Set-Cookie: sid=abc123; Path=/", "abc123"), ('"set-cookie": "sid=abc123"', "abc123")),
        ("set-cookie: none",),
    ),
    Rule(
        "cookie",
        ("cookie",),
        r"(?i:cookie)",
        rf"((?i:(?:^|[^-0-9A-Za-z]|{COLOUR})cookie{_QUOTE}?(?::|=|%3a){SPACE}*{_QUOTE}?))"
        r"([^\s=;\"':]+(?:=|%3D)[^\r\n\"'\\]+)()",
        (("Cookie: sid=abc123; theme=dark", "sid=abc123; theme=dark"), ("< cookie: a=b", "a=b")),
        ("sending cookies. Check SNMP counters", "cookie: 0x63825363", "setcookie ok"),
    ),
    Rule(
        "sql",
        ("identified", "password"),
        rf"(?i:identified{ANY_SPACE}|password(?:{ANY_SPACE}+|{ANY_SPACE}*(?:\(|%28){ANY_SPACE}*){_QUOTE})",
        rf"((?i:(?:identified{SPACE}+(?:with{SPACE}+[^\s%+]+{SPACE}+)?(?:by|as){SPACE}+(?:password{SPACE}+)?"
        rf"|password(?:{SPACE}+|{SPACE}*(?:\(|%28){SPACE}*)){_QUOTE}))([^'\"\\]+?)({_QUOTE})",
        (
            ("CREATE USER bob IDENTIFIED BY 'hunter2'", "hunter2"),
            ("IDENTIFIED%20BY%20%27hunter2%27", "hunter2"),
            ('alter user x identified with mysql_native_password by "h2"', "h2"),
            ("ALTER ROLE x WITH PASSWORD 'hunter2'", "hunter2"),
            ("SET PASSWORD = PASSWORD('hunter2')", "hunter2"),
        ),
        ("identified by its serial number", "password changed for 'bob'"),
    ),
    Rule(
        "flag",
        ("pass", "secret", "token", "key"),
        rf"(?i:-(?:passw(?:or)?d|pass|passphrase|secret|token|key){ANY_SPACE})",
        r"((?i:(?:^|[\s\"'(=+]|%20)--?(?:[0-9a-z]+-)*(?:passw(?:or)?d|pass|passphrase|secret|token"
        rf"|(?:api|access|secret|auth|private|account)-key)){SPACE}+{_QUOTE}?)"
        r"""([^\s"'\\-][^\s"'\\]*)()""",
        (
            ("COMMAND=/usr/bin/mysqldump --password hunter2 --all", "hunter2"),
            ("run --api-key 'abc123' x", "abc123"),
            ("vault login -token abc123", "abc123"),
        ),
        ("--password --host x", "a-token expired"),
    ),
    Rule(
        "flag",
        ("curl", "sshpass", "mysql"),
        rf"(?:curl|sshpass|mysql[a-z]*){ANY_SPACE}",
        r"((?:curl[^\n]*?[ \t](?:-u|--user)[ \t=]*['\"]?[^\s:'\"]+:|sshpass[ \t]+-p[ \t]*['\"]?"
        r"|mysql[a-z]*[^\n]*?[ \t]-p['\"]?))"
        r"""([^\s"']+)()""",
        (
            ("COMMAND=/usr/bin/curl -s -u bob:hunter2 https://x", "hunter2"),
            ("sshpass -p hunter2 ssh x", "hunter2"),
            ("mysql -u root -phunter2 db", "hunter2"),
        ),
        ("curl -u bob https://x", "mysql started"),
    ),
    Rule(
        "pair",
        ("pass", "pwd", "secret", "token", "credential", "key"),
        _PAIR_HINT,
        rf"((?i:{SENSITIVE_NAME}){_QUOTE}?{_SEP}\\*[\"'])([^\"'\\]+)()",
        (
            ('{"user": "bob", "password": "hunter two"}', "hunter two"),
            ('{\\"password\\":\\"hunter2\\"}', "hunter2"),
            ("db_password='hunter2'", "hunter2"),
            ('"clientSecret" : "abc123"', "abc123"),
            ("api_key => 'abc123'", "abc123"),
        ),
        (
            'password: ""',
            "token: 'expired'",
            '"password": "<hidden>"',
            '"password":"[FILTERED]"',
            'password="__REDACTED__"',
            'PWD="/root"',
        ),
        is_pair_secret,
    ),
    Rule(
        "pair",
        ("pass", "pwd", "secret", "token", "credential", "key"),
        _PAIR_HINT,
        rf"((?i:{SENSITIVE_NAME}){_QUOTE}?{_SEP}{_QUOTE}?)({_BARE}(?:{_BARE}|%)*)()",
        (
            ("login password=hunter2 user=bob", "hunter2"),
            ("GET /x?access_token=abc123&y=1", "abc123"),
            ("password: hunter2", "hunter2"),
            ("secret_key=abc", "abc"),
            ("AccountKey=abc+/123==;x", "abc+/123=="),
            ("q=password%3Dhunter2", "hunter2"),
            ("PGPASSWORD=letmein psql", "letmein"),
            ("token: a1b2c3d4", "a1b2c3d4"),
        ),
        (
            "pam_unix(su:auth): password: required",
            "invalid token: unexpected end of input",
            "used tokens: 812, token=812",
            "bob : TTY=pts/0 ; PWD=/root ; USER=root ; COMMAND=/bin/ls",
            "bypass=1 compass: north",
            "password=$DB_PASSWORD token=${TOKEN} secret=<redacted>",
            "secret: default/my-secret not found",
        ),
        is_pair_secret,
    ),
    Rule(
        "key",
        ("key",),
        rf"(?i:(?:^|[?&;, \t]|{CONTROL})key(?:=|%3D)\S{{16}})",
        rf"((?i:(?:^|[?&;, \t])key(?:=|%3D)))({_BARE}{{16,}})()",
        ((f"GET /maps?key={_K}&q=x", _K),),
        ("key=value", "type=SYSCALL key=(null)", "key=/var/lib/some/0123456789/file", "primary key=12"),
        is_pair_secret,
    ),
    Rule(
        "card",
        (),
        rf"(?:^|[^0-9A-Za-z_.-]|%[0-9A-F]{{2}}|{CONTROL}|{COLOUR})(?:{_CARD})(?-u:\b)",
        rf"((?:^|[^0-9A-Za-z_.-]|%[0-9A-F]{{2}}|{COLOUR}))({_CARD})((?-u:\b))",
        (
            ("card 4111 1111 1111 1111 declined", "4111 1111 1111 1111"),
            ("pan=5555555555554444", "5555555555554444"),
            ("amex 3782-822463-10005", "3782-822463-10005"),
        ),
        (
            "order 4111111111111112",
            "load 0.4111111111111111",
            "ts 4111111111111111000",
            "id a4111111111111111",
            "blk_-4111111111111111",
            "{41111111-1111-1111-8888-000000000000}",
            "0000000000000000",
        ),
        is_luhn,
    ),
)
