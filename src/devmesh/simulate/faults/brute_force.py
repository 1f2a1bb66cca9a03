"""Somebody tries passwords."""

from devmesh.simulate.stage import Stage


def play(stage: Stage) -> None:
    """5 to 45 minutes from one to four addresses."""
    victim = stage.victim("attack", among=stage.fleet.sources)
    stage.cause(victim)
    end_s = stage.between(300, 2_700)
    for _ in range(stage.count(1, 4)):
        address = f"{stage.count(45, 220)}.{stage.count(1, 250)}.{stage.count(1, 250)}.{stage.count(1, 250)}"
        stage.keep_saying(victim, "attack", stage.between(0, 60), end_s, stage.between(5, 30), {"stranger_ip": address})
    stage.end(end_s)
