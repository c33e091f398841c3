"""The query encoder: onnxruntime and tokenizers, no torch. Loads what ``bot.model`` exported."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from bot.errors import SnapshotError
from bot.interfaces import Matrix
from bot.session import open_session

BATCH = 32


class OnnxEncoder:
    """One exported sentence-transformers model, held open.

    Vectors have length one. Texts longer than the model's limit are cut for searching only.
    """

    def __init__(self, folder: Path, *, threads: int = 2) -> None:
        self.folder = folder
        try:
            self._about: dict[str, Any] = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            self._session = open_session(folder / "model.onnx", threads)
        except Exception as error:
            logging.getLogger(__name__).debug("encoder in %s cannot be opened", folder, exc_info=True)
            raise SnapshotError(
                f"The encoder in {folder} cannot be opened. Run: python -m bot index --force"
            ) from error
        self._tokenizer.enable_truncation(self._about["max_tokens"])
        self._special = np.array(self._about["special_ids"], dtype=np.int64)
        self.dim: int = self._about["dim"]

    def documents(self, texts: list[str]) -> tuple[Matrix, list[Matrix]]:
        """Return unit vectors (n, dim) and, per text, unit vectors of its tokens (tokens, dim)."""
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        tokens: list[Matrix] = [np.zeros((0, self.dim), dtype=np.float32)] * len(texts)
        # Texts of like length share a batch: little padding, and the order never depends on anything else.
        order = sorted(range(len(texts)), key=lambda i: (len(texts[i]), i))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            batch, per_text, _ = self._encode([self._about["document_prompt"] + texts[i] for i in rows])
            vectors[rows] = batch
            for row, matrix in zip(rows, per_text, strict=True):
                tokens[row] = matrix
        return vectors, tokens

    def query(self, text: str) -> tuple[Matrix, Matrix, list[int]]:
        """Return the unit vector (dim,), the unit token vectors (tokens, dim) and the tokens' ids."""
        vectors, tokens, ids = self._encode([self._about["query_prompt"] + text])
        return vectors[0], tokens[0], ids[0]

    def token_ids(self, texts: list[str]) -> list[list[int]]:
        """Return each text's token ids as ``documents`` sees them, special ones left out."""
        found = self._tokenizer.encode_batch([self._about["document_prompt"] + text for text in texts])
        return [[i for i in encoding.ids if i not in self._special] for encoding in found]

    def vocabulary(self) -> frozenset[str]:
        """Return the whole words that the model knows: what is in it is no slip of the thumb."""
        return frozenset(word for word in self._tokenizer.get_vocab() if word.isalpha())

    def _encode(self, texts: list[str]) -> tuple[Matrix, list[Matrix], list[list[int]]]:
        encodings = self._tokenizer.encode_batch(texts)
        width = max(len(e.ids) for e in encodings)
        ids = np.full((len(texts), width), self._about["pad_id"], dtype=np.int64)
        mask = np.zeros((len(texts), width), dtype=np.int64)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding.ids)] = encoding.ids
            mask[row, : len(encoding.ids)] = 1
        vectors, tokens = self._session.run(None, {"input_ids": ids, "attention_mask": mask})
        wanted = (mask == 1) & ~np.isin(ids, self._special)
        per_text = [_unit(tokens[row][wanted[row]]) for row in range(len(texts))]
        return _unit(vectors), per_text, [ids[row][wanted[row]].tolist() for row in range(len(texts))]


def _unit(matrix: Matrix) -> Matrix:
    norms = np.linalg.norm(matrix, axis=-1, keepdims=True)
    return np.asarray(matrix / np.maximum(norms, 1e-12), dtype=np.float32)
