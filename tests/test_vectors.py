"""Every vector engine by value against brute force."""

import numpy as np
import pytest

from bot.vectors import ENGINES, make_engine


def unit(matrix):
    return (matrix / np.linalg.norm(matrix, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture(params=sorted(ENGINES))
def engine_name(request):
    return request.param


@pytest.mark.parametrize("scale", [1.0, 3.0], ids=["unit query", "longer query"])
@pytest.mark.parametrize("k", [1, 10, 700])
def test_search_equals_brute_force(engine_name, scale, k):
    random = np.random.default_rng(5)
    vectors = unit(random.normal(size=(500, 48)))
    engine = make_engine(engine_name, vectors)
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
