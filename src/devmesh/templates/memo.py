"""A bounded memory of what a pure function gave before.

Two generations: when the young one is full it becomes the old one, and what is asked for again moves back to the young.
So what is in use stays, what is not leaves, and hostile variety costs a fixed amount of memory.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")

ENTRY_BYTES = 300  # what Python adds to the characters of a key and its answer


class Memo(Generic[Key, Answer]):
    """Calls `compute` (a list of distinct keys to their answers, none of them None) only for keys that it does not
    hold.
    """

    def __init__(
        self, compute: Callable[[list[Key]], list[Answer]], size: Callable[[Key, Answer], int], limit: int
    ) -> None:
        """`limit` bounds the sum of `size` of what one generation holds; what has size 0 is not held."""
        self._compute, self._size, self._limit = compute, size, limit
        self._lock = threading.Lock()
        self._young: dict[Key, Answer] = {}
        self._old: dict[Key, Answer] = {}
        self._held = 0

    def __call__(self, keys: list[Key]) -> list[Answer]:
        """The answer for each of `keys`, which may repeat."""
        with self._lock:
            young, old = self._young, self._old
        answers = list(map(young.get, keys))
        missing = {key for key, answer in zip(keys, answers, strict=True) if answer is None} if None in answers else ()
        if missing:
            found = {key: old[key] for key in missing if key in old}
            unknown = [key for key in dict.fromkeys(keys) if key in missing and key not in found]
            found.update(zip(unknown, self._compute(unknown), strict=True) if unknown else ())
            self._keep(found, young)
            answers = [found[key] if answer is None else answer for key, answer in zip(keys, answers, strict=True)]
        return answers  # type: ignore[return-value]  # no None is left

    def forget(self) -> None:
        """Hold nothing any more; what is being computed meanwhile is not kept either."""
        with self._lock:
            self._young, self._old, self._held = {}, {}, 0

    def _keep(self, found: dict[Key, Answer], young: dict[Key, Answer]) -> None:
        sizes = {key: self._size(key, answer) for key, answer in found.items()}
        found = {key: answer for key, answer in found.items() if sizes[key]}
        size = sum(sizes.values())
        with self._lock:
            if size > self._limit or young is not self._young:
                return
            if self._held + size > self._limit:
                self._old, self._young, self._held = self._young, {}, 0
            self._young.update(found)
            self._held += size
