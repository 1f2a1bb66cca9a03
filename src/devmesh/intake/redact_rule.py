r"""What a secret looks like: the rules of redaction as data, with examples and counter-examples that are run as tests.

A rule's pattern has three groups: what stands before, the secret, what stands after; only the secret is replaced.
Patterns are Rust's (polars): no look-around, linear time. They use ASCII classes, because Unicode ones cost the fast
engine, and need nothing on their left but what the first group takes, so that a match can be located by its text.
`hint` matches wherever the pattern can; every message is searched for the alternation of all hints, so hints are short.
`words` are lower-case literals, one of which is in each match (none: the rule is always tried on a hit). Names of rules
stand in marks, so none of them may itself look like the name of a secret.

`=` may be `%3D`, a space `%20` or `+`, and quotes may be escaped: texts come through URLs and shells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

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


SPACE: Final = r"(?:[ \t]|%20|\+)"
COLOUR: Final = r"\x1b\[[0-9;]*m|\\u001b\[[0-9;]*m"  # as it is, and as it stands in JSON
START: Final = rf"(?:^|[^0-9A-Za-z]|%[0-9A-F]{{2}}|{COLOUR})"
# A hint also searches JSON text, where a control character stands as letters and digits behind a backslash.
CONTROL: Final = r"\\(?:[nrtbf]|u00[01][0-9A-Fa-f])"
ANY_START: Final = rf"(?:^|[^0-9A-Za-z_.]|%[0-9A-F]{{2}}|{CONTROL}|{COLOUR})"
ANY_SPACE: Final = r"(?:[ \t+]|%20|\\t)"
