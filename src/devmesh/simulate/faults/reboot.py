"""A node is rebooted in good order, as after a new kernel."""

from devmesh.simulate.stage import Stage


def play(stage: Stage) -> None:
    """Down for 20 to 70 seconds."""
    kernel = stage.one_of([one for one in stage.fleet.sources if one.program.name == "kernel"])
    stage.cause(kernel)
    node = kernel.node
    here = [one for one in stage.fleet.on(node) if not one.about]
    stage.say(stage.fleet.at(node, "logind"), "reboot", 0)
    for source in here:
        if source.program.says("stop") and source.program.name != "journald":
            stage.stop(source, stage.between(0.5, 4))
    stage.say(stage.fleet.at(node, "systemd"), "shutdown", 7)
    stage.say(stage.fleet.at(node, "journald"), "stop", 9)
    back_s = 10 + stage.between(20, 70)
    stage.hush(here, 0.5, back_s)
    stage.boot(node, back_s)
    stage.end(back_s + 60)
