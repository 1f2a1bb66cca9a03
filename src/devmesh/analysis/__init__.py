"""Answering people: what a question asks, the tools that fetch the evidence, and statements that the store confirms.

Owns no table. In: a question, and the tools (`answering.py` in the faces' shared layer makes them). Out: an answer made
of statements, each number, time, name and order in them recomputed; the calls that were made; what was guessed.
Promises: no model is needed; nothing is written; an answer comes in some ten seconds, "not enough evidence" is one.
"""

from devmesh.analysis.model import Answer, Asked, Part
from devmesh.analysis.routing import Kind
from devmesh.analysis.service import Analysis
from devmesh.analysis.tools import Found, Result, Run, Toolbox

__all__ = ["Analysis", "Answer", "Asked", "Found", "Kind", "Part", "Result", "Run", "Toolbox"]
