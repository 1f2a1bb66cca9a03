"""The local model: right vectors from the package's own files, small, and never a network."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from devmesh.embeddings import EmbeddingUnavailable, LocalProvider


@pytest.fixture(scope="module")
def local():
    """The model, loaded once."""
    return LocalProvider()


def test_vectors_are_what_wordllama_says(local):
    """The same vectors as the package's own inference gives when it is handed its files."""
    tokenizers = pytest.importorskip("tokenizers")
    texts = ["Failed password for <user> from <ip>", "disk is dying", "ECONNREFUSED", "naïve Ünïcode 日本"]
    tokenizer = tokenizers.Tokenizer.from_file(str(local._folder / "tokenizers/l2_supercat_tokenizer_config.json"))
    program = textwrap.dedent(f"""
        import json, sys
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer
        from wordllama.inference import WordLlamaInference
        folder = {str(local._folder)!r}
        weights = load_file(folder + "/weights/l2_supercat_256.safetensors")["embedding.weight"]
        tokenizer = Tokenizer.from_file(folder + "/tokenizers/l2_supercat_tokenizer_config.json")
        json.dump(WordLlamaInference(weights, tokenizer).embed({texts!r}, norm=True).tolist(), sys.stdout)
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    np.testing.assert_allclose(local.embed(texts), np.array(json.loads(done.stdout)), atol=2e-3)
    assert tokenizer.get_vocab_size() == 32_000


def test_meaning_is_near(local):
    """Related words are nearer than unrelated ones."""
    password, credentials, filesystem = local.embed_words(["password", "credentials", "filesystem"])
    assert password @ credentials > 0.3 > password @ filesystem


def test_odd_texts_have_vectors_too(local):
    """Nothing, lone surrogates, NUL and a very long text raise nothing; nothing is the zero vector."""
    found = local.embed(["", "\ud800 broken", "\0", "word " * 100_000])
    assert found.shape == (4, 256)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), [0, 1, 1, 1], atol=1e-5)


def test_it_loads_without_network_and_in_little_memory():
    """With sockets forbidden it works, imports neither wordllama nor requests, and adds less than 60 MB."""
    program = textwrap.dedent("""
        import socket, sys
        def refuse(*a, **k): raise SystemExit("network")
        socket.socket.connect = socket.getaddrinfo = refuse
        import numpy
        from pathlib import Path
        def memory(): return int(Path("/proc/self/status").read_text().split("VmRSS:")[1].split()[0]) / 1024
        before = memory()
        from devmesh.embeddings.local import LocalProvider
        provider = LocalProvider()
        assert provider.embed(["disk is dying"]).any() and provider.embed_words(["disk"]).any()
        assert memory() - before < 60, memory() - before
        loaded = {"wordllama", "requests", "huggingface_hub", "safetensors", "torch"} & set(sys.modules)
        assert not loaded, loaded
    """)
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, check=False, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("weights", [None, b"", b"\x08\0\0\0\0\0\0\0{}      ", b"\xff" * 100])
def test_missing_or_broken_files_are_one_error(tmp_path, local, weights):
    """The error says what to do, and is the one that search knows how to live with."""
    (tmp_path / "weights").mkdir()
    if weights is not None:
        (tmp_path / "weights/l2_supercat_256.safetensors").write_bytes(weights)
    with pytest.raises(EmbeddingUnavailable, match="weights are unreadable") as raised:
        LocalProvider(tmp_path).embed(["a"])
    assert raised.value.hint
    (tmp_path / "weights/l2_supercat_256.safetensors").unlink(missing_ok=True)
    (tmp_path / "weights/l2_supercat_256.safetensors").symlink_to(local._folder / "weights/l2_supercat_256.safetensors")
    with pytest.raises(EmbeddingUnavailable, match="tokenizer is unreadable"):
        LocalProvider(tmp_path).embed(["a"])
