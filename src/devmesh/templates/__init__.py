"""The canonical shape: rules, registry, families, life cycle.

Owns log_templates, template_samples, template_values, families. In: messages as columns. Out: canonical texts, template
ids with the level that their text states, families with totals, samples and values. Promises: the same text has the
same template for ever (merges are followed), and however many distinct messages come, templates stay bounded.
"""

from devmesh.templates.canonical import CANON_VERSION, canonicalize, shapes_of
from devmesh.templates.model import Family, FamilyChange, Sample, Swallowed, Template, Value
from devmesh.templates.registry import OVERFLOW_TEXT, REST_TEXT, Bounds, Known
from devmesh.templates.samples import SAMPLES, placeholders, values_in
from devmesh.templates.service import Templates

__all__ = [
    "CANON_VERSION",
    "OVERFLOW_TEXT",
    "REST_TEXT",
    "SAMPLES",
    "Bounds",
    "Family",
    "FamilyChange",
    "Known",
    "Sample",
    "Swallowed",
    "Template",
    "Templates",
    "Value",
    "canonicalize",
    "placeholders",
    "shapes_of",
    "values_in",
]
