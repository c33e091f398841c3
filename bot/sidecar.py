"""Writes sidecars: people's decisions go into the file beside the article, as small, readable changes.

tomlkit keeps comments and layout. Each change is proven before it is written: the new sidecar must read, and must
belong to its article.
"""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit import TOMLDocument
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Table, Whitespace

from bot.corpus import LIBRARY, SLUG, changing, read_article
from bot.errors import CorpusError
from bot.files import write_whole
from bot.readers import READERS
from bot.types import Kind, ReviewStatus, Tag

Tail = list[Any]  # blank lines and comments at the end of a table: to a reader they belong to what comes next


def withhold(corpus: Path, article: str, words: str, *, reason: str, by: str) -> None:
    """Never quote the sentence with ``words`` again.

    Raises:
        CorpusError: the words do not occur once in the article, or the sidecar cannot be written; nothing changed.
    """
    _decide(corpus, article, {"words": words, "kind": Kind.WITHHELD.value, "reason": reason, "by": by})


def tag(corpus: Path, article: str, words: str, tags: tuple[Tag, ...], *, reason: str, by: str) -> None:
    """Say what the sentence with ``words`` claims, whatever the rules say: it then meets the other side.

    Raises:
        CorpusError: as for ``withhold``.
    """
    _decide(corpus, article, {"words": words, "tags": [t.value for t in tags], "reason": reason, "by": by})


def pin(corpus: Path, article: str, words: str, *, question: str, by: str) -> None:
    """Quote ``words`` first for ``question`` and near wordings of it.

    Raises:
        CorpusError: as for ``withhold``.
    """
    _change(
        corpus, article, lambda document: _append(document, "pin", {"question": question, "words": words, "by": by})
    )


def release(corpus: Path, article: str, words: str) -> None:
    """Take back every decision on ``words``, pins among them.

    Raises:
        CorpusError: there is none, or the sidecar cannot be written; nothing changed.
    """

    def change(document: TOMLDocument) -> None:
        found = [
            (name, number)
            for name in ("override", "pin")
            for number, one in enumerate(_tables(document, name))
            if one["words"] == words
        ]
        if not found:
            raise CorpusError(f"{article}.toml holds no decision on '{words[:60]}'.")
        for name, number in reversed(found):
            _remove(document, name, number)

    _change(corpus, article, change)


def set_status(corpus: Path, article: str, status: ReviewStatus, *, by: str, on: date) -> None:
    """Approve an article, take it out, or put it back under review.

    Raises:
        CorpusError: the sidecar cannot be written; nothing changed.
    """

    def change(document: TOMLDocument) -> None:
        review: Any = document["review"]
        tail = _cut_tail(review)
        review["status"] = status.value
        for name, value in (("approved_by", by), ("approved_on", on)):
            if status is ReviewStatus.APPROVED:
                review[name] = value
            else:
                review.pop(name, None)
        _give_tail(review, tail)

    _change(corpus, article, change)


def describe(corpus: Path, article: str, facts: Mapping[str, object], *, reviewer: str = "", on: date) -> None:
    """Write what is known of an article's origin; a fact that is None or "" is left out, never invented.

    Args:
        corpus: the folder of articles.
        article: its id.
        facts: of title, publisher, author, published, url, licence, sells_treatment; others stay as they are.
        reviewer: the clinician who has reviewed it ("": nobody); a new one is noted with the day ``on``.
        on: today.

    Raises:
        CorpusError: a fact is not what a sidecar may hold, or the sidecar cannot be written; nothing changed.
    """

    def change(document: TOMLDocument) -> None:
        for name, value in facts.items():
            if value in (None, ""):
                document.pop(name, None)
            elif document.get(name) != value:
                document[name] = value
        review: Any = document["review"]
        tail = _cut_tail(review)
        if not reviewer:
            for name in ("reviewer", "reviewed_on"):
                review.pop(name, None)
        elif review.get("reviewer") != reviewer:
            review["reviewer"], review["reviewed_on"] = reviewer, on
        _give_tail(review, tail)

    _change(corpus, article, change)


def _decide(corpus: Path, article: str, override: dict[str, object]) -> None:
    def change(document: TOMLDocument) -> None:
        known = next((one for one in _tables(document, "override") if one["words"] == override["words"]), None)
        if known is None:
            _append(document, "override", override)
            return
        tail = _cut_tail(known)
        known.update(override)
        _give_tail(known, tail)

    _change(corpus, article, change)


def _tables(document: TOMLDocument, name: str) -> AoT:
    found = document.get(name, tomlkit.aot())
    if not isinstance(found, AoT):
        raise CorpusError(f"'{name}' is written as one list. Write each decision as a table: [[{name}]]")
    return found


def _append(document: TOMLDocument, name: str, values: Mapping[str, object]) -> None:
    table = tomlkit.table()
    table.update(values)
    tables = _tables(document, name)
    if not tables:
        document.append(name, AoT([table]))
        return
    tail = _cut_tail(tables[-1])
    tables[-1].add(tomlkit.nl())
    tables.append(table)
    _give_tail(tables[-1], tail)


def _remove(document: TOMLDocument, name: str, number: int) -> None:
    """Remove one decision; comments below it are about what follows, and stay."""
    tables = _tables(document, name)
    items = [item for _, item in document.body]
    later = items[next(n for n, item in enumerate(items) if item is tables) + 1 :]
    heads = [item[0] if isinstance(item, AoT) else item for item in later if isinstance(item, AoT | Table)]
    following = [*tables[number + 1 :], *heads]
    kept = tables[number].trivia.indent + "".join(item.as_string() for _, item in _cut_tail(tables[number])).lstrip(
        "\n"
    )
    if len(tables) == 1:
        document.remove(name)
    else:
        del tables[number]
    if following:
        following[0].trivia.indent = kept + following[0].trivia.indent
    elif kept:
        document.body.append((None, Whitespace(kept)))


def _cut_tail(table: Any) -> Tail:  # noqa: ANN401 - tomlkit's tables of all kinds
    body = table.value.body
    keys = [number for number, (key, _) in enumerate(body) if key is not None]
    tail: Tail = body[keys[-1] + 1 if keys else 0 :]
    del body[len(body) - len(tail) :]
    return tail


def _give_tail(table: Any, tail: Tail) -> None:  # noqa: ANN401
    table.value.body.extend(tail)


def _change(corpus: Path, article: str, change: Callable[[TOMLDocument], None]) -> None:
    path = corpus / f"{article}.toml"
    with changing(corpus):
        text = _text_of(corpus, article)
        try:
            data = _changed(path.read_bytes().decode("utf-8"), change).encode("utf-8")
            read_article(text, path, instead=data)
            write_whole(path, data)
        except (TOMLKitError, UnicodeError, OSError) as error:
            raise CorpusError(f"{path} cannot be changed: {error}") from error


def _text_of(corpus: Path, article: str) -> Path:
    """Return the text of ``article``; names come from the browser, so each is looked at before it reaches the disk."""
    try:
        found = [path for path in corpus.iterdir() if path.stem == article and path.suffix.lower() in READERS]
    except OSError as error:
        raise CorpusError(f"The corpus folder '{corpus}' cannot be read: {error.strerror}. Set BOT_CORPUS.") from error
    if len(found) != 1 or not SLUG.fullmatch(article) or f"{article}.toml" == LIBRARY:
        raise CorpusError(f"There is no article '{article[:80]}' in {corpus}.")
    return found[0]


def _changed(before: str, change: Callable[[TOMLDocument], None]) -> str:
    """Return the sidecar ``before`` after ``change``, with the line ends that it had."""
    windows = before.count("\r\n") == before.count("\n") > 0
    text = before.replace("\r\n", "\n") if windows else before
    document = tomlkit.parse(text if text.endswith("\n") else text + "\n")
    if tomlkit.dumps(document) not in (text, text + "\n"):
        raise CorpusError("The sidecar's tables stand apart. Move its [[override]] tables together, then try again.")
    change(document)
    after = tomlkit.dumps(document).rstrip("\n") + (text[len(text.rstrip("\n")) :] or "\n")
    if tomlkit.parse(after).unwrap() != document.unwrap():
        raise CorpusError("The sidecar is written in a way that cannot be changed here. Change it by hand.")
    return after.replace("\n", "\r\n") if windows else after
