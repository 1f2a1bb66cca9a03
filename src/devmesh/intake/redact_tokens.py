"""Secrets that are known by their own shape: private keys, and tokens with the prefix of who issued them."""

from __future__ import annotations

from typing import Final

from devmesh.intake.redact_checks import has_digit
from devmesh.intake.redact_rule import ANY_START, START, Rule

_K = "AbCdEf0123456789GhIjKl"

TOKEN_RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "pem",
        ("private",),
        r"PRIVATE(?: |\+|%20)KEY",
        r"(-----BEGIN(?:[ +A-Z0-9]|%20)*PRIVATE(?: |\+|%20)KEY(?:(?: |\+|%20)BLOCK)?-----)"
        r"((?s:.*?))(-----END(?:[ +A-Z0-9]|%20)*PRIVATE(?: |\+|%20)KEY(?:(?: |\+|%20)BLOCK)?-----|\z)",
        (
            (
                "key: -----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc=\n-----END RSA PRIVATE KEY----- end",
                "\nMIIEow\nabc=\n",
            ),
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
        rf"({START})(A[KS]IA[0-9A-Z]{{16}}(?-u:\b))()",
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
        r"(xox[abeoprs]-[0-9A-Za-z-]{10,}|xapp-[0-9A-Za-z-]{10,}"
        r"|T[0-9A-Z]{6,}(?:/|%2F)[AB][0-9A-Z]{6,}(?:/|%2F)[0-9A-Za-z]{16,})()",
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
        r"((?i:discord(?:app)?\.com(?:/|%2F)api(?:/|%2F)(?:v[0-9]+(?:/|%2F))?webhooks(?:/|%2F)[0-9]+(?:/|%2F)))"
        r"([0-9A-Za-z_-]{20,})()",
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
        rf"{ANY_START}sk-[0-9A-Za-z_-]{{20}}",
        rf"({START})(sk-[0-9A-Za-z_-]{{20,}})()",
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
        rf"({START})(dm_[0-9A-Za-z_-]{{32,}})()",
        ((f"auth dm_{_K}{_K} ok", f"dm_{_K}{_K}"),),
        ("dm_snapshot_merge", "xdm_012345678901234567890123456789012345", "dm_a_module_with_a_very_long_name_indeed"),
        has_digit,
    ),
    Rule(
        "vault",
        ("hvs.", "hvb.", "hvr."),
        r"hv[sbr]\.[0-9A-Za-z_-]{20}",
        rf"({START})(hv[sbr]\.[0-9A-Za-z_-]{{24,}})()",
        ((f"login hvs.{_K}{_K}", f"hvs.{_K}{_K}"),),
        ("hvs.short",),
    ),
    Rule(
        "huggingface",
        ("hf_",),
        r"hf_[0-9A-Za-z]{30}",
        rf"({START})(hf_[0-9A-Za-z]{{30,}})()",
        ((f"hub hf_{_K}{_K}", f"hf_{_K}{_K}"),),
        ("hf_transfer",),
    ),
    Rule(
        "sendgrid",
        ("sg.",),
        r"SG\.[0-9A-Za-z_-]{16}",
        rf"({START})(SG\.[0-9A-Za-z_-]{{16,}}\.[0-9A-Za-z_-]{{32,}})()",
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
)
