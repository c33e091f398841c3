"""Every vector engine by value against brute force, before and after save and load."""

import numpy as np
import pytest

from bot.errors import SnapshotError
from bot.vectors import ENGINES, Faiss, make_engine


def unit(matrix):
    return (matrix / np.linalg.norm(matrix, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture(params=sorted(ENGINES))
def engine_name(request):
    return request.param


@pytest.mark.parametrize("scale", [1.0, 3.0], ids=["unit query", "longer query"])
@pytest.mark.parametrize("k", [1, 10, 700])
@pytest.mark.parametrize("reloaded", [False, True], ids=["fresh", "reloaded"])
def test_search_equals_brute_force(engine_name, scale, k, reloaded, tmp_path):
    random = np.random.default_rng(5)
    vectors = unit(random.normal(size=(500, 48)))
    engine = make_engine(engine_name, vectors)
    if reloaded:
        engine.save(tmp_path / "engine")
        engine = ENGINES[engine_name].load(tmp_path / "engine")
    query = unit(random.normal(size=48)) * np.float32(scale)
    rows, scores = engine.search(query, k)
    truth = vectors @ query
    wanted = np.argsort(-truth, kind="stable")[:k]
    assert rows.tolist() == wanted.tolist()
    np.testing.assert_allclose(scores, truth[wanted], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(engine.scores(query, np.array([3, 499, 0])), truth[[3, 499, 0]], rtol=1e-5, atol=1e-6)


def test_equal_vectors_come_in_row_order(engine_name):
    vectors = np.ones((6, 4), dtype=np.float32) / 2
    rows, scores = make_engine(engine_name, vectors).search(vectors[0], 4)
    assert rows.tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(scores, 1.0, atol=1e-6)


def test_a_file_that_is_no_index_is_refused(tmp_path):
    (tmp_path / "odd").write_bytes(b"not an index")
    with pytest.raises(SnapshotError, match="python -m bot index"):
        Faiss.load(tmp_path / "odd")
