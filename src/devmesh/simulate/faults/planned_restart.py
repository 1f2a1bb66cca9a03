"""Somebody restarts a service in good order."""

from devmesh.simulate.fleet import CONTAINER
from devmesh.simulate.stage import Stage


def play(stage: Stage) -> None:
    """Down for 3 to 20 seconds."""
    victim = stage.victim("stop", "start")
    stage.cause(victim)
    back_s = stage.between(3, 20)
    if victim.transport != CONTAINER:
        stage.say(stage.fleet.at(victim.node, "sudo"), "usual", -2, symptom=False)
    stage.stop(victim, 0)
    stage.hush([victim], 3, back_s, 0, "work")
    stage.start(victim, back_s)
    stage.end(back_s + 5)
