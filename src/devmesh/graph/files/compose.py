"""Compose files: `depends_on` in both forms, and what the variables of a container say.

A container is called `container_name`, else `PROJECT-SERVICE-1`, as its lines are; PROJECT is `name`, else the file's
folder. Within a file the name of a service is its container's address. `env_file`, `extends` and `include` are not
read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

import yaml

from devmesh.graph.files.environment import wanted
from devmesh.graph.files.places import Wanted
from devmesh.graph.marks import Marks, Node, short

MOST_DEPTH = 24
FORM = "services: NAME: image: …"
_HOST = re.compile(r"((?:[a-z][a-z0-9+.-]*://)?)([^:/\[]+)((?::\d+)?)", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


def read(text: str, source: str) -> list[Wanted]:
    """What the containers want. Raises Refused."""
    marks = Marks(source, MOST_DEPTH, FORM)
    root = marks.compose(text)
    top = _mapping(root)
    if "services" not in top:
        marks.wrong(root, "There are no services.", FORM)
    project = _text(top.get("name")) or _project(source)
    services = _mapping(top.get("services"))
    names = {name: _container(name, _mapping(node), project) for name, node in services.items()}
    for name, node in services.items():
        if not _NAME.fullmatch(name):
            marks.wrong(node, f"{short(name)} is no name of a service.", "Letters, digits, and _ . - between them.")
    found = [one for name, node in services.items() for one in _service(names[name], _mapping(node), names, marks)]
    marks.end()
    return found


def _service(own: str, said: dict[str, Node], names: dict[str, str], marks: Marks) -> Iterator[Wanted]:
    for name, node in _needed(said.get("depends_on")):
        if name in names:
            yield Wanted(own, names[name], node.start_mark.line + 1)
        else:
            marks.wrong(node, f"There is no service {short(name)} in this file.", "Correct depends_on.")
    for one in wanted(dict(_variables(said.get("environment"))), own):
        host = _HOST.fullmatch(one.target)
        inside = names.get(host[2], "") if host else ""
        yield Wanted(own, inside, one.line) if inside else one


def _needed(node: Node | None) -> Iterator[tuple[str, Node]]:
    """`[db, cache]` or `{db: {condition: …}}`."""
    if isinstance(node, yaml.MappingNode):
        yield from ((_text(key), key) for key, _value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        yield from ((_text(one), one) for one in node.value)


def _variables(node: Node | None) -> Iterator[tuple[str, tuple[str, int]]]:
    """`{A: b}` or `[A=b]`."""
    if isinstance(node, yaml.MappingNode):
        yield from ((_text(key), (_text(value), key.start_mark.line + 1)) for key, value in node.value)
    elif isinstance(node, yaml.SequenceNode):
        for one in node.value:
            name, _equals, value = _text(one).partition("=")
            yield name, (value, one.start_mark.line + 1)


def _container(name: str, said: dict[str, Node], project: str) -> str:
    told = _text(said.get("container_name"))
    if told and _NAME.fullmatch(told):
        return told
    return f"{project}-{name}-1" if project else name


def _project(source: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "", PurePath(source).parent.name.lower()).lstrip("_-")


def _mapping(node: Node | None) -> dict[str, Node]:
    return {_text(key): value for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}


def _text(node: Node | None) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else ""
