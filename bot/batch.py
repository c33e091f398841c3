"""Answers a file of questions, one JSON object a line; each line is its own conversation."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

from pydantic import AliasChoices, BaseModel, Field, ValidationError

from bot.answer import Answerer
from bot.errors import InputError, first_fault
from bot.wire import answer_to_dict


class Line(BaseModel):
    """One input line; fields that are not named here are ignored."""

    id: str
    question: Annotated[str, Field(validation_alias=AliasChoices("question", "message"))]
    turns: list[str] = []


def answer_batch(answerer: Answerer, source: Path, target: Path, progress: Callable[[str, int, int], None]) -> int:
    """Write one answer a line to ``target`` and return how many. ``target`` appears only when all are answered.

    Raises:
        InputError: ``source`` cannot be read, or a line is not what it should be; names the line.
    """
    lines = list(_read(source))
    temporary = target.with_name(f".{target.name}-{os.getpid()}")
    try:
        with temporary.open("w", encoding="utf-8") as stream:
            for number, line in enumerate(lines, 1):
                answer = answerer.answer(line.question, line.turns).answer
                stream.write(json.dumps({"id": line.id, **answer_to_dict(answer)}, ensure_ascii=False) + "\n")
                progress("Answering", number, len(lines))
        os.replace(temporary, target)
    except OSError as error:
        raise InputError(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return len(lines)


def _read(source: Path) -> Iterator[Line]:
    try:
        text = source.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{source} cannot be read as UTF-8 text: {error}") from error
    # Not splitlines(): a question may hold other line separators, JSON Lines are ended by "\n" alone.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                yield Line.model_validate_json(line)
            except ValidationError as error:
                raise InputError(
                    f"{source}:{number}: {first_fault(error)}. A line needs 'id' and 'question'."
                ) from error
