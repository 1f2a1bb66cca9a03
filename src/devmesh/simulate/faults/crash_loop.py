"""A service dies at each start until systemd gives up, or the container engine tries ever more seldom."""

from devmesh.simulate.fleet import CONTAINER
from devmesh.simulate.stage import Stage

LONGEST_WAIT_S = 60


def play(stage: Stage) -> None:
    """4 to 12 starts, then silence; 10 to 60 minutes after its last start it is mended."""
    victim = stage.victim("crash", "start")
    stage.cause(victim)
    at_s, wait_s = 0.0, stage.between(1, 6)
    for n in range(stage.count(4, 12)):
        stage.say(victim, "crash", at_s)
        stage.pid1(victim, "unit exited", at_s + 0.4)
        at_s += wait_s + 1
        stage.start(victim, at_s, section="unit again", count=n + 1)
        at_s += stage.between(1.5, 4)
        if victim.transport == CONTAINER:
            wait_s = min(LONGEST_WAIT_S, wait_s * 2)
    stage.say(victim, "crash", at_s)
    stage.pid1(victim, "unit gave up", at_s + 1)
    end_s = at_s + stage.between(600, 3_600)
    stage.hush([victim], 0, end_s)
    stage.cascade(victim, "needs refused", 2, end_s, stage.between(2, 12))
    stage.start(victim, end_s, symptom=False)
    stage.end(end_s)
