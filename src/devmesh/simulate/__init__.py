"""A fleet that logs: what the programs of an inventory say, hour by hour, and faults whose cause is known.

Stands outside of the house. In: an inventory, a seed, a span of time and wishes for faults. Out: lines as journald
files them (export format, or NDJSON as an agent sends it), and the truth about each fault. Pure: the same wishes give
the same bytes; time is a parameter, never the wall clock's.
"""

from devmesh.simulate.errors import SimulationError
from devmesh.simulate.faults import FAULTS, HARMLESS, KINDS, ORDINARY
from devmesh.simulate.inventory import Inventory, default_inventory, read_inventory
from devmesh.simulate.journal import Journal
from devmesh.simulate.simulation import Simulation, Truth, Wish
from devmesh.simulate.stream import Slice

__all__ = [
    "FAULTS",
    "HARMLESS",
    "KINDS",
    "ORDINARY",
    "Inventory",
    "Journal",
    "Simulation",
    "SimulationError",
    "Slice",
    "Truth",
    "Wish",
    "default_inventory",
    "read_inventory",
]
