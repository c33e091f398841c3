"""Trains the classifier of the safety screening on messages of our own; a few minutes on two cores."""

import json
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from bot.safety.normalise import fold
from bot.training.crossencoder import Trainer, start_from, write_graph
from bot.training.wordings import with_slips

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
Message = tuple[str, int]
# Chosen on messages of writers that it was not trained on (docs/SAFETY.md): a card costs a calm reader one click, a
# missed one may cost a life. Lower ones catch hardly more. Down to SOFT, a line of help stands beside the answer.
HARD, SOFT = 0.2, 0.1


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
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [(row["message"], CLASSES.index(row["class"]) if row["class"] in CLASSES else 0) for row in rows]


def train(path: Path, messages: list[Message], plain: list[str]) -> tuple[Screener, "PreTrainedTokenizerBase"]:
    """Train on ``messages`` and, as further harmless ones, ``plain`` questions; word embeddings stay as they are."""
    torch.manual_seed(SEED)
    rng = Random(SEED)
    encoder, tokenizer = start_from(path)
    model = Screener(encoder, encoder.config.hidden_size).train()
    lessons: list[Message] = []
    for _ in range(EPOCHS):
        epoch = [*messages, *((text, 0) for text in rng.sample(plain, min(len(plain), len(messages))))]
        rng.shuffle(epoch)
        lessons += epoch
    _learn(model, tokenizer, lessons, plain, rng)
    return model.eval(), tokenizer


def _learn(
    model: Screener, tokenizer: "PreTrainedTokenizerBase", lessons: list[Message], plain: list[str], rng: Random
) -> None:
    total = len(lessons) // BATCH
    trainer = Trainer(
        model.encoder,
        model.head,
        (RATE, HEAD_RATE),
        lambda step: min(1.0, (step + 1) * 10 / total) * max(0.02, 1 - step / total),
    )
    for step in range(total):
        batch = lessons[step * BATCH : (step + 1) * BATCH]
        coded = _code(tokenizer, [varied(text, plain, rng) for text, _ in batch])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(**coded)
        wanted = torch.tensor([number for _, number in batch])
        trainer.step(functional.cross_entropy(logits.float(), wanted, label_smoothing=0.05))


def varied(text: str, plain: list[str], rng: Random) -> str:
    """Return ``text`` folded, sometimes with slips or with harmless words around it."""
    chance = rng.random()
    if chance < 0.15:
        text = rng.choice(BEFORE) + text
    elif chance < 0.3:
        text += rng.choice(AFTER)
    elif chance < 0.36:
        text = f"{rng.choice(plain)} {text}"
    return fold(with_slips(text, rng) if rng.random() < 0.25 else text)


def export(model: Screener, tokenizer: "PreTrainedTokenizerBase", folder: Path) -> None:
    """Write ``screener.onnx`` and ``screener.json`` into ``folder``."""
    about = {"classes": CLASSES, "hard_threshold": HARD, "soft_threshold": SOFT, "max_tokens": MAX_TOKENS}
    write_graph(model, tokenizer, folder, "screener", about)


def _code(tokenizer: "PreTrainedTokenizerBase", texts: list[str]) -> Any:  # noqa: ANN401  # a BatchEncoding is untyped
    return tokenizer(texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
