"""`devmesh graph read`: configuration files as evidence for edges."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devmesh.cli.opening import reading, settings_of, writing
from devmesh.cli.words import Json, examples
from devmesh.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from devmesh.settings import Settings


def install(commands: typer.Typer) -> None:
    """Add the command to those of the graph."""
    commands.command(
        epilog=examples(
            "devmesh graph read /etc/nginx/nginx.conf --plan",
            "devmesh graph read /opt/shop/compose.yaml --node apps",
            "devmesh graph read /etc/default/paperless --service paperless --format env",
        ),
        short_help="What configuration files say of who needs whom.",
    )(read)


def read(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files of that node.")],
    node: Annotated[str, typer.Option("--node", metavar="NODE", help="Whose files they are; else this machine.")] = "",
    service: Annotated[
        str, typer.Option("--service", metavar="NAME", help="Whose they are, where a file does not say itself.")
    ] = "",
    form: Annotated[
        str, typer.Option("--format", metavar="F", help="env, nginx, caddy, compose or unit; else by the name.")
    ] = "",
    plan: Annotated[bool, typer.Option("--plan", help="Only show what they would tell.")] = False,
    json: Json = False,
) -> None:
    """Read configuration files as evidence for edges: they become proposals, nothing more.

    Only hosts and ports are kept, never a user, a password or a path. Nothing is taken where one of them has an error.
    """
    from devmesh.cli.terminal import emit, many, note
    from devmesh.graph import read_file
    from devmesh.ship.identity import node_name

    texts = {str(file.absolute()): _text(file) for file in files}
    for name, text in texts.items():
        read_file(text, name, service, form)
    said = {"node": node or node_name(), "service": service, "form": form}
    told = [
        {"source": name, **_tell(settings_of(context), text, name, plan=plan, **said)} for name, text in texts.items()
    ]
    if json:
        emit({"files": told})
        return
    rows = [one for file in told for one in file["found"]]
    _show(told)
    if plan:
        note("Nothing was taken. Without --plan it is evidence for: devmesh graph proposals")
    else:
        new = sum(one["learned"]["taken"] for one in told)
        note(f"{many(len(rows), 'target')}, {new} of them for an edge. To decide: devmesh graph proposals --all")


def _text(file: Path) -> str:
    """The text of a file. Raises NotFound, InvalidInput."""
    from devmesh.cli.terminal import safe
    from devmesh.graph import MOST_FILE_BYTES

    try:
        with file.open("rb") as opened:
            raw = opened.read(MOST_FILE_BYTES + 1)
    except OSError as error:
        raise NotFound(
            f"{safe(str(file))} cannot be read: {error.strerror}.", hint="Is the path right, may you read it?"
        ) from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"{safe(file.name)} is no UTF-8 text (byte {error.start + 1}).", hint="Is it the right file?"
        ) from None


def _tell(
    settings: Settings, text: str, source: str, *, node: str, service: str, form: str, plan: bool
) -> dict[str, Any]:
    from devmesh.cli.remote import Remote

    if plan:
        with reading(settings) as mesh:
            return asdict(mesh.graph.files.read(text, source, node, service=service, form=form, apply=False))
    with writing(settings) as store:
        if isinstance(store, Remote):
            said = {"text": text, "source": source, "node": node, "service": service, "format": form}
            return store.call("POST", "/graph/read", json=said)
        return asdict(store.graph.files.read(text, source, node, service=service, form=form))


def _show(told: list[dict[str, Any]]) -> None:
    from devmesh.cli.terminal import table

    rows = [
        [f"{Path(file['source']).name}:{one['line']}", one["service"], one["target"], one["whom"] or f"({one['why']})"]
        for file in told
        for one in file["found"]
    ]
    table(["line", "service", "wants", "whom"], rows, styles={"service": "cyan", "whom": "cyan"})
