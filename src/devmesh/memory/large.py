"""Dictionaries of which a second form is needed each minute, too large to be copied for it.

`fork` copies anything; each `Large` in it becomes an `Over`, which looks through to the original and keeps what is
changed to itself. The original must not change while the fork is in use.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any, TypeVar

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")

_FORK = "fork"  # in the memo of deepcopy, whose other keys are numbers
_GONE: Any = object()


class Large(dict[K, V]):
    """A dictionary that `fork` does not copy; `copy.deepcopy` does."""

    def __deepcopy__(self, memo: dict[Any, Any]) -> MutableMapping[K, V]:
        if _FORK in memo:
            return Over(self)
        return Large((key, copy.deepcopy(value, memo)) for key, value in self.items())


class Over(MutableMapping[K, V]):
    """Another dictionary, and what is changed beside it. Who asks for a value by its key gets one of his own and may
    change it; those of `items` are the original's.
    """

    def __init__(self, base: dict[K, V]) -> None:
        self._base, self._own = base, dict[K, V]()

    def __getitem__(self, key: K) -> V:
        if key not in self._own:
            value = self._base[key]
            if isinstance(value, int):
                return value
            self._own[key] = copy.deepcopy(value)
        value = self._own[key]
        if value is _GONE:
            raise KeyError(key)
        return value

    def __setitem__(self, key: K, value: V) -> None:
        self._own[key] = value

    def __delitem__(self, key: K) -> None:
        if key not in self:
            raise KeyError(key)
        self._own[key] = _GONE

    def __contains__(self, key: object) -> bool:
        return self._own[key] is not _GONE if key in self._own else key in self._base

    def items(self) -> Any:
        """(key, value) of all, to look at."""
        yield from ((key, value) for key, value in self._base.items() if key not in self._own)
        yield from ((key, value) for key, value in self._own.items() if value is not _GONE)

    def __iter__(self) -> Iterator[K]:
        return (key for key, _value in self.items())

    def __len__(self) -> int:
        return sum(1 for _key in self)


def fork(one: T, kept: Iterable[object]) -> T:
    """A copy that may go on by itself; what is `kept` is the same in both."""
    memo: dict[Any, Any] = {id(it): it for it in kept}
    return copy.deepcopy(one, memo | {_FORK: True})
