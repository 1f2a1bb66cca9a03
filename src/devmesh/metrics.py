"""Our own figures in Prometheus' text form, read from the rooms at the moment of asking: no global registry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from devmesh.house import health, store_bytes

if TYPE_CHECKING:
    from devmesh.mesh import Mesh


class _HouseCollector(Collector):
    """Turns the rooms' totals into metrics."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh

    def collect(self) -> Iterator[Metric]:
        """Every metric of the house."""
        totals = self._mesh.intake.totals
        events = CounterMetricFamily(
            "devmesh_intake_events", "Lines by what became of them since the start.", labels=["outcome"]
        )
        for outcome in ("stored", "repeated", "rejected"):
            events.add_metric([outcome], getattr(totals, outcome))
        yield events
        yield CounterMetricFamily("devmesh_intake_commits", "Commits since the start.", value=totals.commits)
        yield CounterMetricFamily("devmesh_intake_failed_commits", "Commits that failed.", value=totals.failed)
        yield GaugeMetricFamily(
            "devmesh_intake_waiting_bytes", "Bytes that wait for the writer.", value=self._mesh.intake.waiting_bytes
        )
        redacted = CounterMetricFamily("devmesh_redacted", "Secrets masked, by rule.", labels=["rule"])
        for rule, n in sorted(totals.redacted.items()):
            redacted.add_metric([rule], n)
        yield redacted
        templates, families = self._mesh.templates.counts()
        yield GaugeMetricFamily("devmesh_templates", "Live templates.", value=templates)
        yield GaugeMetricFamily("devmesh_families", "Living families.", value=families)
        yield GaugeMetricFamily(
            "devmesh_store_bytes", "Bytes of the embedded store on disk.", value=store_bytes(self._mesh)
        )
        parts = GaugeMetricFamily(
            "devmesh_part_ok", "1 where a part of the house is ok or off by choice.", labels=["part"]
        )
        for part in health(self._mesh):
            parts.add_metric([part.name], 0 if part.state == "degraded" else 1)
        yield parts


def exposition(mesh: Mesh) -> bytes:
    """The figures in Prometheus' text form."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_HouseCollector(mesh))
    return generate_latest(registry)
