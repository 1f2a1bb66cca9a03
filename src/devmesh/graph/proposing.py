"""A first inventory from what the logs show: who spoke on which node, and whom lines accuse. A draft for people.

Edges come from lines in which somebody could not reach somebody: few, but true ones. The rest people add.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import yaml

from devmesh.events import Events, Filter
from devmesh.graph.addresses import addresses_of
from devmesh.graph.inventory import EVERYWHERE, is_name
from devmesh.graph.naming import ACCUSING, SYSTEM, accused, type_of
from devmesh.nodes import Nodes
from devmesh.templates import Templates

HOUR_US = 3_600_000_000
MOST_SERVICES, FAMILIES, LOOKED_AT, LINES, LEAST_ALL = 1_000, 1_000, 50, 20, 2
HEAD = """\
# A draft of {services} services and {edges} edges, from the logs of the last {days:g} days. Correct it, then
#   devmesh graph load FILE --dry-run     what it would change, and every error with its line
#   devmesh graph load FILE
# Types are guessed from names. Edges are only those of which a line told a failure: add what you know
# (depends_on: [NAME], or below edges: DEPENDS_ON, CALLS, PROVIDES_DB_FOR).
"""


def propose(nodes: Nodes, templates: Templates, events: Events, now_us: int, days: float) -> str:
    """The text of an inventory; what nobody said in the last `days` days is not in it."""
    hour = now_us // HOUR_US
    first = hour - int(days * 24)
    heard = events.speakers(first, hour)
    services = _plain(nodes.service_names.names({service for service, _node in heard}), SYSTEM)
    hosts = _plain(nodes.node_names.names({node for _service, node in heard}), EVERYWHERE)
    places: dict[str, set[str]] = defaultdict(set)
    for service, node in heard:
        if service in services and node in hosts:
            places[services[service]].add(hosts[node])
    busy = sorted(sorted(places), key=lambda name: -len(places[name]))[:MOST_SERVICES]
    shown = {name: places[name] for name in sorted(busy)}
    edges = _edges((nodes, templates, events), services, hosts, shown, first * HOUR_US)
    head = HEAD.format(services=len(shown), edges=len(edges), days=days)
    return head + as_yaml(shown, set(hosts.values()), edges)


def _plain(names: Mapping[int, str], but: str | re.Pattern[str]) -> dict[int, str]:
    """The names that an inventory takes, but for these and those of which a part is masked."""
    fine = {one: name for one, name in names.items() if is_name(name) and "*" not in name}
    return {one: name for one, name in fine.items() if not re.fullmatch(but, name)}


def _edges(
    rooms: tuple[Nodes, Templates, Events],
    services: Mapping[int, str],
    hosts: Mapping[int, str],
    places: Mapping[str, set[str]],
    since_us: int,
) -> list[tuple[str, str, int]]:
    """(who, whom, how many of the newest lines) of lines since then in which `who` could not reach `whom`."""
    nodes, templates, events = rooms
    addresses = {address: hosts[node] for address, node in addresses_of(nodes, templates, events, hosts).items()}
    found: Counter[tuple[str, str]] = Counter()
    for number, name in services.items():
        if name not in places:
            continue
        said = templates.list_families(service_ids=[number], limit=FAMILIES)
        for family in [one.id for one in said if ACCUSING.search(one.text)][:LOOKED_AT]:
            members = tuple(templates.member_ids([family]))
            accusing = Filter(service_ids=(number,), template_ids=members, since_us=since_us)
            for one in events.query(accusing, LINES).events:
                whom = set(accused(one.message, places, addresses)) - {name} if ACCUSING.search(one.message) else set()
                found.update((name, other) for other in whom)
    return sorted((*pair, n) for pair, n in found.items())


def as_yaml(places: Mapping[str, set[str]], hosts: set[str], edges: Iterable[tuple[str, str, int]]) -> str:
    """Services by name with hosts and types, and CALLS edges."""
    lines = ["services:" if places else "services: {}"]
    for name, some in places.items():
        everywhere = some == hosts and len(hosts) >= LEAST_ALL
        lines += [f"  {_word(name)}:", f"    hosts: {_list([EVERYWHERE] if everywhere else sorted(some))}"]
        lines += [f"    type: {_word(type_of(name))}"] if type_of(name) else []
    known = [*edges]
    lines += ["edges:"] if known else []
    for start, end, n in known:
        told = "1 line tells" if n == 1 else f"{n} lines tell"
        note = f"  # {told} of trouble between them"
        lines.append(f"  - {{from: {_word(start)}, to: {_word(end)}, type: CALLS}}{note}")
    return "\n".join(lines) + "\n"


def _list(words: Iterable[str]) -> str:
    return f"[{', '.join(map(_word, words))}]"


def _word(text: str) -> str:
    """A scalar as YAML writes it inside of brackets, quoted where it must be."""
    return str(yaml.safe_dump([text], default_flow_style=True, width=10_000, allow_unicode=True)).strip()[1:-1]
