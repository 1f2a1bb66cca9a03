r"""What a secret looks like: the rules of redaction as data, with examples and counter-examples that are run as tests.

A rule's pattern has three groups: what stands before, the secret, what stands after; only the secret is replaced.
Patterns are Rust's (polars): no look-around, linear time. They use ASCII classes, because Unicode ones cost the fast
engine. `hint` matches wherever the pattern can: every message is searched for the alternation of all hints, so hints
are short; `words` are lower-case literals of which each match
has one (none: always tried). Names of rules stand in marks, so none of them may itself name a secret. A pattern needs nothing on its left but what its first group takes, so that a found match can be located by
its text. `=` may be `%3D`, a space `%20` or `+`, and quotes may be escaped: texts come through URLs and shells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from devmesh.intake.redact_checks import has_digit, is_basic, is_luhn, is_pair_secret, is_random

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of secret. `examples` are (text, the secret in it); `check(before, secret)` says whether it is one."""

    name: str
    words: tuple[str, ...]
    hint: str
    pattern: str
    examples: tuple[tuple[str, str], ...]
    counter_examples: tuple[str, ...] = ()
    check: Callable[[str, str], bool] | None = None


_SPACE = r"(?:[ \t]|%20|\+)"
_SEP = rf"{_SPACE}*(?:=>|:=|=|:|%3[dDaA]){_SPACE}*"
_QUOTE = r"""(?:\\*["']|%22|%27|&quot;)"""
_START = r"(?:^|[^0-9A-Za-z]|%[0-9A-F]{2})"
# A hint also searches JSON text, where a tab or line end stands as two characters.
_ANY_START = r"(?:^|[^0-9A-Za-z_.]|%[0-9A-F]{2}|\\[nrtbfu0-9])"
_ANY_SPACE = r"(?:[ \t+]|%20|\\t)"
SECRET_NAME = (
    r"(?:passw(?:or)?d|passphrase|passcode|secret|token|credentials?|"
    r"(?:api|access|account|private|secret|signing|encryption|auth|master|shared)[_.-]?key(?:[_.-]?id)?|"
    r"(?:^|[^A-Za-z])(?:pass|pwd))"
)
_PAIR_HINT = (
    rf"(?i:{SECRET_NAME}|\\[nrt](?:pass|pwd)){_QUOTE}?{_ANY_SPACE}*(?:[:=]|%3[dDaA])"
)
_BARE = r"""[^\s"'\\,;&\[\]{}()<>%]"""
_K, _H = "AbCdEf0123456789GhIjKl", "0123456789abcdef"

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "pem",
        ("private",),
        r"PRIVATE(?: |\+|%20)KEY",
        r"(-----BEGIN(?:[ +A-Z0-9]|%20)*PRIVATE(?: |\+|%20)KEY(?:(?: |\+|%20)BLOCK)?-----)"
        r"((?s:.*?))(-----END(?:[ +A-Z0-9]|%20)*PRIVATE(?: |\+|%20)KEY(?:(?: |\+|%20)BLOCK)?-----|\z)",
        (
            ("key: -----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc=\n-----END RSA PRIVATE KEY----- end", "\nMIIEow\nabc=\n"),
            ("-----BEGIN PRIVATE KEY-----\\nMIIEow", "\\nMIIEow"),
            ("k=-----BEGIN%20EC%20PRIVATE%20KEY-----%0AMHcC", "%0AMHcC"),
        ),
        ("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----", "read PRIVATE KEY from /etc/ssl/x.pem"),
    ),
    Rule(
        "jwt",
        ("eyj",),
        r"eyJ[0-9A-Za-z_-]+\.eyJ",
        r"()(eyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{10,})()",
        ((f"sent eyJhbGciOiJ9.eyJzdWIiOiIx.{_K} ok", f"eyJhbGciOiJ9.eyJzdWIiOiIx.{_K}"),),
        ("eyJ.eyJ.x", "keyJournal.eyJournal"),
    ),
    Rule(
        "aws",
        ("akia", "asia"),
        r"A[KS]IA[0-9A-Z]{16}",
        rf"({_START})(A[KS]IA[0-9A-Z]{{16}}(?-u:\b))()",
        (("id AKIAIOSFODNN7EXAMPLE used", "AKIAIOSFODNN7EXAMPLE"), ("k=ASIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE")),
        ("FOOAKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLES"),
    ),
    Rule(
        "github",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        r"gh[pousr]_[0-9A-Za-z]{20}|github_pat_",
        r"()(gh[pousr]_[0-9A-Za-z]{36,}|github_pat_[0-9A-Za-z_]{22,})()",
        ((f"push ghp_{_K}{_K[:14]} done", f"ghp_{_K}{_K[:14]}"), (f"github_pat_{_K}_{_K}", f"github_pat_{_K}_{_K}")),
        ("ghp_short",),
    ),
    Rule(
        "gitlab",
        ("gl",),
        r"gl[a-z]{2,5}-[0-9A-Za-z_-]{20}",
        r"()(gl(?:pat|oas|dt|rt|cbt|ptt|ft|soat|imt|agent)-[0-9A-Za-z_-]{20,})()",
        ((f"GET /x glpat-{_K} 200", f"glpat-{_K}"),),
        ("glpat-short", "global-0123456789012345678901"),
    ),
    Rule(
        "slack",
        ("xox", "xapp-", "hooks.slack.com"),
        r"xox[a-z]-|xapp-|hooks\.slack\.com",
        r"((?:hooks\.slack\.com(?:/|%2F)(?:services|workflows)(?:/|%2F))?)"
        r"(xox[abeoprs]-[0-9A-Za-z-]{10,}|xapp-[0-9A-Za-z-]{10,}|T[0-9A-Z]{6,}(?:/|%2F)[AB][0-9A-Z]{6,}(?:/|%2F)[0-9A-Za-z]{16,})()",
        (
            (f"slack xoxb-123456789012-{_K}", f"xoxb-123456789012-{_K}"),
            (f"https://hooks.slack.com/services/T0123ABCD/B0123ABCD/{_K}", f"T0123ABCD/B0123ABCD/{_K}"),
        ),
        ("xoxb-1", "https://hooks.slack.com/services/"),
    ),
    Rule(
        "discord-webhook",
        ("webhooks",),
        r"(?i:webhooks(?:/|%2F)[0-9]+(?:/|%2F))",
        r"((?i:discord(?:app)?\.com(?:/|%2F)api(?:/|%2F)(?:v[0-9]+(?:/|%2F))?webhooks(?:/|%2F)[0-9]+(?:/|%2F)))([0-9A-Za-z_-]{20,})()",
        ((f"POST https://discord.com/api/webhooks/123456789/{_K}_{_K}", f"{_K}_{_K}"),),
        ("https://discord.com/api/webhooks/123456789/x",),
    ),
    Rule(
        "google",
        ("aiza", "ya29.", "gocspx-"),
        r"AIza[0-9A-Za-z_-]{35}|ya29\.|GOCSPX-",
        r"()(AIza[0-9A-Za-z_-]{35}|ya29\.[0-9A-Za-z_-]{20,}|GOCSPX-[0-9A-Za-z_-]{20,})()",
        ((f"maps AIza{_K}{_K[:13]}", f"AIza{_K}{_K[:13]}"), (f"ya29.{_K}", f"ya29.{_K}")),
        ("AIzaShort",),
    ),
    Rule(
        "stripe",
        ("k_live_", "k_test_", "whsec_"),
        r"[srp]k_(?:live|test)_|whsec_",
        r"()([sr]k_(?:live|test)_[0-9A-Za-z]{16,}|whsec_[0-9A-Za-z]{16,})()",
        ((f"charge with sk_live_{_K}", f"sk_live_{_K}"), (f"whsec_{_K}", f"whsec_{_K}")),
        ("sk_live_", "pk_live_0123456789abcdef01"),
    ),
    Rule(
        "llm-key",
        ("sk-",),
        rf"{_ANY_START}sk-[0-9A-Za-z_-]{{20}}",
        rf"({_START})(sk-[0-9A-Za-z_-]{{20,}})()",
        ((f"OpenAI sk-proj-{_K}", f"sk-proj-{_K}"), (f"key%3Dsk-ant-{_K}", f"sk-ant-{_K}")),
        ("disk-0123456789012345678901234", "sk-learn-is-a-library-of-functions"),
        has_digit,
    ),
    Rule(
        "npm",
        ("npm_",),
        r"npm_[0-9A-Za-z]{36}",
        r"()(npm_[0-9A-Za-z]{36})()",
        ((f"npm_{_K}{_K[:14]}", f"npm_{_K}{_K[:14]}"),),
        ("npm_config_registry",),
    ),
    Rule(
        "pypi",
        ("pypi-",),
        r"pypi-AgE",
        r"()(pypi-AgE[0-9A-Za-z_-]{30,})()",
        ((f"twine pypi-AgEIcHlwaS5vcmc{_K}", f"pypi-AgEIcHlwaS5vcmc{_K}"),),
        ("pypi-AgEx",),
    ),
    Rule(
        "telegram",
        (":aa", "%3aaa"),
        r"[0-9]{8}(?::|%3[aA])AA",
        r"((?:^|[^0-9]|%[0-9A-F]{2}))([0-9]{8,10}(?::|%3[aA])AA[0-9A-Za-z_-]{33})()",
        ((f"POST /bot123456789:AA{_K}{_K[:11]}/send", f"123456789:AA{_K}{_K[:11]}"),),
        ("12345678:AAshort",),
    ),
    Rule(
        "devmesh",
        ("dm_",),
        r"dm_[0-9A-Za-z_-]{32}",
        rf"({_START})(dm_[0-9A-Za-z_-]{{32,}})()",
        ((f"auth dm_{_K}{_K} ok", f"dm_{_K}{_K}"),),
        ("dm_snapshot_merge", "xdm_012345678901234567890123456789012345", "dm_a_module_with_a_very_long_name_indeed"),
        has_digit,
    ),
    Rule(
        "vault",
        ("hvs.", "hvb.", "hvr."),
        r"hv[sbr]\.[0-9A-Za-z_-]{20}",
        rf"({_START})(hv[sbr]\.[0-9A-Za-z_-]{{24,}})()",
        ((f"login hvs.{_K}{_K}", f"hvs.{_K}{_K}"),),
        ("hvs.short",),
    ),
    Rule(
        "huggingface",
        ("hf_",),
        r"hf_[0-9A-Za-z]{30}",
        rf"({_START})(hf_[0-9A-Za-z]{{30,}})()",
        ((f"hub hf_{_K}{_K}", f"hf_{_K}{_K}"),),
        ("hf_transfer",),
    ),
    Rule(
        "sendgrid",
        ("sg.",),
        r"SG\.[0-9A-Za-z_-]{16}",
        rf"({_START})(SG\.[0-9A-Za-z_-]{{16,}}\.[0-9A-Za-z_-]{{32,}})()",
        ((f"mail SG.{_K}.{_K}{_K}", f"SG.{_K}.{_K}{_K}"),),
        ("MSG.0123456789abcdef01",),
    ),
    Rule(
        "age-key",
        ("age-secret-key-",),
        r"AGE-SECRET-KEY-",
        r"()(AGE-SECRET-KEY-1[0-9A-Z]{50,})()",
        ((f"# AGE-SECRET-KEY-1{'QPZRY9X8' * 7}", f"AGE-SECRET-KEY-1{'QPZRY9X8' * 7}"),),
        ("AGE-SECRET-KEY-",),
    ),
    Rule(
        "url",
        ("://", "%3a%2f%2f"),
        r"(?:://|%3[aA]%2[fF]%2[fF])[^\s/?#@\"'<>]*(?:@|%40)",
        r"((?:://|%3[aA]%2[fF]%2[fF])[^\s/?#@:\"'<>%]*(?::|%3[aA]))([^\s/?#@\"'<>]+?)(@|%40)",
        (
            ("GET https://bob:hunter2@example.org/x", "hunter2"),
            ("redis://:p%21w:x@10.0.0.1:6379/0", "p%21w:x"),
            ("next=https%3A%2F%2Fbob%3Ahunter2%40example.org", "hunter2"),
        ),
        ("https://example.org:8080/a@b", "ssh://git@example.org/x", "http://[::1]:8080/"),
    ),
    Rule(
        "auth",
        ("authorization",),
        r"(?i:authorization)",
        rf"((?i:authorization{_QUOTE}?{_SEP}{_QUOTE}?(?:basic|bearer|token|apikey|negotiate|ntlm|gssapi){_SPACE}+))([^\s\"',;&]+)()",
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
        rf"((?i:authorization{_QUOTE}?{_SEP}{_QUOTE}?(?:digest|aws4-hmac-sha256|hawk|oauth|scram-sha-256){_SPACE}+))([^\r\n]+)()",
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
        rf"(?i:bearer{_ANY_SPACE})",
        rf"((?i:bearer){_SPACE}+)([0-9A-Za-z._~+/=-]{{8,}})()",
        ((f"using bearer {_K}", _K), (f"h=Bearer%20{_K}", _K)),
        ("bearer tokens expire", "Bearer authentication failed"),
        is_random,
    ),
    Rule(
        "basic",
        ("basic",),
        rf"(?i:basic{_ANY_SPACE})",
        rf"((?i:basic){_SPACE}+)([0-9A-Za-z+/]{{6,}}=*)()",
        (("sent Basic Ym9iOmh1bnRlcjI= to", "Ym9iOmh1bnRlcjI="),),
        ("basic graphics driver", "Basic authentication"),
        is_basic,
    ),
    Rule(
        "cookie",
        ("cookie",),
        r"(?i:cookie)",
        rf"((?i:set-cookie2?{_QUOTE}?(?::|=|%3a){_SPACE}*{_QUOTE}?)[^\s=;,\"']+(?:=|%3D))([^\s;\"'\\]+)()",
        (("Set-Cookie: sid=abc123; Path=/", "abc123"), ('"set-cookie": "sid=abc123"', "abc123")),
        ("set-cookie: none",),
    ),
    Rule(
        "cookie",
        ("cookie",),
        r"(?i:cookie)",
        rf"((?i:(?:^|[^-0-9A-Za-z])cookie{_QUOTE}?(?::|=|%3a){_SPACE}*{_QUOTE}?))([^\s=;\"':]+(?:=|%3D)[^\r\n\"'\\]+)()",
        (("Cookie: sid=abc123; theme=dark", "sid=abc123; theme=dark"), ("< cookie: a=b", "a=b")),
        ("sending cookies. Check SNMP counters", "cookie: 0x63825363", "setcookie ok"),
    ),
    Rule(
        "sql",
        ("identified", "password"),
        r"(?i:identified|password)",
        r"((?i:(?:identified[ \t]+(?:with[ \t]+[^\s]+[ \t]+)?(?:by|as)[ \t]+(?:password[ \t]+)?|password(?:[ \t]+|[ \t]*\([ \t]*))\\*['\"]))([^'\"\\]+)()",
        (
            ("CREATE USER bob IDENTIFIED BY 'hunter2'", "hunter2"),
            ("alter user x identified with mysql_native_password by \"h2\"", "h2"),
            ("ALTER ROLE x WITH PASSWORD 'hunter2'", "hunter2"),
            ("SET PASSWORD = PASSWORD('hunter2')", "hunter2"),
        ),
        ("identified by its serial number", "password changed for 'bob'"),
    ),
    Rule(
        "flag",
        ("pass", "secret", "token", "key"),
        rf"(?i:-(?:passw(?:or)?d|pass|passphrase|secret|token|key){_ANY_SPACE})",
        rf"((?i:(?:^|[\s\"'(=+]|%20)--?(?:[0-9a-z]+-)*(?:passw(?:or)?d|pass|passphrase|secret|token|(?:api|access|secret|auth|private|account)-key)){_SPACE}+{_QUOTE}?)"
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
        r"(?:curl|sshpass|mysql)",
        r"((?:curl[^\n]{0,200}?[ \t](?:-u|--user)[ \t=]*['\"]?[^\s:'\"]+:|sshpass[ \t]+-p[ \t]*['\"]?|mysql[a-z]*[^\n]{0,200}?[ \t]-p['\"]?))"
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
        rf"((?i:{SECRET_NAME}){_QUOTE}?{_SEP}\\*[\"'])([^\"'\\]+)()",
        (
            ('{"user": "bob", "password": "hunter two"}', "hunter two"),
            ('{\\"password\\":\\"hunter2\\"}', "hunter2"),
            ("db_password='hunter2'", "hunter2"),
            ('"clientSecret" : "abc123"', "abc123"),
            ("api_key => 'abc123'", "abc123"),
        ),
        ('password: ""', "token: 'expired'", '"password": "<hidden>"', 'PWD="/root"'),
        is_pair_secret,
    ),
    Rule(
        "pair",
        ("pass", "pwd", "secret", "token", "credential", "key"),
        _PAIR_HINT,
        rf"((?i:{SECRET_NAME}){_QUOTE}?{_SEP}{_QUOTE}?)({_BARE}(?:{_BARE}|%)*)()",
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
        r"(?i:(?:^|[?&;, \t]|\\[nrt])key(?:=|%3D)\S{16})",
        rf"((?i:(?:^|[?&;, \t])key(?:=|%3D)))({_BARE}{{16,}})()",
        ((f"GET /maps?key={_K}&q=x", _K),),
        ("key=value", "type=SYSCALL key=(null)", "key=/var/lib/some/0123456789/file", "primary key=12"),
        is_pair_secret,
    ),
    Rule(
        "card",
        (),
        rf"{_ANY_START}[2-6][0-9]{{3}}[ -]?[0-9]{{4,6}}[ -]?[0-9]{{4}}",
        r"((?:^|[^0-9A-Za-z_.]|%[0-9A-F]{2}))"
        r"((?:4[0-9]{3}|5[1-5][0-9]{2}|2[2-7][0-9]{2}|6(?:011|4[4-9][0-9]|5[0-9]{2})|35[2-8][0-9])(?:[ -]?[0-9]{4}){3}"
        r"|3[47][0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{5}|3(?:0[0-5]|[68][0-9])[0-9][ -]?[0-9]{6}[ -]?[0-9]{4})((?-u:\b))",
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
            "0000000000000000",
        ),
        is_luhn,
    ),
)
