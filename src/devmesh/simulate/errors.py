"""What can go wrong before the first line is written."""

from __future__ import annotations


class SimulationError(ValueError):
    """An inventory, a program's lines or a wish that cannot be followed; `hint` says what would be right."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint
