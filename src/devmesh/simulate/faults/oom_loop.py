"""A service outgrows its node's memory: the kernel kills it, systemd starts it, and again."""

from devmesh.simulate.fleet import CONTAINER
from devmesh.simulate.stage import Stage


def play(stage: Stage) -> None:
    """3 to 6 kills, 3 to 12 minutes apart."""
    large = [one for one in stage.services() if one.program.says("slow") or one.program.says("crash")]
    victim = stage.victim("start", among=[one for one in large if one.unit != "-" and one.transport != CONTAINER])
    stage.cause(victim)
    at_s = 0.0
    for n in range(stage.count(3, 6)):
        kernel = stage.fleet.at(victim.node, "kernel")
        slots = {"comm": victim.fixed["comm"], "unit": victim.unit}
        stage.say(kernel, "oom", at_s, slots, victim=victim)
        stage.pid1(victim, "unit killed", at_s + 0.8)
        back_s = at_s + stage.between(2, 15)
        stage.hush([victim], at_s + 1, back_s)
        stage.cascade(victim, "needs refused", at_s + 1, back_s + 30, stage.between(3, 12))
        stage.start(victim, back_s, section="unit again", count=n + 1)
        stage.end(back_s)
        at_s = back_s + stage.between(180, 720)
