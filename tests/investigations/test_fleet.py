"""What is known of a fleet without anybody having said it."""

from __future__ import annotations

from bodies import NOW_US, line, run_whole, take
from devmesh.investigations.fleet import fleet_of

BLOCKED = "[UFW BLOCK] IN=eno1 OUT= MAC=0e:a0:40 SRC=45.36.78.{n} DST={to} LEN=51 PROTO=TCP SPT=22706 DPT=6{n}13 SYN"


def test_an_address_is_that_of_the_node_whose_firewall_names_it_most(mesh):
    """Addresses that all share (multicast, broadcast) are nobody's; other programs' packets say nothing."""
    body = b""
    for n in range(10, 40):
        for node, own in (("db", "192.168.10.11"), ("apps", "192.168.10.12")):
            told = {"node": node, "service": "kernel", "ts_us": NOW_US + n}
            body += line(BLOCKED.format(n=n, to=own), **told)
            body += line(BLOCKED.format(n=n, to="224.0.0.251"), **told) * 2
            body += line(f"dnat from 1 DST=10.0.0.{n}", node=node, service="proxy", ts_us=NOW_US + n)
    take(mesh, body, "relay", may_name_nodes=True)
    run_whole(mesh, "assign-families")
    service = mesh.nodes.service_names.ids(["kernel"], create=False)["kernel"]
    nodes = mesh.nodes.node_names.ids(["db", "apps"], create=False)
    fleet = fleet_of(mesh.nodes, mesh.templates, mesh.events, [(service, node) for node in nodes.values()])
    assert fleet.addresses == {"192.168.10.11": nodes["db"], "192.168.10.12": nodes["apps"]}
