"""Training in small: it learns, it goes on where it stopped, and what it exports is what serving opens."""

from pathlib import Path

import pytest
from conftest import ROOT

from bot.model import DEFAULT_PACKAGE, find_model
from bot.network import Network
from bot.rerank import Reranker

EXAMPLES = [
    ("how long do i stay off work", "Most people go back to work after two weeks.", "Parking is behind the clinic."),
    ("does it hurt", "It can hurt for a day or two.", "The operation was first done in 1953."),
]


@pytest.mark.filterwarnings("default")  # torch and onnxruntime warn about themselves while exporting
def test_the_evidence_model_learns_resumes_and_is_exported(tmp_path: Path):
    import torch

    from bot.training.__main__ import BATCH, _train
    from bot.training.crossencoder import build, export
    from bot.training.sources import Example

    lessons = [Example(q, (right,), near=(wrong,)) for q, right, wrong in EXAMPLES] * BATCH
    checkpoint = tmp_path / "checkpoint.pt"
    path = find_model(DEFAULT_PACKAGE).path
    model, tokenizer = build(path)
    _train(model, tokenizer, lessons[:BATCH], checkpoint)
    first = torch.load(checkpoint, weights_only=True)
    resumed, _ = build(path)
    _train(resumed, tokenizer, lessons, checkpoint)
    second = torch.load(checkpoint, weights_only=True)
    assert (first["step"], second["step"]) == (1, 2)
    name = "head.0.weight"
    assert not torch.equal(first["model"][name], second["model"][name])
    assert torch.equal(resumed.state_dict()[name], second["model"][name])
    export(resumed, tokenizer, tmp_path / "weights")
    assert Reranker(tmp_path / "weights").scores(*_pair()).shape == (2,)


@pytest.mark.filterwarnings("default")
def test_the_classifier_learns_and_is_exported(tmp_path: Path):
    from bot.training import screener

    messages = screener.read_messages(ROOT / "tests/data/safety_fit.jsonl")
    assert {number for _, number in messages} == set(range(len(screener.CLASSES)))
    model, tokenizer = screener.train(find_model(DEFAULT_PACKAGE).path, messages[::40], ["how long does it last"])
    screener.export(model, tokenizer, tmp_path)
    network = Network(tmp_path, "screener", instead="-")
    assert network.run(["my chest hurts"]).shape == (1, len(screener.CLASSES))
    assert network.about["hard_threshold"] > network.about["soft_threshold"] > 0


def _pair():
    question, right, wrong = EXAMPLES[0]
    return question, [right, wrong]
