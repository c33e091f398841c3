"""The corpus folder -> checked articles: every text has a sidecar, every sidecar a text, every field a meaning."""

import hashlib
import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from bot.errors import CorpusError
from bot.readers import READERS
from bot.types import Article, Kind, LibraryInfo, Override, Review, ReviewStatus, Source, Tag

LIBRARY = "library.toml"
SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
Model = TypeVar("Model", bound=BaseModel)


def _visible(value: str) -> str:
    if CONTROL.search(value):
        raise ValueError("holds a control or invisible character")
    return value


def _web_address(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s<>\"']+", value):
        raise ValueError("is not an http or https address")
    return value


Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500), AfterValidator(_visible)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OverrideModel(_Strict):
    """One ``[[override]]`` of a sidecar. The words are the article's, so they are taken as they stand."""

    words: Annotated[str, StringConstraints(min_length=1)]
    reason: Words
    by: Words
    kind: Kind | None = None
    tags: list[Tag] | None = None


class ReviewModel(_Strict):
    """The ``[review]`` table of a sidecar."""

    status: ReviewStatus
    approved_by: Words | None = None
    approved_on: date | None = None
    reviewer: Words | None = None
    reviewed_on: date | None = None


class SidecarModel(_Strict):
    """``<article>.toml``: where an article comes from. Unknown facts are left out, never guessed."""

    title: Words
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    review: ReviewModel
    publisher: Words | None = None
    author: Words | None = None
    published: Words | None = None
    url: Annotated[Words, AfterValidator(_web_address)] | None = None
    sells_treatment: bool | None = None
    licence: Words | None = None
    override: list[OverrideModel] = Field(default_factory=list)


class LibraryModel(_Strict):
    """``library.toml``: the collection's title and the questions suggested to patients."""

    title: Words
    suggestions: list[Words] = Field(default_factory=list)


def load_corpus(folder: Path) -> tuple[Article, ...]:
    """Read every article of ``folder`` with its sidecar, sorted by id.

    Raises:
        CorpusError: one line naming the file, what was found and what to do.
    """
    files = _files(folder)
    texts = [p for p in files if p.suffix.lower() in READERS]
    sidecars = {p.stem: p for p in files if p.suffix == ".toml" and p.name != LIBRARY}
    articles = {}
    for path in texts:
        if path.stem in articles:
            raise CorpusError(f"{path} has the name of another article. Give each article a name of its own.")
        if path.stem not in sidecars:
            raise CorpusError(f"{path} has no sidecar. Write {path.with_suffix('.toml')}; README.md shows how.")
        articles[path.stem] = _load_article(path, sidecars.pop(path.stem))
    if sidecars:
        lost = sorted(sidecars.values())[0]
        raise CorpusError(f"{lost} describes no article. Add the text beside it, or remove it.")
    if not articles:
        raise CorpusError(f"'{folder}' holds no article. Put a .txt file and its .toml sidecar into it.")
    return tuple(articles[name] for name in sorted(articles))


def load_library_info(folder: Path) -> LibraryInfo:
    """Read ``library.toml``; without one the collection is called "Health articles" and suggests nothing.

    Raises:
        CorpusError: the file is there and wrong.
    """
    path = folder / LIBRARY
    if not path.exists():
        return LibraryInfo("Health articles")
    model = _parse(path, LibraryModel)
    return LibraryInfo(model.title, tuple(model.suggestions))


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    except OSError as error:
        raise CorpusError(
            f"The corpus folder '{folder}' cannot be read: {error.strerror}. Create it or set BOT_CORPUS."
        ) from error


def _load_article(path: Path, sidecar: Path) -> Article:
    if not SLUG.fullmatch(path.stem):
        raise CorpusError(f"{path}: a name may hold a-z, 0-9, '-' and '_' only. Rename the article and its sidecar.")
    data = _read(path)
    model = _parse(sidecar, SidecarModel)
    digest = hashlib.sha256(data).hexdigest()
    if digest != model.sha256:
        raise CorpusError(
            f"{path} is not the article its sidecar describes: sha256 is {digest}, not {model.sha256}. "
            f"If the change is wanted, review it and put the new sha256 into {sidecar}."
        )
    try:
        text = READERS[path.suffix.lower()](data)
    except CorpusError as error:
        raise CorpusError(f"{path} {error}") from error
    for override in model.override:
        _check_override(override, text, sidecar)
    return Article(_source(path, model), text)


def _source(path: Path, model: SidecarModel) -> Source:
    return Source(
        id=path.stem,
        file=path.name,
        sha256=model.sha256,
        title=model.title,
        publisher=model.publisher,
        author=model.author,
        published=model.published,
        url=model.url,
        sells_treatment=model.sells_treatment,
        licence=model.licence,
        review=Review(**model.review.model_dump()),
        overrides=tuple(
            Override(o.words, o.reason, o.by, o.kind, None if o.tags is None else tuple(o.tags)) for o in model.override
        ),
    )


def _check_override(override: OverrideModel, text: str, sidecar: Path) -> None:
    found = text.count(override.words)
    shown = override.words[:60]
    if found != 1:
        cure = "Copy the words exactly from the article." if not found else "Use more of the sentence."
        raise CorpusError(f"{sidecar}: the override words '{shown}' occur {found} times in the article. {cure}")
    if override.kind is None and override.tags is None:
        raise CorpusError(f"{sidecar}: the override of '{shown}' decides nothing. Give it a kind or tags.")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror}. Check its permissions.") from error


def _parse(path: Path, model: type[Model]) -> Model:
    try:
        return model.model_validate(tomllib.loads(_read(path).decode("utf-8")))
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path} is not UTF-8 text. Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise CorpusError(f"{path} is not TOML: {error}. Compare it with another sidecar.") from error
    except ValidationError as error:
        # A misspelt field is also a missing one: the misspelling is the better news.
        first = min(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
        raise CorpusError(f"{path}: {_explain(first, model)}") from error


def _explain(item: Any, model: type[BaseModel]) -> str:  # noqa: ANN401 - pydantic's own mapping
    where = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        tables: dict[str, type[BaseModel]] = {"review": ReviewModel, "override": OverrideModel}
        owner = tables.get(str(item["loc"][0]), model) if len(item["loc"]) > 1 else model
        return f"unknown field '{where}'. Known: {', '.join(sorted(owner.model_fields))}."
    if item["type"] == "missing":
        return f"the field '{where}' is missing. Add it; README.md shows a whole sidecar."
    return f"'{where}' is {str(item['input'])[:60]!r}: {item['msg']}. Correct it."
