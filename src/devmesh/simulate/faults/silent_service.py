"""A service hangs: no error, no line at all."""

from devmesh.simulate.fleet import Source
from devmesh.simulate.programs import USUAL, WORK
from devmesh.simulate.stage import HOUR_S, Stage

LOUD_ENOUGH = 20.0  # lines an hour: whoever speaks seldom is not missed


def play(stage: Stage) -> None:
    """1 to 5 hours, ended by a restart."""
    victim = stage.one_of([one for one in stage.services() if _rate(one) >= LOUD_ENOUGH])
    stage.cause(victim)
    end_s = stage.between(1 * HOUR_S, 5 * HOUR_S)
    stage.hush([victim], 0, end_s)
    stage.falls_silent(victim, HOUR_S / _rate(victim))
    stage.stop(victim, end_s, symptom=False)
    stage.start(victim, end_s + 5, symptom=False)
    stage.end(end_s)


def _rate(source: Source) -> float:
    """Lines an hour, on average."""
    return sum(one.rate for name in (USUAL, WORK) for one in source.program.says(name))
