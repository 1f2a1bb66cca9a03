"""Faults and what only looks like one, each in a file of its own, by the name that people type."""

from __future__ import annotations

from collections.abc import Callable

from devmesh.simulate.faults import (
    bad_deploy,
    brute_force,
    certificate_expired,
    clock_jump,
    crash_loop,
    database_outage,
    debug_left_on,
    deploy,
    disk_full,
    dns_down,
    missed_backup,
    nas_gone,
    network_cut,
    new_node,
    oom_loop,
    planned_restart,
    read_only,
    reboot,
    rewording,
    silent_node,
    silent_service,
    traffic_peak,
    warning_leak,
)
from devmesh.simulate.stage import Stage

Play = Callable[[Stage], None]

FAULTS: dict[str, Play] = {
    "database-outage": database_outage.play,
    "oom-loop": oom_loop.play,
    "disk-full": disk_full.play,
    "read-only": read_only.play,
    "nas-gone": nas_gone.play,
    "dns-down": dns_down.play,
    "certificate-expired": certificate_expired.play,
    "bad-deploy": bad_deploy.play,
    "crash-loop": crash_loop.play,
    "silent-service": silent_service.play,
    "silent-node": silent_node.play,
    "network-cut": network_cut.play,
    "brute-force": brute_force.play,
    "clock-jump": clock_jump.play,
    "missed-backup": missed_backup.play,
    "warning-leak": warning_leak.play,
}
HARMLESS: dict[str, Play] = {
    "planned-restart": planned_restart.play,
    "rewording": rewording.play,
    "traffic-peak": traffic_peak.play,
    "debug-left-on": debug_left_on.play,
    "new-node": new_node.play,
}
ORDINARY: dict[str, Play] = {"reboot": reboot.play, "deploy": deploy.play}  # what happens in any week
KINDS: dict[str, Play] = {**FAULTS, **HARMLESS, **ORDINARY}
