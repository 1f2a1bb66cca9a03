"""nginx: `upstream NAME { server … }`, `proxy_pass` and its kind. Included files are not read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from devmesh.graph.files.places import Wanted, refuse, targets_of

MOST_DEPTH = 16
SERVICE = "nginx"
_TOKEN = re.compile(r"""\s+|\#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[{};]|(?:\$\{|\\.|[^\s{};"'])+""", re.DOTALL)
_PASS = ("proxy_pass", "grpc_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "memcached_pass")
_PORTS = {"http": ":80", "https": ":443", "grpc": ":80", "grpcs": ":443"}

Statement = tuple[list[str], list[str], int]  # its words, the words that its block begins with, its line


def read(text: str, source: str) -> list[Wanted]:
    """What upstreams and passes lead to. Raises Refused."""
    said = [*_statements(text, source)]
    upstreams = {block[1] for _words, block, _line in said if block[:1] == ["upstream"] and len(block) > 1}
    found = []
    for words, block, line in said:
        if words[0] == "server" and block[:1] == ["upstream"] and len(words) > 1 and "down" not in words:
            found += [Wanted(SERVICE, target, line) for target in targets_of(_with_port(words[1], ":80"))]
        elif words[0] in _PASS and len(words) > 1:
            scheme, colons, rest = words[1].rpartition("://")
            host = re.split(r"[/?#]", rest, maxsplit=1)[0] if not rest.startswith("unix:") else rest
            if "$" not in host and host.partition(":")[0] not in upstreams - {"unix"}:
                where = _with_port(host, _PORTS.get(scheme.lower(), "") if colons else "")
                found += [Wanted(SERVICE, target, line) for target in targets_of(where)]
    return found


def _with_port(host: str, port: str) -> str:
    return host if host.startswith("unix:") or re.search(r"(?:^|[^:]):\d+$|\]:\d+$", host) else host + port


def _statements(text: str, source: str) -> Iterator[Statement]:
    blocks: list[tuple[list[str], int]] = []
    words: list[str] = []
    at, line, start = 0, 1, 1
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise refuse(source, line, "A quote is opened here and never closed.", "Close it.")
        word, at = token[0], token.end()
        if word in (";", "{"):
            if not words:
                raise refuse(source, line, f"There is a {word} with nothing before it.", "NAME VALUE;")
            yield words, blocks[-1][0] if blocks else [], start
            if word == "{":
                blocks.append((words, line))
            if len(blocks) > MOST_DEPTH:
                raise refuse(source, line, "This is nested too deeply.", f"At most {MOST_DEPTH} blocks.")
            words = []
        elif word == "}":
            if words or not blocks:
                why = "A line before this has no ; at its end." if words else "There is a } too many."
                raise refuse(source, line, why, "NAME VALUE;")
            blocks.pop()
        elif not word.isspace() and not word.startswith("#"):
            start = line if not words else start
            words.append(word[1:-1] if word[0] in "\"'" else word)
        line += word.count("\n")
    if words or blocks:
        where = blocks[-1][1] if blocks else start
        raise refuse(source, where, "What begins here has no end.", "Each block ends with }, each line with ;.")
