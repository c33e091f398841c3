"""Trains the classifier of the safety screening on messages of our own; half an hour on two cores."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from bot.safety import Gate
from bot.safety.classifier import SHORTEST
from bot.safety.normalise import fold, sentences
from bot.training.crossencoder import Trainer, start_from, write_graph
from bot.training.sources import read_rows
from bot.training.wordings import with_slips
from bot.types import HARD_ROUTES, Route

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

CLASSES = ("none", "emergency", "poison", "crisis", "abuse", "dosing", "misuse", "personal", "injection")
MAX_TOKENS, BATCH, EPOCHS, RATE, HEAD_RATE, SEED = 96, 32, 5, 1e-4, 2e-3, 5
# What people put around the thing that matters; it must not change what is said.
BEFORE = (
    "hi, quick question, ",
    "it is probably nothing but ",
    "sorry to bother you. ",
    "my friend says it is fine but ",
    "not sure if this is the right place. ",
    "hello doctor ",
)
AFTER = (" also how long does it last?", " what are your opening hours", " thanks", " is that normal")
# What they tell of their lives around it: sentences of nobody in danger. One message in ``RAMBLING`` stands among them.
RAMBLING, MOST_AROUND = 0.45, 5
JOINED = (". ", ". ", " ", ", ")
TELL_EVERY = 50
ALARMING = frozenset({*HARD_ROUTES, Route.SOFT_EMERGENCY, Route.SOFT_SUPPORT})
Message = tuple[str, int]
# Chosen on messages of writers that it was not trained on (docs/SAFETY.md): a card costs a calm reader one click, a
# missed one may cost a life. Lower ones catch hardly more. Down to SOFT, a line of help stands beside the answer.
HARD, SOFT = 0.1, 0.05


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a message: ``plain`` questions and ``calm`` sentences of people in no danger.

    ``fragments`` are single sentences of harmless messages: each sentence of a message is read alone, too.
    """

    plain: list[str]
    calm: list[str]
    fragments: list[str] = field(default_factory=list)


class Screener(torch.nn.Module):
    """MiniLM, mean of the tokens, one layer: a logit for each class."""

    def __init__(self, encoder: torch.nn.Module, width: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = torch.nn.Linear(width, len(CLASSES))

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        """Return the logits, (messages, classes)."""
        out = self.encoder(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
        mask = attention_mask.unsqueeze(-1).to(out.last_hidden_state.dtype)
        logits: torch.Tensor = self.head(((out.last_hidden_state * mask).sum(1) / mask.sum(1)).float())
        return logits


def read_messages(path: Path) -> list[Message]:
    """Return (message, class number); benign messages and hard negatives are both "none"."""
    return [(row["message"], CLASSES.index(row["class"]) if row["class"] in CLASSES else 0) for row in read_rows(path)]


def new(path: Path) -> tuple[Screener, "PreTrainedTokenizerBase"]:
    """Return an untrained classifier over the embedding model in ``path``, its word embeddings as they are."""
    torch.manual_seed(SEED)
    encoder, tokenizer = start_from(path)
    return Screener(encoder, encoder.config.hidden_size), tokenizer


def train(
    model: Screener,
    tokenizer: "PreTrainedTokenizerBase",
    messages: list[Message],
    around: Around,
    *,
    epochs: int = EPOCHS,
    rates: tuple[float, float] = (RATE, HEAD_RATE),
) -> None:
    """Train ``model`` on ``messages`` and, as further harmless ones, what is asked and told ``around`` them."""
    rng = Random(SEED)
    lessons: list[Message] = []
    for _ in range(epochs):
        plain = rng.sample(around.plain, min(len(around.plain), len(messages) // 2))
        alone = rng.sample(around.fragments, min(len(around.fragments), len(messages) // 2))
        epoch = [*messages, *((text, 0) for text in (*plain, *alone, *around.calm))]
        rng.shuffle(epoch)
        lessons += epoch
    _learn(model.train(), tokenizer, lessons, around, rates, rng)
    model.eval()


def _learn(
    model: Screener,
    tokenizer: "PreTrainedTokenizerBase",
    lessons: list[Message],
    around: Around,
    rates: tuple[float, float],
    rng: Random,
) -> None:
    total = len(lessons) // BATCH
    trainer = Trainer(
        model.encoder,
        model.head,
        rates,
        lambda step: min(1.0, (step + 1) * 10 / total) * max(0.02, 1 - step / total),
    )
    for step in range(total):
        batch = lessons[step * BATCH : (step + 1) * BATCH]
        coded = _code(tokenizer, [varied(text, around, rng) for text, _ in batch])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(**coded)
        wanted = torch.tensor([number for _, number in batch])
        loss = functional.cross_entropy(logits.float(), wanted, label_smoothing=0.05)
        trainer.step(loss)
        if (step + 1) % TELL_EVERY == 0:
            sys.stderr.write(f"step {step + 1} of {total}: loss {loss.item():.3f}\n")


def fragments(harmless: list[str], gate: Gate) -> list[str]:
    """Return the sentences of ``harmless`` messages that have several; none in which a rule sees danger."""
    found = dict.fromkeys(
        part
        for text in harmless
        for parts in [sentences(fold(text))]
        for part in parts
        if len(parts) > 1 and len(part.split()) >= SHORTEST
    )
    return [part for part in found if not set(gate.screen(part).routes) & ALARMING]


def varied(text: str, around: Around, rng: Random) -> str:
    """Return ``text`` folded, sometimes with slips, with harmless words around it, or in the midst of a story."""
    chance = rng.random()
    if chance < 0.15:
        text = rng.choice(BEFORE) + text
    elif chance < 0.3:
        text += rng.choice(AFTER)
    elif chance < 0.36:
        text = f"{rng.choice(around.plain)} {text}"
    if around.calm and rng.random() < RAMBLING:
        text = _story(text, around, rng)
    return fold(with_slips(text, rng) if rng.random() < 0.25 else text)


def _story(text: str, around: Around, rng: Random) -> str:
    told = rng.sample(around.calm, rng.randint(1, min(MOST_AROUND, len(around.calm))))
    told += [rng.choice(around.plain)] if rng.random() < 0.3 else []
    told.insert(rng.randint(0, len(told)), text)
    return rng.choice(JOINED).join(part.rstrip(". ") for part in told)


def export(model: Screener, tokenizer: "PreTrainedTokenizerBase", folder: Path) -> None:
    """Write ``screener.onnx`` and ``screener.json`` into ``folder``."""
    about = {"classes": CLASSES, "hard_threshold": HARD, "soft_threshold": SOFT, "max_tokens": MAX_TOKENS}
    write_graph(model, tokenizer, folder, "screener", about)


def _code(tokenizer: "PreTrainedTokenizerBase", texts: list[str]) -> Any:  # noqa: ANN401  # a BatchEncoding is untyped
    return tokenizer(texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
