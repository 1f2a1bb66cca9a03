"""An upgrade phrases some lines in another way; nothing else changes."""

from devmesh.simulate.stage import Stage
from devmesh.simulate.world import Rewording


def play(stage: Stage) -> None:
    """For good. All hosts of the service within minutes of each other."""
    victim = stage.one_of([one for one in stage.services() if one.program.rewording])
    stage.cause(victim)
    at_s = 0.0
    for source in stage.fleet.of(victim.service):
        slots = {"package": source.service.lower(), "version_old": "1.4.2-1", "version_new": "1.5.0-1"}
        stage.say(stage.fleet.at(source.node, "apt"), "upgrade", at_s, slots)
        stage.stop(source, at_s + 12)
        stage.start(source, at_s + 16)
        changed = Rewording(frozenset([source.index]), stage.us(at_s + 14), source.program.rewording)
        stage.script.rewordings.append(changed)
        at_s += stage.between(60, 400)
    stage.end(at_s + 60)
