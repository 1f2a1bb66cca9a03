"""What the rest of the house needs to know of an embedding model.

A provider turns texts into vectors of unit length, so that a dot product is a cosine. `local` has vectors for single
words too (`WordProvider`); a gateway has sentences only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from devmesh.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

Vectors = npt.NDArray[np.float32]


class EmbeddingUnavailable(Unavailable):
    """The embedding model gave no usable answer."""

    code: ClassVar[str] = "embedding_unavailable"


class Provider(Protocol):
    """A model that embeds sentences."""

    @property
    def name(self) -> str:
        """The model's name as it is stored; another name means other vectors."""
        ...

    @property
    def dim(self) -> int:
        """How many numbers a vector has; 0 while a gateway has not told yet."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape (len(texts), dim), float32, each of length 1 (all zero for a text with nothing in it).

        Raises EmbeddingUnavailable, and then gives no vector at all.
        """
        ...


class WordProvider(Protocol):
    """A model that also knows single words."""

    @property
    def dim(self) -> int:
        """How many numbers a vector has."""
        ...

    def embed_words(self, words: Sequence[str]) -> Vectors:
        """Vectors of shape (len(words), dim), float32, unit length."""
        ...


def unit(vectors: Vectors) -> Vectors:
    """The same directions with length 1; zero stays zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    shortened: Vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return shortened


def whole(text: str) -> str:
    """The text without lone surrogates, which neither a tokenizer nor JSON takes."""
    return text.encode("utf-8", "replace").decode("utf-8")
