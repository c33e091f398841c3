"""The evidence model's network, its loss, and its export. Only here and in ``bot.model`` is torch used."""

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from bot.files import file_digest
from bot.model import export_onnx
from bot.network import INPUTS
from bot.training.sources import Example
from bot.training.wordings import with_slips

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MAX_TOKENS = 112
GROUP = 8  # sentences shown for each question
PARTIAL = 0.4  # what a sentence that answers in part is worth
MICRO = 32  # pairs encoded at once, of like length: little padding


class CrossEncoder(torch.nn.Module):
    """An encoder over question and sentence, first and mean vector, a small head: one logit a pair."""

    def __init__(self, encoder: torch.nn.Module, width: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = torch.nn.Sequential(torch.nn.Linear(2 * width, 128), torch.nn.Tanh(), torch.nn.Linear(128, 1))

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the logits, (pairs,). Some encoders know no kinds of token."""
        kinds = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        out = self.encoder(input_ids=input_ids, attention_mask=attention_mask, **kinds)
        hidden = out.last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * mask).sum(1) / mask.sum(1)
        logits: torch.Tensor = self.head(torch.cat([hidden[:, 0], mean], -1).float())
        return logits.squeeze(-1)


def start_from(path: Path) -> tuple[Any, "PreTrainedTokenizerBase"]:
    """Return the embedding model in ``path``, its word embeddings frozen, and its tokenizer."""
    from transformers import AutoModel, AutoTokenizer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # our own lines are the only ones
    # The fused attention of torch 2.13 goes back over a batch more slowly on a processor than the plain one.
    encoder = AutoModel.from_pretrained(str(path), attn_implementation="eager")
    for parameter in encoder.embeddings.parameters():
        parameter.requires_grad = False  # few questions must not move the words they do not hold
    return encoder, AutoTokenizer.from_pretrained(str(path))


def build(path: Path) -> tuple[CrossEncoder, "PreTrainedTokenizerBase"]:
    """Return the untrained network over the embedding model in ``path`` and its tokenizer."""
    encoder, tokenizer = start_from(path)
    return CrossEncoder(encoder, encoder.config.hidden_size), tokenizer


class Trainer:
    """Adam over encoder and head, each at its own rate, under ``schedule`` (step -> share of the rate)."""

    def __init__(
        self,
        encoder: torch.nn.Module,
        head: torch.nn.Module,
        rates: tuple[float, float],
        schedule: Callable[[int], float],
    ) -> None:
        self._trained = [p for p in encoder.parameters() if p.requires_grad]
        groups = [{"params": self._trained, "lr": rates[0]}, {"params": head.parameters(), "lr": rates[1]}]
        self.optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, schedule)

    def step(self, loss: torch.Tensor) -> None:
        """Go one step down ``loss``."""
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._trained, 1.0)
        self.optimizer.step()
        self.schedule.step()


def group(example: Example, rng: Random) -> tuple[str, list[tuple[str, float]]]:
    """Draw one question as typed and at most ``GROUP`` sentences with what each is worth: 1, in part, 0."""
    question = example.question
    chance = rng.random()
    if chance < 0.15:
        question = with_slips(question, rng)
    elif chance < 0.3:
        question = question.lower().rstrip("?")
    shown = [(rng.choice(example.answers), 1.0)] if example.answers else []
    shown += [(rng.choice(example.partial), PARTIAL)] if example.partial else []
    near, others = list(example.near), list(example.others)
    rng.shuffle(near)
    rng.shuffle(others)
    mixed = near[: GROUP - len(shown) - 1] + others[:1] + near[GROUP - len(shown) - 1 :] + others[1:]
    return question, [*shown, *((text, 0.0) for text in mixed)][:GROUP]


def loss_of(
    model: CrossEncoder, tokenizer: "PreTrainedTokenizerBase", examples: list[Example], rng: Random
) -> tuple[torch.Tensor, float]:
    """Return the loss of one batch and the share of its questions whose answer came first.

    Listwise: the answer against the group's wrong sentences. Pointwise: each sentence for itself, so that a logit means
    the same for every question and a question without an answer teaches too.
    """
    groups = [group(example, rng) for example in examples]
    pairs = [(question, text) for question, shown in groups for text, _ in shown]
    worth = torch.tensor([value for _, shown in groups for _, value in shown])
    logits = logits_of(model, tokenizer, pairs)
    listwise, firsts, start = torch.zeros(()), [], 0
    for _, shown in groups:
        own, value = logits[start : start + len(shown)], worth[start : start + len(shown)]
        start += len(shown)
        if value[0] == 1:
            clear = own[(value == 0) | (value == 1)]
            listwise = listwise + functional.cross_entropy(clear[None], torch.zeros(1, dtype=torch.long))
            firsts.append(bool(clear.argmax() == 0))
    pointwise = functional.binary_cross_entropy_with_logits(logits, worth)
    return listwise / len(groups) + pointwise, sum(firsts) / max(1, len(firsts))


def logits_of(model: CrossEncoder, tokenizer: "PreTrainedTokenizerBase", pairs: list[tuple[str, str]]) -> torch.Tensor:
    """Return the logit of each pair of question and sentence, (pairs,)."""
    coded = tokenizer([q for q, _ in pairs], [s for _, s in pairs], truncation="longest_first", max_length=MAX_TOKENS)
    order = sorted(range(len(pairs)), key=lambda n: (len(coded["input_ids"][n]), n))
    found = []
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for start in range(0, len(order), MICRO):
            rows = order[start : start + MICRO]
            batch = tokenizer.pad({name: [coded[name][n] for n in rows] for name in coded}, return_tensors="pt")
            found.append(model(**batch).float())
    return torch.cat(found)[torch.argsort(torch.tensor(order))]


def export(model: CrossEncoder, tokenizer: "PreTrainedTokenizerBase", folder: Path) -> None:
    """Write ``reranker.onnx``, ``reranker.json`` and ``tokenizer.json`` into ``folder``."""
    write_graph(model, tokenizer, folder, "reranker", {"max_tokens": MAX_TOKENS})


def write_graph(
    model: torch.nn.Module,
    tokenizer: "PreTrainedTokenizerBase",
    folder: Path,
    name: str,
    about: dict[str, object],
    *,
    inputs: Sequence[str] = INPUTS,
) -> None:
    """Export ``model`` with weights of 8 bits for ``bot.network``; ``about`` goes beside its digest."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    folder.mkdir(parents=True, exist_ok=True)
    whole, graph = folder / "whole.onnx", folder / f"{name}.onnx"
    export_onnx(model, whole, inputs=list(inputs), outputs={"logits": {0: "batch"}})
    logging.disable(logging.WARNING)  # it advises a step that changes nothing in these graphs
    try:
        quantize_dynamic(str(whole), str(graph), per_channel=True, weight_type=QuantType.QInt8)
    finally:
        logging.disable(logging.NOTSET)
    whole.unlink()
    backend = tokenizer.backend_tokenizer
    backend.no_padding()
    backend.no_truncation()
    backend.save(str(folder / "tokenizer.json"))
    write_about(folder, graph.name, about)


def write_about(folder: Path, file: str, about: dict[str, object]) -> None:
    """Write the JSON file beside ``file`` that ``bot.network.proven`` reads: its digest, then ``about`` it."""
    text = json.dumps({"sha256": file_digest(folder / file), **about}, indent=1)
    (folder / file).with_suffix(".json").write_text(text + "\n", encoding="utf-8")
