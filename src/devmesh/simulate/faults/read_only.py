"""A disk dies under a node: the kernel reports errors, remounts the file system read-only, and writers fail."""

from devmesh.simulate.stage import Stage


def play(stage: Stage) -> None:
    """1 to 8 minutes of errors, then 20 to 90 of a file system that nobody can write to; a reboot ends it."""
    writer = stage.victim("read-only")
    kernel = stage.one_of([one for one in [stage.fleet.at(writer.node, "kernel")] if one])
    stage.cause(kernel)
    locked_s = stage.between(60, 480)
    end_s = locked_s + stage.between(1_200, 5_400)
    stage.keep_saying(kernel, "disk error", 0, locked_s, stage.between(3, 20))
    stage.say(kernel, "read-only", locked_s, {"comm": writer.fixed["comm"]})
    for source in stage.fleet.on(writer.node):
        if source is not kernel and source.program.says("read-only"):
            stage.keep_saying(source, "read-only", locked_s + stage.between(1, 90), end_s, stage.between(0.5, 5))
            stage.hush([source], locked_s, end_s, 0.5, "work")
    stage.boot(writer.node, end_s, symptom=False)
    stage.end(end_s)
