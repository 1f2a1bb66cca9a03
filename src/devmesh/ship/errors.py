"""What can be wrong with the way the agent was started."""

from __future__ import annotations


class OptionsError(ValueError):
    """An option of the agent cannot work; the message names it."""
