"""Something leaks: a warning that comes more often every hour, until a restart."""

from devmesh.simulate.stage import HOUR_S, Stage

STEPS = 24


def play(stage: Stage) -> None:
    """6 to 48 hours, from a few an hour to one or several a minute."""
    victim = stage.victim("warnings", "start")
    stage.cause(victim)
    end_s = stage.between(6 * HOUR_S, 48 * HOUR_S)
    most = stage.between(0.8, 4)
    for n in range(STEPS):
        stage.keep_saying(victim, "warnings", n * end_s / STEPS, (n + 1) * end_s / STEPS, most * ((n + 1) / STEPS) ** 2)
    stage.stop(victim, end_s, symptom=False)
    stage.start(victim, end_s + 4, symptom=False)
    stage.end(end_s)
