"""A service fills its node's disk: it fails to write first, then everybody on that node does."""

from devmesh.simulate.stage import Stage


def play(stage: Stage) -> None:
    """15 to 60 minutes until somebody makes room."""
    writer = stage.victim("full")
    stage.cause(writer)
    end_s = stage.between(900, 3_600)
    stage.keep_saying(writer, "full", 0, end_s, stage.between(3, 12))
    stage.hush([writer], 30, end_s, 0.4, "work")
    for other in stage.fleet.on(writer.node):
        if other is not writer and other.program.says("full"):
            stage.keep_saying(
                other, "full", stage.between(20, 400), end_s, stage.between(0.3, 2), {"comm": writer.fixed["comm"]}
            )
    stage.end(end_s)
