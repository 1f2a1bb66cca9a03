"""Somebody raises the log level to look at something, and forgets it."""

from devmesh.simulate.stage import HOUR_S, Stage


def play(stage: Stage) -> None:
    """2 to 12 hours."""
    victim = stage.victim("debug", "stop", "start")
    stage.cause(victim)
    end_s = stage.between(2 * HOUR_S, 12 * HOUR_S)
    stage.stop(victim, 0)
    stage.start(victim, 4)
    stage.keep_saying(victim, "debug", 6, end_s, stage.between(1, 8))
    stage.stop(victim, end_s)
    stage.start(victim, end_s + 4)
    stage.end(end_s + 10)
