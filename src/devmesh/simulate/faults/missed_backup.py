"""A nightly job does not run: its timer was disabled, and nothing says so."""

from devmesh.simulate.stage import DAY_S, Stage

EARLY_S = 60.0


def play(stage: Stage) -> None:
    """From the first time that it is due until it runs again, 1 to 3 days later."""
    victim = stage.one_of([one for one in stage.typed("backup") if one.program.jobs])
    stage.cause(victim)
    due_s = stage.jobs_of(victim, 0, 8 * DAY_S)
    stage.script.start_us = stage.script.end_us = stage.us(due_s[0] - EARLY_S)
    end_s = stage.count(1, 3) * DAY_S - EARLY_S
    stage.hush([victim], 0, end_s)
    stage.falls_silent(victim, EARLY_S)
    stage.end(end_s)
