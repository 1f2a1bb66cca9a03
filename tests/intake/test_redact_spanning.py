"""Private keys over several entries of one sender."""

from __future__ import annotations

import polars as pl

from devmesh.intake.redact import redact
from devmesh.intake.redact_spanning import KEY_LINES, SENDERS, OpenKeys

KEY = b"k"
BODY = ["MIIEowIBAAKCAQEA" + "x" * 48, "Ab9/+" * 12, "q7=="]
PEM = ["-----BEGIN RSA PRIVATE KEY-----", *BODY, "-----END RSA PRIVATE KEY-----"]


def frame(*rows):
    """Rows of (pid, message)."""
    return pl.DataFrame(
        {
            "node": ["n"] * len(rows),
            "service": ["s"] * len(rows),
            "pid": [r[0] for r in rows],
            "message": [r[1] for r in rows],
        },
        schema={"node": pl.String, "service": pl.String, "pid": pl.Int64, "message": pl.String},
    ).with_columns(fields=pl.lit(None, pl.String))


def test_a_key_over_several_entries_and_batches():
    """Its lines are replaced, whoever else speaks between them; after its end base64 is left alone again."""
    keys = OpenKeys()
    first, counts = redact(frame((1, PEM[0]), (2, BODY[0]), (1, BODY[0]), (1, "still working on it")), KEY, keys)
    second, _ = redact(frame((1, BODY[1]), (1, BODY[2]), (None, BODY[0]), (1, PEM[-1]), (1, BODY[0])), KEY, keys)
    first, second = first["message"].to_list(), second["message"].to_list()
    assert [first[1], first[3], *second[2:]] == [BODY[0], "still working on it", BODY[0], PEM[-1], BODY[0]]
    for text in (first[2], *second[:2]):
        assert text.startswith("[REDACTED:pem:")
    assert counts["pem"] == 2
    assert len(keys) == 0


def test_a_whole_key_in_one_entry_opens_nothing():
    """Begin and end in one message are the rules' work."""
    keys = OpenKeys()
    text, _ = redact(frame((1, "\n".join(PEM)), (1, BODY[0])), KEY, keys)
    assert "[REDACTED:pem:" in text["message"][0]
    assert text["message"][1] == BODY[0]
    assert len(keys) == 0


def test_state_is_bounded():
    """A key that never ends is forgotten after its most lines; of many open keys the oldest are forgotten."""
    keys = OpenKeys()
    redact(frame((1, PEM[0])), KEY, keys)
    masked, _ = redact(frame(*[(1, BODY[0])] * (KEY_LINES + 5)), KEY, keys)
    assert (masked["message"] == BODY[0]).sum() == 5
    redact(frame(*[(pid, PEM[0]) for pid in range(SENDERS + 10)]), KEY, keys)
    assert len(keys) == SENDERS
