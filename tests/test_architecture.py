"""The shape of the program: imports point down, heavy libraries have one home, answers have one door."""

import ast
from pathlib import Path

import pytest

BOT = Path(__file__).resolve().parent.parent / "bot"
# A module may import only from levels above it in this list. "x.*" are the modules of a package.
LEVELS = [
    ["types", "errors", "files", "training"],
    ["words", "settings", "interfaces", "session", "readers.*", "wire", "accounts", "lock"],
    ["readers", "rulebook", "network", "plain", "embed", "vectors", "lexical", "late", "scoring", "sides", "compose"]
    + ["extract", "digests"],
    ["training.wordings", "rerank", "scan", "asks", "claims", "kinds", "question", "wording", "safety.*"],
    ["safety", "corpus", "segment", "snapshot", "model", "extract.*", "gaps", "ocr"],
    ["pack"],
    ["library", "followup", "cache", "history", "journal.*", "lint.*", "sidecar", "ingest", "acts"],
    ["build", "pins", "headed", "retrieve", "evidence", "training.sources", "training.lessons", "journal", "lint"],
    ["answer", "training.patients", "training.crossencoder", "training.screener"],
    ["training.adapters", "training.ngrams"],
    ["batch", "live", "questions", "training.large"],
    ["reindex", "training.__main__"],
    ["web.*"],
    ["web"],
    ["cli.*"],
    ["cli"],
    ["__main__"],
]
HOMES = {
    "torch": {"model", "training.*"},
    "sentence_transformers": {"model"},
    "transformers": {"model", "training.*"},
    "huggingface_hub": {"model"},
    "onnxruntime": {"session", "training.*"},
    "onnx": {"training.*"},
    "sklearn": {"training.*"},
    "scipy": {"training.*"},
    "tokenizers": {"embed", "network"},
    "rapidfuzz": {"wording"},
    "faiss": {"vectors"},
    "bm25s": {"lexical"},
    "safetensors": {"pack", "model", "training.*"},
    "Stemmer": {"lexical"},
    "syntok": {"segment", "training.*"},
    "sqlite3": {"journal", "journal.*", "cache"},
    "filelock": {"lock"},
    "tomlkit": {"sidecar", "ingest"},
    "pypdf": {"extract.*"},
    "docx": {"extract.*"},
    "trafilatura": {"extract.*"},
    "lxml": {"extract.*"},
    "markdown_it": {"extract.*"},
    "pandas": {"web.overview"},
    "watchfiles": {"cli.*"},
    "gradio": {"web.*"},
    "fastapi": {"web", "web.*"},
    "uvicorn": {"web", "web.*"},
    "typer": {"cli", "cli.*"},
    "rich": {"cli", "cli.*"},
}


def modules():
    for path in sorted(BOT.rglob("*.py")):
        parts = path.relative_to(BOT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts), path


# Parsed before any server runs: Python 3.11 counts the depth of its parser for all threads together (SystemError).
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for _, path in modules()}


def imports(path):
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


def matches(name, pattern):
    return name == pattern or (pattern.endswith(".*") and name.startswith(pattern[:-1]))


def level(name):
    found = [n for n, names in enumerate(LEVELS) if any(matches(name, pattern) for pattern in names)]
    assert found, f"module '{name}' has no level: add it to LEVELS where its imports point down"
    return found[0]


NAMED = [(name, path) for name, path in modules() if name != "__init__"]


@pytest.mark.parametrize(("name", "path"), NAMED, ids=[name for name, _ in NAMED])
def test_imports_point_down(name, path):
    own_package = name.split(".")[0] + "."
    for target in imports(path):
        if not target.startswith("bot."):
            continue
        other = target.removeprefix("bot.")
        if "." in name and other.startswith(own_package):
            continue  # the files of one package are checked for cycles below
        assert level(other) < level(name), f"bot.{name} must not import bot.{other}: imports point down"


@pytest.mark.parametrize("package", ["safety", "web", "readers", "extract", "journal", "lint", "cli"])
def test_packages_have_no_import_cycles(package):
    graph = {
        name: {t.removeprefix("bot.") for t in imports(path) if t.startswith(f"bot.{package}.")}
        for name, path in NAMED
        if name.startswith(f"{package}.")
    }
    done = set()
    while graph:
        free = {name for name, targets in graph.items() if not targets - done - {name}}
        assert free, f"import cycle in bot.{package}: {sorted(graph)}"
        done |= free
        graph = {name: targets for name, targets in graph.items() if name not in free}


@pytest.mark.parametrize(("name", "path"), NAMED, ids=[name for name, _ in NAMED])
def test_heavy_libraries_have_one_home(name, path):
    for target in imports(path):
        library = target.split(".")[0]
        if library in HOMES:
            allowed = HOMES[library]
            assert any(matches(name, home) for home in allowed), f"bot.{name} must not import {library}: {allowed}"


def test_answers_are_made_in_one_place():
    makers = [
        name for name, path in NAMED if "Answer(" in path.read_text(encoding="utf-8").replace("class Answer(", "")
    ]
    assert makers == ["compose"]


def test_only_the_command_line_prints():
    for name, path in NAMED:
        calls = [n for n in ast.walk(TREES[path]) if isinstance(n, ast.Call)]
        assert name.startswith("cli") or not any(getattr(c.func, "id", "") == "print" for c in calls), name


def test_nothing_about_one_treatment_in_code():
    """The program serves any clinic: the subject of the first articles may occur in corpus/ only."""
    for path in BOT.rglob("*"):
        if path.suffix in {".py", ".toml", ".css", ".js"}:
            assert "ketamine" not in path.read_text(encoding="utf-8").lower(), path
