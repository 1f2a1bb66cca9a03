"""Lines as journald files them, in two forms: its export format, and NDJSON as the agent of each node would send it.

Each node's entries are numbered one by one; `_PID` is that of the run, `_BOOT_ID` that of the boot, monotonic time
counts from the boot and never goes back, whatever the clock does.
"""

from __future__ import annotations

import json
from json.encoder import encode_basestring

from devmesh.simulate.stream import Slice
from devmesh.simulate.world import Run, World

MIX, MASK = 0x9E3779B97F4A7C15, (1 << 64) - 1
_Filed = tuple[str, int, str, str]  # node, when it booted, its fields as text, and the name of its pid or boot
FACILITY = {"kernel": "0", "cron": "9", "sshd": "10", "sudo": "10"}


class Journal:
    """Numbers entries and writes them; use one for a whole stream, in its order."""

    def __init__(self, world: World, salt: str = "") -> None:
        """`salt` sets streams apart that would otherwise bear one name: what was simulated."""
        self._world = world
        random = world.fleet.random
        self.streams = {node: random("stream", node, salt).bytes(16).hex() for node in world.fleet.inventory.nodes}
        self.seqs = {node: int(random("seq", node).integers(10_000, 5_000_000)) for node in self.streams}
        self._json: dict[int, _Filed] = {}
        self._export: dict[int, _Filed] = {}

    def go_on(self, before: Journal) -> None:
        """Number on where the journals of the same nodes stopped, in the same streams."""
        self.streams, self.seqs = before.streams, dict(before.seqs)

    def ndjson(self, some: Slice) -> list[tuple[str, int, str]]:
        """(node, number, line of our protocol) of each entry; lines have no end, `node` and `seq` say where they
        belong.
        """
        out = []
        quoted, filed, seqs = encode_basestring, self._json, self.seqs
        columns = (some.true_us, some.ts_us, some.runs, some.priorities, some.pids, some.messages)
        for true_us, ts_us, run, priority, pid, message in zip(*columns, strict=True):
            node, boot_us, fields, pid_name = filed.get(run) or self._file_json(run)
            seqs[node] = seq = seqs[node] + 1
            own = f'{pid_name}"{pid}",' if pid_name else ""
            line = (
                f'{{"ts_us":{ts_us},"node":"{node}","seq":{seq},"message":{quoted(message)},"fields":{{{own}'
                f'"PRIORITY":"{priority}",{fields}"_MONOTONIC":"{true_us - boot_us}"}}}}'
            )
            out.append((node, seq, line))
        return out

    def export(self, some: Slice) -> list[str]:
        """Entries of the journal's export format, each with its empty line."""
        out = []
        columns = (some.true_us, some.ts_us, some.runs, some.priorities, some.pids, some.messages)
        for true_us, ts_us, run, priority, pid, message in zip(*columns, strict=True):
            node, boot_us, fields, boot = self._export.get(run) or self._file_export(run)
            self.seqs[node] = seq = self.seqs[node] + 1
            mono = true_us - boot_us
            own = "" if "_TRANSPORT=kernel" in fields else f"_PID={pid}\n"
            x = mark_of(seq, ts_us)
            out.append(
                f"__CURSOR=s={self.streams[node]};i={seq:x};b={boot};m={mono:x};t={ts_us:x};x={x}\n"
                f"__REALTIME_TIMESTAMP={ts_us}\n__MONOTONIC_TIMESTAMP={mono}\n"
                f"PRIORITY={priority}\n{own}{fields}{_field('MESSAGE', message)}\n"
            )
        return out

    def _file_json(self, number: int) -> _Filed:
        run = self._world.runs[number]
        text = "".join(f"{json.dumps(name)}:{json.dumps(value)}," for name, value in _fields(run).items())
        pid_name = "" if run.source.transport == "kernel" else '"_PID":'
        self._json[number] = (run.source.node, run.boot.start_us, text, pid_name)
        return self._json[number]

    def _file_export(self, number: int) -> _Filed:
        run = self._world.runs[number]
        node = run.source.node
        machine = self._world.fleet.random("machine", node).bytes(16).hex()
        fields = {**_fields(run), "_HOSTNAME": node, "_MACHINE_ID": machine}
        text = "".join(_field(name, value) for name, value in fields.items())
        self._export[number] = (node, run.boot.start_us, text, run.boot.id)
        return self._export[number]


def mark_of(seq: int, ts_us: int) -> str:
    """What stands for an entry's hash in its cursor."""
    return f"{((seq ^ ts_us) * MIX) & MASK:x}"


def _fields(run: Run) -> dict[str, str]:
    """The fields that journald or the logging driver adds."""
    source = run.source
    head, transport = source.program.head, source.transport
    base = {"_BOOT_ID": run.boot.id}
    if transport == "kernel":
        return {**base, "_TRANSPORT": "kernel", "SYSLOG_FACILITY": "0", "SYSLOG_IDENTIFIER": "kernel"}
    if transport == "container":
        identity = f"{source.key:08x}{source.key * MIX & MASK:016x}"[:12]
        return {
            **base, "_TRANSPORT": "journal", "_SYSTEMD_UNIT": "docker.service", "_COMM": "dockerd",
            "SYSLOG_IDENTIFIER": identity, "CONTAINER_ID": identity, "CONTAINER_NAME": source.service,
            "IMAGE_NAME": head.get("image", "local").replace("{service}", source.service),
        }  # fmt: skip
    if source.about:
        return {
            **base, "_TRANSPORT": "journal", "_SYSTEMD_UNIT": "init.scope", "_COMM": "systemd",
            "SYSLOG_IDENTIFIER": "systemd", "UNIT": source.unit, "CODE_FILE": "src/core/job.c",
        }  # fmt: skip
    fields = {**base, "_TRANSPORT": transport, "SYSLOG_IDENTIFIER": source.identifier}
    if transport == "syslog":
        fields["SYSLOG_FACILITY"] = FACILITY.get(source.program.name, "3")
    if "comm" in head:
        fields["_COMM"] = head["comm"]
    if source.unit != "-":
        fields["_SYSTEMD_UNIT"] = source.unit
    return fields


def _field(name: str, value: str) -> str:
    """A field of the export format. Values with line ends need the binary form, which our texts never do."""
    if "\n" in value:
        raise ValueError(f"{name} has a line end")
    return f"{name}={value}\n"
