"""The storage service stops: mounts hang on every node that uses it, jobs on them fail."""

from devmesh.simulate.stage import Stage


def play(stage: Stage) -> None:
    """20 to 120 minutes."""
    storage = stage.one_of([one for one in stage.services() if one.program.name == "nfs"])
    stage.cause(storage)
    end_s = stage.between(1_200, 7_200)
    stage.say(storage, "stop", 0)
    stage.pid1(storage, "unit stop", 0)
    stage.hush([storage], 1, end_s)
    nodes = dict.fromkeys(source.node for source, hops, _peer in stage.users(storage) if hops == 1)
    slots = {"peer_ip": stage.fleet.ip(storage.node)}
    for node in nodes:
        kernel = stage.fleet.at(node, "kernel")
        stage.keep_saying(kernel, "nfs gone", stage.between(5, 60), end_s, stage.between(0.2, 1.5), slots)
        stage.say(kernel, "nfs back", end_s + stage.between(1, 20), slots, symptom=False)
    for source, hops, peer in stage.users(storage):
        if hops > 1 or not source.program.says("needs stale"):
            continue
        if source.program.jobs:  # it notices when its job is due
            stage.hush([source], 0, end_s)
            for due_s in stage.jobs_of(source, 0, end_s):
                stage.say(source, "needs stale", due_s, peer.slots())
        else:
            stage.keep_saying(source, "needs stale", stage.between(10, 120), end_s, stage.between(0.5, 4), peer.slots())
            stage.hush([source], 60, end_s, 0.3, "work")
    stage.start(storage, end_s, symptom=False)
    stage.end(end_s + 20)
