"""Finding families by words and by meaning.

Owns no table: its index is in memory and is rebuilt from the families. Comes in: families (id, service, text) and
questions. Goes out: hits, each with the reason why it was found.
"""

from devmesh.search.finder import Document, Finder, Found, Hit, Nearest, Pair, Value, Why

__all__ = ["Document", "Finder", "Found", "Hit", "Nearest", "Pair", "Value", "Why"]
