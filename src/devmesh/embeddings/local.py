"""WordLlama without its loader: sentence and word vectors from the files inside the package, nothing ever fetched.

WordLlama is a table of 32,000 token vectors (256 numbers each), trained so that the mean over a text's tokens is the
text's meaning. Its own loader looks for the tokenizer in a folder `tokenizer/` while the package ships `tokenizers/`,
and would then download it; it also imports requests and copies the table to float32. So the two files are read here
directly: the weights (safetensors: a length, a JSON header, raw numbers) stay a memory map of float16, which the
kernel may drop and share between processes; the tokenizer is the same Rust one, called text by text so that it starts
no threads.
"""

from __future__ import annotations

import importlib.util
import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from devmesh.embeddings.model import EmbeddingUnavailable, Vectors, unit, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

MAX_TEXT = 2_000  # characters of a text that count; a template says what it is in its first lines
_HEADER_MAX = 1_000_000  # bytes; a safetensors header of one table has about 80
_WEIGHTS = "weights/l2_supercat_256.safetensors"
_TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"


class LocalProvider:
    """WordLlama's 256-dimension model, loaded on first use (about 0.1 s)."""

    name = "wordllama-l2-supercat-256"
    dim = 256

    def __init__(self, folder: Path | None = None) -> None:
        """`folder` is the installed package by default; another one is for tests."""
        self._folder = folder or _package_folder()

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One vector for each text: the mean of its tokens, unit length.

        Raises EmbeddingUnavailable without the package's files.
        """
        return self._mean([text[:MAX_TEXT] for text in texts])

    def embed_words(self, words: Sequence[str]) -> Vectors:
        """One vector for each word, as `embed`; a word that is no single token is the mean of its pieces."""
        return self._mean(words)

    def _mean(self, texts: Sequence[str]) -> Vectors:
        table, tokenizer = self._table, self._tokenizer
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for row, text in enumerate(texts):
            tokens = tokenizer.encode(whole(text), add_special_tokens=False).ids
            if tokens:
                vectors[row] = table[tokens].mean(axis=0, dtype=np.float32)
        return unit(vectors)

    @cached_property
    def _table(self) -> npt.NDArray[np.float16]:
        return _map_table(self._folder / _WEIGHTS, self.dim)

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer  # 4 MB that a server with a gateway alone need not load

        try:
            return Tokenizer.from_file(str(self._folder / _TOKENIZER))
        except Exception as error:  # the Rust side raises bare Exception for a missing and for a broken file
            raise EmbeddingUnavailable(
                f"cannot load the local embedding model: its tokenizer is unreadable: {type(error).__name__}",
                hint="reinstall the package wordllama",
            ) from error


def _package_folder() -> Path:
    """Where wordllama is installed, found without importing it."""
    spec = importlib.util.find_spec("wordllama")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddingUnavailable(
            "cannot load the local embedding model: the package wordllama is not installed",
            hint="pip install wordllama, or set GATEWAY_URL",
        )
    return Path(spec.submodule_search_locations[0])


def _map_table(path: Path, dim: int) -> npt.NDArray[np.float16]:
    """The token table of a safetensors file, mapped and not read."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            tensor = json.loads(file.read(min(length, _HEADER_MAX)))["embedding.weight"]
            rows, columns = tensor["shape"]
            kind = {("F16", dim): "<f2"}[tensor["dtype"], columns]
            start = 8 + length + tensor["data_offsets"][0]
            return np.asarray(np.memmap(file, dtype=kind, mode="r", offset=start, shape=(rows, dim)))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EmbeddingUnavailable(
            f"cannot load the local embedding model: its weights are unreadable: {type(error).__name__}",
            hint="reinstall the package wordllama",
        ) from error
