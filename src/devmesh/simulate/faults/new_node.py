"""A node that was never there before comes up and stays."""

from devmesh.simulate.stage import DAY_S, Stage


def play(stage: Stage) -> None:
    """Silent from the beginning; then it boots."""
    inventory = stage.fleet.inventory
    alone = {one.hosts[0] for one in inventory.services.values() if len(one.hosts) == 1}
    kernels = [one for one in stage.fleet.sources if one.program.name == "kernel"]
    kernel = stage.one_of([one for one in kernels if one.node not in alone] or kernels)
    stage.cause(kernel)
    stage.hush([one for one in stage.fleet.on(kernel.node) if not one.about], -3_650 * DAY_S, 0)
    stage.boot(kernel.node, 0)
    stage.end(120)
