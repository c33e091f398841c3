"""A trained network of ours, exported to ONNX: opened, proven by its digest, run. Serves without torch."""

import json
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Encoding, Tokenizer

from bot.errors import ModelError
from bot.files import file_digest
from bot.interfaces import Matrix
from bot.session import shared_session, workers

WEIGHTS = Path(__file__).resolve().parent / "weights"
LARGE = WEIGHTS / "large"  # made by ``python -m bot large``, not in the repository
LEARNT = "large.safetensors"  # in WEIGHTS: what the large evidence model learnt
RESTORE = "Restore the folder from version control"
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


@contextmanager
def opening(folder: Path, name: str, *, instead: str, restore: str = RESTORE) -> Iterator[None]:
    """Turn whatever goes wrong while the model ``name`` is opened into a ModelError with two ways out."""
    try:
        yield
    except Exception as error:
        logging.getLogger(__name__).debug("%s in %s cannot be opened", name, folder, exc_info=True)
        raise ModelError(
            f"The model '{name}' in {folder} cannot be opened ({error}). {restore}, or run without it: {instead}"
        ) from error


def proven(folder: Path, file: str) -> dict[str, Any]:
    """Return what the JSON file beside ``file`` says of it, which has the digest named there.

    Raises:
        ValueError: it has not.
    """
    beside = Path(file).with_suffix(".json").name
    about: dict[str, Any] = json.loads((folder / beside).read_text(encoding="utf-8"))
    if file_digest(folder / file) != about["sha256"]:
        raise ValueError(f"{file} does not have the digest that {beside} names")
    return about


class Network:
    """``NAME.onnx`` with ``NAME.json`` (its digest and more) and the shared ``tokenizer.json`` of one folder.

    Raises:
        ModelError: a file is missing, damaged or not the one that the digest names; ``instead`` says how to do without.
    """

    def __init__(self, folder: Path, name: str, *, instead: str, restore: str = RESTORE, threads: int = 2) -> None:
        with opening(folder, name, instead=instead, restore=restore):
            self.about = proven(folder, f"{name}.onnx")
            self.digest: str = self.about["sha256"]
            self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            # From the file: onnxruntime would keep bytes beside what it makes of them, 110 MB of the large model.
            self._session = shared_session(folder / f"{name}.onnx", 1, self.digest)
            self._inputs = [one.name for one in self._session.get_inputs()]
        self._workers = workers(threads)
        self._tokenizer.enable_truncation(self.about["max_tokens"], strategy="longest_first")

    def run(self, texts: Sequence[str | tuple[str, str]]) -> Matrix:
        """Return the network's output for each text or pair of texts: (len(texts), ...)."""
        coded = self._tokenizer.encode_batch(list(texts))
        # The longest first: one that comes last would be waited for.
        order = sorted(range(len(coded)), key=lambda number: -len(coded[number].ids))
        found: list[Matrix] = [np.zeros(0, dtype=np.float32)] * len(coded)
        for number, output in zip(order, self._workers.map(self._output, [coded[n] for n in order]), strict=True):
            found[number] = output
        return np.array(found, dtype=np.float32)

    def _output(self, coded: Encoding) -> Matrix:
        """Return the output for one text. Alone: in a batch, eight-bit arithmetic depends on the neighbours.

        It takes no longer: nothing is padded.
        """
        values = dict(zip(INPUTS, (coded.ids, coded.attention_mask, coded.type_ids), strict=True))
        inputs = {name: np.array([values[name]], dtype=np.int64) for name in self._inputs}  # some know no token kinds
        return np.asarray(self._session.run(None, inputs)[0][0], dtype=np.float32)
