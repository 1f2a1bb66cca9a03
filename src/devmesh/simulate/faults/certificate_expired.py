"""A certificate was not renewed: handshakes fail, and renewal goes on failing at its times."""

from devmesh.simulate.stage import Stage


def play(stage: Stage) -> None:
    """2 to 10 hours until it is renewed by hand."""
    pool = stage.typed("proxy")
    proxy = stage.victim("certificate", among=pool)
    stage.cause(proxy)
    end_s = stage.between(7_200, 36_000)
    stage.keep_saying(proxy, "certificate", stage.between(1, 30), end_s, stage.between(2, 10))
    stage.hush([proxy], 0, end_s, 0.25, "work")
    for source in stage.services():
        if source is not proxy and source.program.says("certificate") and source not in pool:
            stage.keep_saying(source, "certificate", stage.between(10, 600), end_s, stage.between(0.05, 0.5))
        if source.program.says("renewal failed"):
            stage.hush([source], 0, end_s)
            for due_s in stage.jobs_of(source, 0, end_s):
                stage.say(source, "renewal failed", due_s + stage.between(0, 600))
    stage.end(end_s)
