"""Real processes: up and serve start, answer and end; writes go to the server that holds the store."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import httpx
import pytest
from cli_house import Runner, Served, environment

LONG = "a line of some length, to fill the pipe " + "x" * 200


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One `devmesh serve` for the tests that only need some server."""
    running = Served(tmp_path_factory.mktemp("served") / "data", "serve", "--port", "0")
    yield running
    running.stop()


@pytest.fixture
def cli(served: Served) -> Runner:
    """Commands in this process over the store that the server holds."""
    return Runner(served.data_dir)


@pytest.fixture
def own_signals() -> Iterator[None]:
    """Commands that take signals give them back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def post(served: Served, body: bytes, **headers: str) -> dict:
    """Send a body to the server; its answer."""
    return httpx.post(served.url + "/ingest", content=body, headers=headers, trust_env=False).json()


def test_serve_ends_cleanly_on_interrupt(tmp_path):
    """Ctrl-C right after the address was printed ends with 0, no traceback, the lock let go, the folder private."""
    served = Served(tmp_path / "data", "serve", "--port", "0", DEVMESH_UI="true")
    assert httpx.get(served.url + "/health", trust_env=False).json()["status"] == "ok"
    assert served.stop(signal.SIGINT) == 0
    assert "Traceback" not in served.errors
    assert (served.data_dir / "devmesh.db.lock").read_text() == ""
    assert served.data_dir.stat().st_mode & 0o077 == 0


def test_writes_go_to_the_server_that_holds_the_store(served: Served, cli: Runner):
    """Token create, revoke and loops run work while a server writes; its token is good at once."""
    secret = cli("token", "create", "--node", "nas").stdout.strip()
    assert post(served, b'{"message":"hello"}\n', Authorization="Bearer " + secret)["stored"] == 1
    assert cli.json("loops", "run", "forget-keys", "--once") == {"loop": "forget-keys", "done": 0, "steps": 1}
    assert cli.json("templates", "migrate") == {"migrated": 0}
    assert "There is no loop" in cli("loops", "run", "no-such-loop", code=4).stderr
    made = cli.json("token", "list")["tokens"][0]
    assert (made["kind"], made["node"], made["revoked_us"]) == ("node", "nas", None)
    cli("token", "revoke", str(made["id"]))
    assert "no living token 99" in cli("token", "revoke", "99", code=4).stderr
    assert "revoked" in cli("token", "list").stdout


def test_second_server_says_who_holds_the_store(cli: Runner, own_signals):
    """One process writes: a second one says so and ends with 8."""
    assert "holds the store" in cli("serve", "--port", "0", code=8).stderr


def test_taken_port_and_open_address_are_refused(empty: Runner, own_signals):
    """A port in use ends with 8, an open address without any token with 3, each with what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert "hint: Choose another" in empty("serve", "--port", str(taken.getsockname()[1]), code=8).stderr
    anywhere = "0.0.0.0"  # noqa: S104 - it is refused
    assert "token create" in empty("serve", "--host", anywhere, "--port", "0", code=3).stderr


def test_doctor_hears_the_server(served: Served, cli: Runner):
    """While a server runs, the doctor names it and its process."""
    out = cli("doctor").stdout
    assert f"ok     server  {served.url}" in out
    assert f"held by process {served.process.pid}" in out


def test_doctor_names_a_server_that_does_not_answer(served: Served, cli: Runner):
    """A server that hangs is broken, with its process, and the exit code says so."""
    served.process.send_signal(signal.SIGSTOP)
    try:
        from devmesh.cli import remote

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(remote, "TIMEOUT_S", 0.5)
            out = cli("doctor", code=1).stdout
    finally:
        served.process.send_signal(signal.SIGCONT)
    assert "broken server" in out
    assert f"Process {served.process.pid} holds the store" in out


def test_up_ships_this_machine_and_stops_both(tmp_path):
    """The agent of `up` reports with a token of its own, keeps its state in the data folder, ends with the server."""
    up = Served(tmp_path / "data", "up", "--port", "0")
    with httpx.Client(base_url=up.url, trust_env=False) as client:
        nodes: list[dict] = []
        for _ in range(300):
            nodes = client.get("/nodes").json()["nodes"]
            if (nodes and nodes[0]["agent"]) or threading.Event().wait(0.1):
                break
    assert [bool(node["agent"]) for node in nodes] == [True]
    assert up.stop(signal.SIGTERM) == 0
    assert "Traceback" not in up.errors
    shipper = up.data_dir / "shipper"
    assert (shipper / "token").stat().st_mode & 0o077 == 0
    assert (shipper / "state.0").exists()
    assert Runner(up.data_dir).json("token", "list")["tokens"][0]["kind"] == "node"


def test_up_keeps_its_token(make_mesh):
    """The agent's token lives as long as it holds; a revoked one is replaced."""
    from devmesh.cli.agent import LocalAgent

    mesh = make_mesh()
    agent = LocalAgent(mesh)
    first = agent._token_file("n1").read_text()
    assert agent._token_file("n1").read_text() == first
    assert agent._token_file("n2").read_text() != first
    assert [one.node for one in mesh.accounts.list_tokens().rows] == ["n1", "n2"]


def test_ship_once_sends_a_file(served: Served, cli: Runner, tmp_path, own_signals):
    """`devmesh ship --once` hands over to the agent: what is there is stored, and the second time nothing."""
    log = tmp_path / "app.log"
    log.write_text("".join(f"2026-01-20 14:00:{n:02d} something happened {n}\n" for n in range(40)))
    options = ("--node", "n1", "--file", str(log), "--state-dir", str(tmp_path / "state"), "--once")
    for _ in range(2):
        cli("ship", "--to", served.url, *options)
    assert len(cli.json("logs", "--node", "n1", "--limit", "1000")["events"]) == 40


def test_ship_knows_every_option_of_the_agent():
    """Whatever the agent is told by its own command line, `devmesh ship` can tell it too."""
    import dataclasses
    import inspect

    from devmesh.cli.ship import ship
    from devmesh.ship.options import Options

    offered = set(inspect.signature(ship).parameters) - {"context"}
    known = {field.name for field in dataclasses.fields(Options)}
    assert known - {"poll_s", "heartbeat_s"} == {
        {"file": "files", "since": "since_us"}.get(name, name) for name in offered
    }


def test_ship_with_options_that_cannot_work(empty: Runner, own_signals):
    """An option of the agent that cannot work is one sentence with exit code 3."""
    options = ("--filters", "/nonexistent.yaml", "--state-dir", str(empty.data_dir))
    assert "filters" in empty("ship", "--to", "http://127.0.0.1:1", *options, code=3).stderr


def test_follow_prints_new_lines_and_ends_quietly(served: Served):
    """--follow goes on with what is stored after it began, also of a service that is new then; Ctrl-C ends it without
    a word.
    """
    post(served, b'{"message":"first","service":"old"}\n', **{"DevMesh-Node": "follow"})
    asked = ["--node", "follow", "--service", "old", "--service", "newborn"]
    command = [sys.executable, "-m", "devmesh", "logs", *asked, "--follow", "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(served.data_dir)
    ) as follower:
        assert b'"first"' in follower.stdout.readline()
        post(served, b'{"message":"second \\u001b[31m","service":"newborn"}\n', **{"DevMesh-Node": "follow"})
        assert b'"second \\u001b[31m"' in follower.stdout.readline()
        follower.send_signal(signal.SIGINT)
        out, errors = follower.communicate(timeout=20)
    assert (follower.returncode, out, errors) == (0, b"", b"")


def test_a_reader_that_leaves_ends_the_command_quietly(served: Served):
    """`devmesh logs | head -1` says nothing on stderr."""
    body = b"".join(b'{"message":"%s %d"}\n' % (LONG.encode(), n) for n in range(1_000))
    assert post(served, body, **{"DevMesh-Node": "pipe"})["stored"] == 1_000
    command = [sys.executable, "-m", "devmesh", "logs", "--limit", "1000"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(served.data_dir)
    ) as writer:
        assert writer.stdout.readline()
        writer.stdout.close()
        assert writer.stderr.read() == b""
    assert writer.returncode == 141


def test_help_imports_nothing_heavy():
    """`devmesh --help` is quick: none of what takes long to import is."""
    code = "import sys, devmesh.cli.app as a\ntry:\n a.app(['--help'])\nexcept SystemExit: pass\n"
    check = "print(sorted({'polars','sqlalchemy','fastapi','pydantic','numpy','httpx','uvicorn'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code + check], capture_output=True, check=True, text=True)
    assert out.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("node", ["both", "büro-à", "東京"])
def test_import_and_agent_agree(served: Served, cli: Runner, tmp_path, own_signals, node: str):
    """What the agent shipped an import does not store again, nor the agent what was imported; while it serves;
    whatever the node is called.
    """
    log = tmp_path / "shared.log"
    text = "".join(f"2026-01-20T15:00:{n:02d}Z shared line {n}\n" for n in range(60))
    log.write_text(text[: text.index("shared line 30") - 21])
    ship = (
        "ship",
        "--to",
        served.url,
        "--node",
        node,
        "--file",
        str(log),
        "--state-dir",
        str(tmp_path / "s"),
        "--once",
    )
    cli(*ship)
    log.write_text(text)
    assert cli.bring(str(log), "--node", node) == (30, 30, 0)
    cli(*ship)
    assert len(cli.messages("--node", node)) == 60


def test_import_over_http_tells_bad_lines(served: Served, cli: Runner):
    """The server's word on each bad line comes back with its number in the file."""
    body = b'{"message":"good"}\n{bad\n{"message":"also good","node":"relayed"}\n'
    result = cli("import", "-", stdin=body)
    assert "2 stored, 0 repeated, 1 rejected" in result.stdout
    assert "rejected stdin:2  JSON is malformed" in result.stderr
    assert cli.messages("--node", "relayed") == ["also good"]


def test_import_over_http_tells_files_apart(served: Served, cli: Runner, tmp_path):
    """A file that parts from another one between two marks has its own lines stored by the server, and once."""
    lines = [f"2026-11-01T{n // 60:02}:{n % 60:02}:00Z step {n} of the job" for n in range(400)]
    one, two = tmp_path / "long.log", tmp_path / "short.log"
    one.write_text("\n".join(lines) + "\n")
    two.write_text("\n".join([*lines[:200], "2026-11-01T05:00:00Z cannot write: disk is full"]) + "\n")
    assert cli.bring(str(one), "--node", "apart") == (400, 0, 0)
    assert cli.bring(str(two), "--node", "apart") == (1, 200, 0)
    assert cli.bring(str(two), "--node", "apart") == (0, 201, 0)
    assert any("disk is full" in message for message in cli.messages("--node", "apart"))
