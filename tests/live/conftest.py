"""Live tests feed real journals: how to make them is known next door, in the agent's tests."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "ship"))
