"""Many visitors at once: more of the same, from the front door down to what it needs."""

from devmesh.simulate.fleet import Source
from devmesh.simulate.stage import Stage

STEPS = 8


def play(stage: Stage) -> None:
    """20 to 120 minutes, up to 2 to 5 times the usual, with a rise and a fall."""
    pool = stage.typed("proxy")
    door = stage.one_of(pool or [one for one in stage.services() if one.program.says("work")])
    stage.cause(door)
    end_s, most = stage.between(1_200, 7_200), stage.between(2, 5)
    busy = _behind(stage, door)
    for n in range(STEPS):
        height = 1 + (most - 1) * (1 - abs(2 * (n + 0.5) / STEPS - 1))
        stage.hush(busy, n * end_s / STEPS, (n + 1) * end_s / STEPS, height, "work")
    for source in busy:
        stage.falls_silent(source, 0)
    stage.end(end_s)


def _behind(stage: Stage, door: Source) -> list[Source]:
    names = [door.service]
    for name in names:
        names += [one for one in stage.fleet.inventory.needs[name] if one not in names]
    return [one for name in names for one in stage.fleet.of(name) if one.program.says("work")]
