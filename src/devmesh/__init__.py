"""DevMesh: a memory for a fleet of Linux machines."""

__version__ = "0.1.0"
