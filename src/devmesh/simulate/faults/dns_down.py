"""The resolver fails: first its upstream, then names cannot be found by whoever needs it."""

from devmesh.simulate.stage import Stage


def play(stage: Stage) -> None:
    """A minute or two of failing answers, then 5 to 40 minutes without a resolver."""
    resolver = stage.victim("down", "start", among=stage.typed("dns"))
    stage.cause(resolver)
    down_s = stage.between(30, 150)
    end_s = down_s + stage.between(300, 2_400)
    stage.keep_saying(resolver, "down", 0, down_s, stage.between(4, 20))
    stage.pid1(resolver, "unit exited", down_s)
    stage.hush([resolver], down_s, end_s)
    for source, hops, peer in stage.users(resolver):
        words = "needs name" if source.program.says("needs name") else "needs refused"
        if source.program.says(words) and hops <= 2:  # noqa: PLR2004 - those behind fail by what they call, more quietly
            begin_s = down_s + sum(stage.between(2, 40) for _ in range(hops))
            stage.keep_saying(
                source, words if hops == 1 else "needs timeout", begin_s, end_s, stage.between(1, 8), peer.slots()
            )
            stage.hush([source], begin_s, end_s, 0.4, "work")
    stage.start(resolver, end_s, section="unit again", count=1)
    stage.end(end_s + 60)
