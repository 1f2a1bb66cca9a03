"""A new version of one's own service that works."""

from devmesh.simulate.fleet import CONTAINER
from devmesh.simulate.stage import Stage


def play(stage: Stage) -> None:
    """Down for a few seconds."""
    own = [one for one in stage.services() if one.transport == CONTAINER]
    victim = stage.victim("stop", "start", among=own)
    stage.cause(victim)
    stage.stop(victim, 0)
    stage.hush([victim], 1, 5, 0, "work")
    stage.start(victim, 5)
    stage.end(12)
