"""Text logs for tests: numbered lines, and what becomes of them."""

from __future__ import annotations

from pathlib import Path


def text(first: int, last: int, word: str = "line") -> str:
    """Lines first..last, 50 bytes and more each."""
    return "".join(
        f"2026-11-20T10:{n // 60 % 60:02d}:{n % 60:02d}Z {word} number {n} of the log\n" for n in range(first, last + 1)
    )


def numbers(first: int, last: int, word: str = "line") -> list[str]:
    return [f"{word} number {n} of the log" for n in range(first, last + 1)]


def append(path: Path, more: str | bytes) -> None:
    with path.open("ab") as file:
        file.write(more.encode() if isinstance(more, str) else more)
