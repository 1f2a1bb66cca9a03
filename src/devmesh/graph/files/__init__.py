"""Configuration files that people name: what each service wants, as evidence for edges. Files are data, never run.

One parser a file of this folder; a new form is a new one and its line in FORMATS. What stands in a file leaves here
only as targets: scheme, host and port, never a user, a password or a path.
"""

from devmesh.graph.files.places import Wanted
from devmesh.graph.files.reading import FORMATS, MOST_FILE_BYTES, ReadFile, format_of, read_file
from devmesh.graph.files.service import FileRead, Files, Meant

__all__ = ["FORMATS", "MOST_FILE_BYTES", "FileRead", "Files", "Meant", "ReadFile", "Wanted", "format_of", "read_file"]
