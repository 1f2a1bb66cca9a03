"""The body of a report of connections, checked, and in the words of the room graph."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address, ip_address
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from devmesh.errors import InvalidInput
from devmesh.graph import MOST_ADDRESSES, MOST_LISTENERS, MOST_SEEN, MOUNTS, NETWORK, UNITS, Address, Listener, Seen
from devmesh.intake import clean_name

DAY_US = 86_400_000_000


MOUNT_PORTS = {"nfs": 2049, "smb": 445, "ssh": 22, "glusterfs": 24_007}


def _is_address(text: str) -> str:
    try:
        ip_address("" if "%" in text else text)  # a zone could be any text
    except ValueError:
        raise ValueError("this is no IP address") from None
    return text


Unit = Annotated[str, Field(pattern=r"^[A-Za-z0-9:_.@\\-]{1,255}$")]
Place = Annotated[str, Field(max_length=45), AfterValidator(_is_address)]
DnsName = Annotated[str, Field(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?$")]
Host = Annotated[str, Field(pattern=r"^[A-Za-z0-9:](?:[A-Za-z0-9:_.-]{0,251}[A-Za-z0-9:])?$")]
Port = Annotated[int, Field(ge=1, le=65_535)]
Count = Annotated[int, Field(ge=0, le=10**9)]
Instant = Annotated[int, Field(ge=0, lt=2**62)]
Protocol = Literal["tcp", "udp"]


class _Strict(BaseModel):
    """Nothing is made of something else: "3" is no count. Other keys are ignored, as those of newer agents are."""

    model_config = ConfigDict(strict=True)


class Connection(_Strict):
    """`unit` has `count` connections to a place, of which `unanswered` have no answer yet. `to`: the
    container that listens there, where the place means something on that node alone.
    """

    unit: Unit
    protocol: Protocol
    address: Place
    port: Port
    count: Annotated[int, Field(ge=1, le=10**9)]
    unanswered: Count = 0
    to: Unit | Literal[""] = ""


class Listening(_Strict):
    """`unit` takes connections at a port; without an address at all of the node's."""

    unit: Unit
    protocol: Protocol
    address: Place | Literal[""]
    port: Port


class Needs(_Strict):
    """`unit` cannot be without others (`Requires=`, `Requisite=`, `BindsTo=`)."""

    unit: Unit
    needs: Annotated[list[Unit], Field(max_length=MOST_SEEN)]


class Mounted(_Strict):
    """`unit` uses a file system of another machine."""

    unit: Unit
    kind: Literal["nfs", "smb", "ssh", "glusterfs"]
    server: Host

    @property
    def target(self) -> str:
        """Where its server listens."""
        return f"{_host(self.server)}:{MOUNT_PORTS[self.kind]}"


class Report(_Strict):
    """What an agent saw between two instants. `left_out`: entries over its bounds; `unnamed`: connections of nobody
    with a name; `undecided`: of which nothing tells who asked; `closed`: processes into which it may not look.
    """

    since_us: Instant
    until_us: Instant
    addresses: Annotated[list[Place], Field(max_length=MOST_ADDRESSES)] = []
    names: Annotated[list[DnsName], Field(max_length=MOST_ADDRESSES)] = []
    connections: Annotated[list[Connection], Field(max_length=MOST_SEEN)] = []
    listeners: Annotated[list[Listening], Field(max_length=MOST_LISTENERS)] = []
    needs: Annotated[list[Needs], Field(max_length=MOST_SEEN)] = []
    mounts: Annotated[list[Mounted], Field(max_length=MOST_SEEN)] = []
    left_out: Count = 0
    unnamed: Count = 0
    undecided: Count = 0
    closed: Count = 0

    def seen(self, node: str) -> list[Seen]:
        """The same in the words of the room graph: each (service, target, source) once, or the second would count for
        a repeat of the first.
        """
        at = (self.until_us, self.until_us)
        said = [self._met(one, node) for one in self.connections]
        said += [Seen(clean_name(one.unit), node, need, UNITS, *at) for one in self.needs for need in one.needs]
        said += [Seen(clean_name(one.unit), node, one.target, MOUNTS, *at) for one in self.mounts]
        merged: dict[tuple[str, str, str], Seen] = {}
        for one in said:
            key = one.service, one.target, one.source
            merged[key] = _both(merged[key], one) if key in merged else one
        return [*merged.values()]

    def _met(self, one: Connection, node: str) -> Seen:
        target, failures = one.to or f"{_host(one.address)}:{one.port}", min(one.unanswered, one.count)
        return Seen(clean_name(one.unit), node, target, NETWORK, self.since_us, self.until_us, one.count, failures)

    def own(self, node: str) -> list[Address]:
        """The node's addresses and names."""
        return [Address(node, one) for one in (*self.addresses, *self.names)]

    def heard(self, node: str) -> list[Listener]:
        """Who listens; where one port is another's by UDP, that of TCP is meant."""
        ports: dict[tuple[str, int], str] = {}
        for one in sorted(self.listeners, key=lambda one: one.protocol):
            ports.setdefault((one.address, one.port), clean_name(one.unit))
        return [Listener(node, address, port, service) for (address, port), service in ports.items()]


def _both(one: Seen, other: Seen) -> Seen:
    """Two of one service with one target; a declaration that stands twice stands once."""
    if one.source != NETWORK:
        return one
    return replace(one, count=one.count + other.count, failures=one.failures + other.failures)


def parse_report(body: bytes, now_us: int) -> Report:
    """The report in a body. Raises InvalidInput that names the field."""
    try:
        report = Report.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        name = ".".join(str(part) for part in first["loc"]) or "the report"
        raise InvalidInput(
            f"{name[:100]}: {first['msg'].removeprefix('Value error, ')[:200]}.", hint="See docs/protocol.md."
        ) from None
    total = len(report.connections) + sum(len(one.needs) for one in report.needs) + len(report.mounts)
    if total > MOST_SEEN or len(report.addresses) + len(report.names) > MOST_ADDRESSES:
        hint = f"At most {MOST_SEEN:,} connections, needs and mounts, {MOST_ADDRESSES} addresses and names together."
        raise InvalidInput("The report says too much.", hint=hint)
    if report.since_us > report.until_us or abs(report.until_us - now_us) > DAY_US:
        raise InvalidInput("since_us and until_us are no span of today.", hint="Is the node's clock right?")
    return report


def schema() -> dict[str, Any]:
    """The request's part of the OpenAPI document."""
    whole = Report.model_json_schema(ref_template="{model}")
    parts = whole.pop("$defs")
    for field in whole["properties"].values():
        if "$ref" in field.get("items", {}):
            field["items"] = parts[field["items"]["$ref"]]
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": whole}}}}


def _host(address: str) -> str:
    try:
        return f"[{address}]" if isinstance(ip_address(address), IPv6Address) else address
    except ValueError:
        return address
