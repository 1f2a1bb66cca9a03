"""The bench that judges vectors runs, and its made vectors are what it says of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture(scope="module")
def bench():
    """The bench as a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCH))
        import vectors  # type: ignore[import-not-found]

        yield vectors
        for name in ("vectors", "search"):
            sys.modules.pop(name, None)


def test_made_vectors_keep_near_what_is_near(bench):
    """Of unit length, the same every time, another one for each text, near where the texts are."""
    texts = ["cannot open the file", "unable to open this file", "the moon is made of cheese"]
    made = bench.embed(texts, 1024)
    assert made.shape == (3, 1024)
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1.0, atol=1e-5)
    assert made.tobytes() == bench.embed(texts, 1024).tobytes()
    assert made[0] @ made[1] > made[0] @ made[2] + 0.2
    assert np.abs(made[0][:256] - made[0][256:512]).max() > 0.01


def test_the_bench_says_how_near_and_how_fast():
    """In memory nearly every one of the ten nearest is found."""
    command = [sys.executable, str(BENCH / "vectors.py"), "--vectors", "400", "--dim", "512", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["recall"] > 0.95
    assert 0 < result["median_ms"] <= result["worst_ms"]
    assert (result["vectors"], result["dim"]) == (400, 512)
