"""A database gets slow, then dies; the API waits, fails, and drops what it asked inference for."""

from devmesh.simulate.stage import Stage


def play(stage: Stage) -> None:
    """3 to 10 minutes of slowness, 3 to 15 of outage, one or two failed starts, then it is back."""
    database = stage.victim("slow", "down", "start", among=stage.typed("database"))
    stage.cause(database)
    down_s = stage.between(180, 600)
    up_s = down_s + stage.between(180, 900)
    stage.keep_saying(database, "slow", 0, down_s, stage.between(2, 8))
    waiting = stage.cascade(database, "needs slow", 20, down_s, stage.between(1, 5))
    stage.say(database, "down", down_s)
    stage.pid1(database, "unit aborted", down_s + 1)
    stage.hush([database], down_s, up_s)
    failed = stage.cascade(database, "needs refused", down_s, up_s + stage.between(5, 40), stage.between(5, 20))
    stage.give_up_on([*waiting, *failed], down_s, up_s)
    stage.start(database, up_s, section="unit again", count=1)
    stage.end(up_s + 60)
