"""A node loses its power: no shutdown, then nothing from it; who needs its services times out."""

from devmesh.simulate.stage import Stage


def play(stage: Stage) -> None:
    """20 minutes to 3 hours, then it boots. As a whole, a node is its kernel."""
    kernel = stage.one_of([one for one in stage.fleet.sources if one.program.name == "kernel"])
    stage.cause(kernel)
    end_s = stage.between(1_200, 10_800)
    here = [one for one in stage.fleet.on(kernel.node) if not one.about]
    stage.hush(here, 0, end_s)
    for source in here:
        if source.service in stage.fleet.inventory.services:
            stage.falls_silent(source, 60)
            for user, hops, peer in stage.users(source):
                if hops == 1 and user.node != kernel.node and peer.node == kernel.node:
                    begin_s = stage.between(5, 45)
                    stage.keep_saying(user, "needs timeout", begin_s, end_s, stage.between(0.5, 4), peer.slots())
                    stage.hush([user], begin_s, end_s, 0.6, "work")
    stage.falls_silent(kernel, 60)
    stage.boot(kernel.node, end_s, symptom=False)
    stage.end(end_s)
