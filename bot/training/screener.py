"""Trains the classifier of the safety screening on messages of our own; half an hour on two cores."""

import sys
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from bot.network import INPUTS
from bot.safety.reading import Reading
from bot.training.crossencoder import Trainer, start_from, write_graph
from bot.training.lessons import CLASSES, Around, Lesson, Message, epoch

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

MAX_TOKENS, BATCH, EPOCHS, RATE, HEAD_RATE, SEED = 128, 32, 5, 1e-4, 2e-3, 5
TELL_EVERY = 50
CHUNK = 16  # batches sorted by length together: short readings with short ones
SMOOTHING = 0.02
# Chosen on messages of writers that it was not trained on (docs/SAFETY.md): a card costs a calm reader one click, a
# missed one may cost a life. Lower ones catch hardly more. Down to SOFT, a line of help stands beside the answer.
HARD, SOFT = 0.06, 0.03


class Screener(torch.nn.Module):
    """MiniLM, mean of the tokens of the first text, one layer: a logit for each class.

    The second text, where there is one, is the context: the first one's tokens look at it.
    """

    def __init__(self, encoder: torch.nn.Module, width: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = torch.nn.Linear(width, len(CLASSES))

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> torch.Tensor:
        """Return the logits, (messages, classes)."""
        out = self.encoder(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
        mask = (attention_mask * (1 - token_type_ids)).unsqueeze(-1).to(out.last_hidden_state.dtype)
        logits: torch.Tensor = self.head(((out.last_hidden_state * mask).sum(1) / mask.sum(1)).float())
        return logits


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
    batches = [batch for _ in range(epochs) for batch in _batches(epoch(messages, around, rng), rng)]
    total = len(batches)
    model.train()
    trainer = Trainer(
        model.encoder,
        model.head,
        rates,
        lambda step: min(1.0, (step + 1) * 10 / total) * max(0.02, 1 - step / total),
    )
    for step, batch in enumerate(batches):
        loss = _loss(model, tokenizer, batch)
        trainer.step(loss)
        if (step + 1) % TELL_EVERY == 0:
            sys.stderr.write(f"step {step + 1} of {total}: loss {loss.item():.3f}\n")
    model.eval()


def _batches(lessons: list[Lesson], rng: Random) -> list[list[Lesson]]:
    """Return ``lessons`` in batches of like length, in an order of chance."""
    found = []
    for start in range(0, len(lessons), BATCH * CHUNK):
        chunk = sorted(lessons[start : start + BATCH * CHUNK], key=lambda lesson: sum(map(len, lesson[0])))
        found += [chunk[at : at + BATCH] for at in range(0, len(chunk), BATCH)]
    rng.shuffle(found)
    return found


def _loss(model: Screener, tokenizer: "PreTrainedTokenizerBase", batch: list[Lesson]) -> torch.Tensor:
    coded = [_code(tokenizer, reading) for reading, _ in batch]
    inputs: Any = tokenizer.pad({name: [one[name] for one in coded] for name in INPUTS}, return_tensors="pt")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(**inputs)
    wanted = torch.tensor([number for _, number in batch])
    return functional.cross_entropy(logits.float(), wanted, label_smoothing=SMOOTHING)


def export(model: Screener, tokenizer: "PreTrainedTokenizerBase", folder: Path) -> None:
    """Write ``screener.onnx`` and ``screener.json`` into ``folder``."""
    about = {"classes": CLASSES, "hard_threshold": HARD, "soft_threshold": SOFT, "max_tokens": MAX_TOKENS}
    write_graph(model, tokenizer, folder, "screener", about)


def _code(tokenizer: "PreTrainedTokenizerBase", reading: Reading) -> Any:  # noqa: ANN401  # a BatchEncoding is untyped
    texts = (reading,) if isinstance(reading, str) else reading
    return tokenizer(*texts, truncation="longest_first", max_length=MAX_TOKENS)
