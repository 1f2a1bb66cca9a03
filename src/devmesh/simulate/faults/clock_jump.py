"""A node's clock jumps and is set right later; its lines carry the wrong time meanwhile."""

from devmesh.simulate.stage import Stage
from devmesh.simulate.world import Shift


def play(stage: Stage) -> None:
    """10 minutes to 2 hours ahead or behind, for 10 to 90 minutes."""
    clock = stage.victim("wrong", among=stage.fleet.sources)
    kernel = stage.one_of([one for one in [stage.fleet.at(clock.node, "kernel")] if one])
    stage.cause(kernel)
    offset_s = stage.between(600, 7_200) * (1 if stage.count(0, 1) else -1)
    end_s = stage.between(600, 5_400)
    node = clock.node
    journal, pid1 = stage.fleet.at(node, "journald"), stage.fleet.at(node, "systemd")
    stage.say(kernel, "clocksource", 0)
    stage.say(pid1, "time changed", 0.5)
    stage.say(clock, "forward" if offset_s > 0 else "unreachable", stage.between(1, 60))
    stage.say(clock, "wrong", end_s, {"wrong_s": f"{-offset_s:.6f}"})
    stage.say(pid1, "time changed", end_s + 0.5)
    stage.say(journal, "time jump", end_s + 1 if offset_s > 0 else 1)
    stage.script.shifts.append(Shift(node, stage.us(0), stage.us(end_s), round(offset_s * 1e6)))
    stage.end(end_s + 2)
