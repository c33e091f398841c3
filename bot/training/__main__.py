"""Trains the models of ours: python -m bot.training reranker --public FOLDER, or the name of another one.

The reranker takes half an hour on two cores, stops and goes on where it was; so do its adapters (an hour beside other
work), which learn further questions without touching the weights that are there. The adapters of the large evidence
model take an hour and a half. The screener takes half an hour, its
adapters ("screened") an hour, the n-gram model beside it five minutes. The same data and seed give the same order of
examples; sums of floating-point numbers may differ between machines, so weights are the same only to a few digits.
"""

import argparse
import sys
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import torch

from bot.embed import OnnxEncoder
from bot.model import DEFAULT_PACKAGE, find_model
from bot.network import WEIGHTS
from bot.rerank import Reranker
from bot.safety import Gate
from bot.settings import load_settings
from bot.snapshot import current
from bot.training import large, ngrams, screener
from bot.training.adapters import RANK, adapt, load_shipped, without_dropout
from bot.training.crossencoder import CrossEncoder, Trainer, build, export, loss_of
from bot.training.lessons import Around, Message, fragments, read_messages
from bot.training.patients import patient_examples
from bot.training.sources import Example, medquad, read_rows, selqa, squad
from bot.words import words_for

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SEED, BATCH = 7, 16
PUBLIC, PASSES = 3000, 3.0  # public examples seen once, then passes over the patients' questions
RATE, HEAD_RATE = 8e-5, 5e-4
ADAPTER_PASSES, ADAPTER_RATE, ADAPTED_HEAD_RATE = 2, 5e-4, 2e-4
LARGE_RATE, LARGE_HEAD_RATE = 4e-4, 1e-3
PARTS = ("fit", "fit_further")  # the patients' questions that are learnt
SCREENED_EPOCHS, SCREENED_RANK = 2, 16
STORIES_TIMES = 2  # long messages that writers marked, in one go over all messages
SAVE_EVERY = 50


def main() -> None:
    """Train one of the models and export it."""
    wanted = argparse.ArgumentParser(prog="python -m bot.training", description=__doc__)
    wanted.add_argument("model", choices=["reranker", "adapters", "large", "screener", "screened", "ngrams"])
    wanted.add_argument("--public", type=Path, help="reranker: folder with medquad.jsonl.gz, covidqa/ and selqa/")
    wanted.add_argument("--data", type=Path, default=Path("tests/data"), help="folder with the data of this repository")
    wanted.add_argument("--out", type=Path, default=Path("bot/weights"))
    wanted.add_argument("--work", type=Path, default=Path("build/training"), help="where a stopped run goes on from")
    given = wanted.parse_args()
    if given.model == "ngrams":
        ngrams.fit(*_told(given.data, screener.new(find_model(DEFAULT_PACKAGE).path)[1]), given.out)
        return
    if given.model in {"screener", "screened"}:
        _screener(given.data, given.out, adapters=given.model == "screened")
        return
    if given.model == "reranker" and given.public is None:
        wanted.error("--public is needed: the folder of the public data (sources in bot/weights/MODEL_CARD.md)")
    given.work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    if given.model == "large":
        _large(given.data / "patient_questions", given.work, given.out)
        return
    model, tokenizer = build(find_model(DEFAULT_PACKAGE).path)
    if given.model == "reranker":
        lessons, rates = _lessons(given.public, given.data / "patient_questions"), (RATE, HEAD_RATE)
    else:
        load_shipped(model, WEIGHTS / "reranker.onnx")
        adapt(model)
        lessons, rates = _further_lessons(given.data / "patient_questions"), (ADAPTER_RATE, ADAPTED_HEAD_RATE)
    _train(model, tokenizer, lessons, given.work / f"{given.model}.pt", rates)
    export(model, tokenizer, given.out)


def _large(patients: Path, work: Path, out: Path) -> None:
    """Train the adapters of the large evidence model, in one go over all patients' questions."""
    found = sorted((work / "base").rglob("model.safetensors"))
    model, tokenizer = large.network(found[0].parent if found else large.fetch(work), RANK)
    lessons = [one for part in PARTS for one in patient_examples(patients, part, _encoder())]
    Random(SEED).shuffle(lessons)
    _train(model, tokenizer, lessons, work / "large.pt", (LARGE_RATE, LARGE_HEAD_RATE))
    large.save(model, out, RANK)


def _encoder() -> OnnxEncoder:
    return OnnxEncoder(current(load_settings().index) / "encoder")


def _screener(data: Path, out: Path, *, adapters: bool) -> None:
    """Train the classifier of the screening, or ``adapters`` beside its shipped weights."""
    model, tokenizer = screener.new(find_model(DEFAULT_PACKAGE).path)
    messages, around = _told(data, tokenizer)
    if adapters:
        load_shipped(model, WEIGHTS / "screener.onnx")
        adapt(model, SCREENED_RANK)
        without_dropout(model)
        screener.train(model, tokenizer, messages, around, epochs=SCREENED_EPOCHS, rates=(ADAPTER_RATE, ADAPTER_RATE))
    else:
        screener.train(model, tokenizer, messages, around)
    screener.export(model, tokenizer, out)


def _told(data: Path, tokenizer: "PreTrainedTokenizerBase") -> tuple[list[Message], Around]:
    """Return the messages that the screening learns from, and what stands around them."""
    messages = read_messages(data / "safety_fit.jsonl")
    messages += STORIES_TIMES * read_messages(data / "safety_stories.jsonl")
    asked = [data / "patient_questions" / f"{part}.jsonl" for part in PARTS]
    plain = [row["question"] for path in asked for row in read_rows(path)]
    calm = [row["message"] for row in read_rows(data / "safety_calm.jsonl")]
    benign = [
        row["message"]
        for name in ("safety_fit", "safety_stories")
        for row in read_rows(data / f"{name}.jsonl")
        if row["class"] == "benign"
    ]
    gate = Gate(words_for("US"), known=frozenset(word for word in tokenizer.get_vocab() if word.isalpha()))
    return messages, Around(plain, calm, fragments([*plain, *benign], gate))


def _lessons(public: Path, patients: Path) -> list[Example]:
    """Return every example in the order it is learnt: public ones first, then passes over the patients' questions."""
    rng = Random(SEED)
    topics = frozenset(row["topic"].lower() for row in read_rows(patients / "articles.jsonl"))
    judged = public / "qrels.tsv"  # LiveQA-Med's judged answers: an outside check, so their topics are not learnt
    answers = frozenset(judged.read_text("utf-8").split()) if judged.exists() else frozenset()
    sick = medquad(public / "medquad.jsonl.gz", topics, answers, rng)
    rng.shuffle(sick)
    covid = squad(public / "covidqa" / "200423_covidQA.json", rng)
    encyclopaedia = selqa([public / "selqa" / f"selqa-ass-{name}.json" for name in ("dev", "test")], rng)
    found = sick[: PUBLIC * 6 // 10] + covid[: PUBLIC * 15 // 100] + encyclopaedia[: PUBLIC // 4]
    rng.shuffle(found)
    own = patient_examples(patients, "fit", _encoder())
    for _ in range(int(PASSES + 1)):
        rng.shuffle(own)
        found += own
    return found[: len(found) - int((int(PASSES + 1) - PASSES) * len(own))]


def _further_lessons(patients: Path) -> list[Example]:
    """Return all patients' questions twice, with the wrong answers that the shipped model likes best."""
    encoder, shipped = _encoder(), Reranker()
    own = [example for part in PARTS for example in patient_examples(patients, part, encoder, shipped.scores)]
    rng, found = Random(SEED), list[Example]()
    for _ in range(ADAPTER_PASSES):
        rng.shuffle(own)
        found += own
    return found


def _train(
    model: CrossEncoder,
    tokenizer: "PreTrainedTokenizerBase",
    lessons: list[Example],
    checkpoint: Path,
    rates: tuple[float, float],
) -> None:
    total = len(lessons) // BATCH
    warm = max(1, total // 12)
    trainer = Trainer(
        model.encoder,
        model.head,
        rates,
        lambda step: min(1.0, (step + 1) / warm) * max(0.03, 1 - step / total),
    )
    parts: dict[str, Any] = {"model": model, "optimizer": trainer.optimizer, "schedule": trainer.schedule}
    start = _resume(checkpoint, parts)
    model.train()
    seen = []
    for step in range(start, total):
        # Each step draws from its own seed, so that a resumed run goes the same way.
        torch.manual_seed(SEED + step)
        loss, firsts = loss_of(model, tokenizer, lessons[step * BATCH : (step + 1) * BATCH], Random(SEED + step))
        trainer.step(loss)
        seen.append((loss.item(), firsts))
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == total:
            mean = [sum(column) / len(column) for column in zip(*seen[-SAVE_EVERY:], strict=True)]
            sys.stderr.write(f"step {step + 1} of {total}: loss {mean[0]:.3f}, answer first {mean[1]:.3f}\n")
            torch.save({"step": step + 1, **{name: part.state_dict() for name, part in parts.items()}}, checkpoint)


def _resume(checkpoint: Path, parts: dict[str, Any]) -> int:
    if not checkpoint.exists():
        return 0
    saved = torch.load(checkpoint, weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(saved[name])
    return int(saved["step"])


if __name__ == "__main__":
    main()
