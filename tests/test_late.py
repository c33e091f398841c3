"""Late interaction by value against a double loop."""

import math

import numpy as np
import pytest

from bot.late import TokenStore


def unit(matrix):
    return (matrix / np.linalg.norm(matrix, axis=-1, keepdims=True)).astype(np.float32)


def brute_force(query, query_ids, matrices, ids):
    count = {i: sum(i in sentence for sentence in ids) for i in query_ids}
    weight = [math.log(1 + (len(ids) - count[i] + 0.5) / (count[i] + 0.5)) for i in query_ids]
    return [
        sum(w * max(float(q @ d) for d in m) for q, w in zip(query, weight, strict=True)) / sum(weight)
        if len(m)
        else 0.0
        for m in matrices
    ]


@pytest.mark.parametrize("reloaded", [False, True], ids=["fresh", "reloaded"])
def test_scores_equal_the_double_loop(reloaded, tmp_path):
    random = np.random.default_rng(11)
    lengths = [3, 7, 0, 5]
    matrices = [unit(random.normal(size=(n, 16))).reshape(n, 16) for n in lengths]
    ids = [random.integers(0, 9, size=n).tolist() for n in lengths]
    store = TokenStore.build(matrices, ids)
    if reloaded:
        store.save(tmp_path)
        store = TokenStore.load(tmp_path)
    query, query_ids = unit(random.normal(size=(4, 16))), [1, 2, 5, 777]
    found = store.scores(query, query_ids, np.arange(4))
    np.testing.assert_allclose(found, brute_force(query, query_ids, matrices, ids), atol=2e-3)


def test_a_question_without_tokens_scores_nothing():
    store = TokenStore.build([unit(np.ones((2, 4)))], [[1, 2]])
    assert store.scores(np.zeros((0, 4), np.float32), [], np.arange(1)).tolist() == [0.0]
