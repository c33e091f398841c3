"""Late interaction by value against a double loop."""

import math

import numpy as np
import pytest

from bot.errors import SnapshotError
from bot.late import Tokens, TokenStore
from bot.pack import Vectors, read_vectors, vectors_file


def unit(matrix):
    return (matrix / np.linalg.norm(matrix, axis=-1, keepdims=True)).astype(np.float32)


def packed(matrices, ids, dim):
    """The tokens of some sentences, as an article has them."""
    vectors = np.concatenate([np.zeros((0, dim)), *matrices]).astype(np.float16)
    offsets = np.cumsum([0, *map(len, matrices)]).astype(np.int64)
    return Tokens(vectors, np.array([i for own in ids for i in own], dtype=np.int32), offsets)


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
    parts = [packed(matrices[:3], ids[:3], 16), packed([], [], 16), packed(matrices[3:], ids[3:], 16)]
    if reloaded:
        parts = [written(part, tmp_path / str(number)) for number, part in enumerate(parts)]
    store = TokenStore(parts)
    query, query_ids = unit(random.normal(size=(4, 16))), [1, 2, 5, 777]
    found = store.scores(query, query_ids, np.arange(4))
    np.testing.assert_allclose(found, brute_force(query, query_ids, matrices, ids), atol=2e-3)


def written(part, path):
    """The tokens after a way over the disk; the file is gone then, as when its snapshot was pruned."""
    matrix = np.zeros((part.rows, 16), np.float32)
    path.write_bytes(vectors_file(Vectors(matrix, matrix, part)))
    read = read_vectors(path)
    path.unlink()
    assert read.sentences.shape == read.contexts.shape == matrix.shape
    return read.tokens


@pytest.mark.parametrize("data", [None, b"", b"no vectors", b"\xff" * 100])
def test_a_file_that_holds_no_vectors_is_refused(data, tmp_path):
    if data is not None:
        (tmp_path / "odd").write_bytes(data)
    with pytest.raises(SnapshotError, match="python -m bot index --force"):
        read_vectors(tmp_path / "odd")


def test_a_question_without_tokens_scores_nothing():
    store = TokenStore([packed([unit(np.ones((2, 4)))], [[1, 2]], 4)])
    assert store.scores(np.zeros((0, 4), np.float32), [], np.arange(1)).tolist() == [0.0]
