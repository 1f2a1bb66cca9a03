"""A new version brings an error that was never seen before; a second deploy takes it back."""

from devmesh.simulate.stage import Stage


def play(stage: Stage) -> None:
    """20 to 120 minutes."""
    victim = stage.victim("new error", "stop", "start")
    stage.cause(victim)
    end_s = stage.between(1_200, 7_200)
    stage.stop(victim, 0, symptom=False)
    stage.start(victim, 4, symptom=False)
    stage.keep_saying(victim, "new error", stage.between(10, 90), end_s, stage.between(0.8, 8))
    stage.hush([victim], 10, end_s, 0.8, "work")
    stage.stop(victim, end_s, symptom=False)
    stage.start(victim, end_s + 4, symptom=False)
    stage.end(end_s + 10)
