"""The meaning of texts as vectors: a local model or a gateway.

Comes in: texts (of families, of questions). Goes out: unit vectors of float32, and what is nearest to a question. Only
families are embedded, never single events. A model that is away raises EmbeddingUnavailable and costs nothing but time.
"""

from devmesh.embeddings.gateway import GatewayProvider
from devmesh.embeddings.local import LocalProvider
from devmesh.embeddings.matrix import CosineMatrix
from devmesh.embeddings.model import EmbeddingUnavailable, Provider, Vectors, WordProvider, unit
from devmesh.embeddings.nearest import MatrixIndex, Sentences, VectorIndex

__all__ = [
    "CosineMatrix",
    "EmbeddingUnavailable",
    "GatewayProvider",
    "LocalProvider",
    "MatrixIndex",
    "Provider",
    "Sentences",
    "VectorIndex",
    "Vectors",
    "WordProvider",
    "unit",
]
