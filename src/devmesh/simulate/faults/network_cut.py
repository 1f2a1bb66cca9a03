"""Two nodes cannot reach each other: what one needs of the other times out; both go on otherwise."""

from devmesh.simulate.stage import Stage


def play(stage: Stage) -> None:
    """5 to 60 minutes. The cause is the service that cannot be reached; where it is several, their node as a whole, for
    nothing that anybody logs tells one of them from the others.
    """
    pairs = [
        (source, peer)
        for source in stage.services()
        for peer in source.needs
        if peer.node != source.node and source.program.says("needs timeout")
    ]
    source = stage.one_of([one for one, _peer in pairs])
    peers = [peer for one, peer in pairs if one is source]
    far = peers[stage.count(0, len(peers) - 1)]
    cut = [(user, peer) for user, peer in pairs if (user.node, peer.node) == (source.node, far.node)]
    kernel = stage.fleet.at(far.node, "kernel")
    several = kernel is not None and len({peer.service for _user, peer in cut}) > 1
    stage.script.cause = (kernel.service if kernel is not None and several else far.service, far.node)
    end_s = stage.between(300, 3_600)
    for user, peer in cut:
        begin_s = stage.between(5, 60)
        stage.keep_saying(user, "needs timeout", begin_s, end_s, stage.between(1, 8), peer.slots())
        stage.hush([user], begin_s, end_s, 0.3, "work")
    stage.end(end_s)
