"""Redaction: secrets are replaced in whole columns before anything is stored.

Every message and every object of fields is searched once, for the alternation of all rules' hints; the rules run one
by one on the hits only. The same secret gives the same mark, `[REDACTED:type:hmac6]` with six hex digits of its
HMAC-SHA256 (RFC 2104) under the house's key, so that it can still be correlated. Redaction comes before cutting, and
looks into the base64 of `_raw`. It is idempotent, and linear in the text: RE2 and Rust's engine do all searching.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec
import polars as pl

from devmesh.intake.hints import hinted
from devmesh.intake.redact_checks import is_pair_secret
from devmesh.intake.redact_rules import RULES, SENSITIVE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from devmesh.intake.redact_rule import Rule
    from devmesh.intake.redact_spanning import OpenKeys

# More matches of one rule in one text than this are replaced in one go: whole, unchecked and with one mark for all,
# since groups need the slow engine. So a hostile text of nothing but matches costs little more than a clean one.
MANY: Final = 256
_PASSES: Final = 3
# A longer match is replaced whole: finding its groups would need the slow engine on much text.
_LONG_MATCH_BYTES: Final = 2048
_HINTS: Final = "|".join(dict.fromkeys(f"(?:{rule.hint})" for rule in RULES))
_FIELD_HINTS: Final = _HINTS + '|"_raw":'
_CARD_LIKE: Final = 10**12  # numbers that may be a card's are looked at as text
_MARK: Final = "[REDACTED:"
# Literal alternatives and an anchor only: linear in a name's length.
_SECRET_NAME: Final = re.compile(rf"{SENSITIVE_NAME}$", re.IGNORECASE | re.ASCII)
_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class _Marker:
    """Makes marks, and counts them by rule."""

    key: bytes
    counts: Counter[str] = field(default_factory=Counter)

    def mark(self, rule: str, secret: str, encoding: str = "utf-8") -> str:
        digest = hmac.new(self.key, secret.encode(encoding), hashlib.sha256).hexdigest()
        return f"{_MARK}{rule}:{digest[:6]}]"


def redact(batch: pl.DataFrame, key: bytes, open_keys: OpenKeys | None = None) -> tuple[pl.DataFrame, dict[str, int]]:
    """The `EventBatch` with secrets replaced in `message` and `fields`, and how many were, by rule.

    Call it before messages are cut: half a secret is none that a rule knows. With `open_keys`, which the caller keeps
    from batch to batch, private keys that span several entries are replaced too.
    """
    messages = hinted(batch["message"], _HINTS)
    objects = hinted(batch["fields"], _FIELD_HINTS)
    marker = _Marker(key)
    if open_keys is not None:
        batch, count = open_keys.redact(batch, messages, lambda text: marker.mark("pem", text))
        marker.counts["pem"] += count
    if messages:
        texts = _redact_texts(batch["message"][messages], marker)
        batch = batch.with_columns(batch["message"].scatter(messages, texts))
    if objects:
        texts = _redact_objects(batch["fields"][objects], marker)
        batch = batch.with_columns(batch["fields"].scatter(objects, texts))
    return batch, dict(+marker.counts)


def redact_text(text: str, key: bytes) -> str:
    """One text with its secrets replaced, for what does not come in frames."""
    return str(_redact_texts(pl.Series([text]), _Marker(key))[0])


def _redact_texts(texts: pl.Series, marker: _Marker, encoding: str = "utf-8") -> pl.Series:
    """The n texts after every rule whose words are in any of them."""
    lower = "\n".join(texts.to_list()).lower()
    for rule in RULES:
        if rule.words and not any(word in lower for word in rule.words):
            continue
        # A match takes the separator before it, which may be the end of the last one: hence more than one pass.
        for _ in range(_PASSES):
            rows = texts.str.contains(rule.pattern).arg_true()
            if not len(rows):
                break
            before = texts[rows]
            after = _apply(rule, before, marker, encoding)
            if not (before != after).any():
                break
            texts = texts.scatter(rows, after)
    return texts


def _apply(rule: Rule, texts: pl.Series, marker: _Marker, encoding: str) -> pl.Series:
    """The n texts, each with a match, after one rule."""
    many = texts.str.count_matches(rule.pattern) > MANY
    if many.any():
        marker.counts[rule.name] += int(many.sum())
        flat = texts.str.replace_all(rule.pattern, f"{_MARK}{rule.name}:000000]")
        return texts.zip_with(~many, flat).scatter(
            (~many).arg_true(), _replace_matches(rule, texts.filter(~many), marker, encoding)
        )
    return _replace_matches(rule, texts, marker, encoding)


def _replace_matches(rule: Rule, texts: pl.Series, marker: _Marker, encoding: str) -> pl.Series:
    """The n texts, each of whose matches is replaced if it is a secret."""
    found = texts.str.extract_all(rule.pattern)
    distinct = found.explode().drop_nulls().unique()
    long = distinct.str.len_bytes() > _LONG_MATCH_BYTES
    short = distinct.filter(~long)
    parts = short.str.extract_groups(rule.pattern).struct.unnest()
    replacements = {match: marker.mark(rule.name, match, encoding) for match in distinct.filter(long).to_list()}
    for match, (before, secret, after) in zip(short.to_list(), parts.iter_rows(), strict=True):
        if not secret.startswith(_MARK) and (rule.check is None or rule.check(before, secret)):
            replacements[match] = before + marker.mark(rule.name, secret, encoding) + after
    matches = found.to_list()
    marker.counts.update({rule.name: sum(match in replacements for row in matches for match in row)})
    replaced = [_splice(text, row, replacements) for text, row in zip(texts.to_list(), matches, strict=True)]
    return pl.Series(replaced, dtype=pl.String)


def _splice(text: str, matches: Iterable[str], replacements: dict[str, str]) -> str:
    """The text with its matches, given in their order, replaced."""
    parts: list[str] = []
    end = 0
    for match in matches:
        start = text.index(match, end)
        parts += text[end:start], replacements.get(match, match)
        end = start + len(match)
    return "".join((*parts, text[end:]))


def _redact_objects(objects: pl.Series, marker: _Marker) -> pl.Series:
    """The n JSON objects with the secrets in their texts replaced, at any depth, also in the bytes of `_raw`."""
    rows = [msgspec.json.decode(text) for text in objects.to_list()]
    leaves = [leaf for row in rows for leaf in _leaves(row, "")]
    raw = [leaf for row in rows for leaf in _raw_leaves(row)]
    named = [leaf for leaf in leaves if _is_secret_name(leaf.name) and is_pair_secret(leaf.name + "=", leaf.text)]
    for leaf in named:
        if not leaf.text.startswith(_MARK):
            leaf.replace(marker.mark("pair", leaf.text))
            marker.counts["pair"] += 1
    keys = [leaf for row in rows for value in row.values() for leaf in _keys(value)]
    for group, encoding in ((leaves, "utf-8"), (raw, "latin-1"), (keys, "utf-8")):
        texts = _redact_texts(pl.Series([leaf.text for leaf in group], dtype=pl.String), marker, encoding)
        for leaf, text in zip(group, texts.to_list(), strict=True):
            if text != leaf.text:
                leaf.replace(text)
    return pl.Series([_encoder.encode(row).decode() for row in rows], dtype=pl.String)


@dataclass(slots=True)
class _Leaf:
    """A text somewhere in an object: its holder and place in it, and the name of the field that it belongs to."""

    holder: Any
    place: str | int
    name: str
    text: str

    def replace(self, text: str) -> None:
        self.text = text
        self.holder[self.place] = text


class _RawLeaf(_Leaf):
    """Bytes in base64, looked at as Latin-1, in which each byte is one character."""

    __slots__ = ()

    def replace(self, text: str) -> None:
        self.holder[self.place] = base64.b64encode(text.encode("latin-1")).decode()


class _Key(_Leaf):
    """A key of a nested object: text that a sender is free to choose, unlike the names of fields."""

    __slots__ = ()

    def replace(self, text: str) -> None:
        self.holder[text] = self.holder.pop(self.place)


def _keys(value: Any) -> Iterator[_Leaf]:
    if isinstance(value, dict):
        yield from [_Key(value, key, key, key) for key in value]
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _keys(inner)


def _leaves(holder: dict[str, Any] | list[Any], name: str) -> Iterator[_Leaf]:
    places = holder.items() if isinstance(holder, dict) else enumerate(holder)
    for place, value in places:
        own = place if isinstance(place, str) else name
        if isinstance(value, dict | list):
            yield from _leaves(value, own)
        elif isinstance(value, str):
            yield _Leaf(holder, place, own, value)
        elif type(value) is int and (value >= _CARD_LIKE or _is_secret_name(own)):
            yield _Leaf(holder, place, own, str(value))


def _raw_leaves(row: dict[str, Any]) -> Iterator[_Leaf]:
    raw = row.get("_raw")
    for name, value in raw.items() if isinstance(raw, dict) else ():
        try:
            text = base64.b64decode(value, validate=True).decode("latin-1")
        except (binascii.Error, ValueError, TypeError):
            continue
        yield _RawLeaf(raw, name, name, text)


def _is_secret_name(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None
