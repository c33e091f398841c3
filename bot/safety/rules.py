"""Reads ``rules.toml``: the safety rules as data, each proven by its own examples before the program starts."""

import re
import tomllib
from dataclasses import dataclass
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.errors import RulesError
from bot.types import Route

FILE = "rules.toml"
GROUP = re.compile(r"<([a-z]+)>")
AROUND = frozenset({"cry", "who", "llamada"})  # groups of what stands around a word that says it all
GUARDS = ("past", "negation", "hypothetical")


class RuleModel(BaseModel):
    """One ``[[rule]]`` as written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    route: Route
    hard: bool
    description: str
    patterns: list[str] = Field(min_length=1)
    unless: list[str] = Field(default_factory=list)
    guards: list[str] = Field(default_factory=lambda: list(GUARDS))
    also: list[str] = Field(default_factory=list)  # further routes or notices that come with it
    third: bool = False  # about another person
    alone: bool = False  # the patterns are the whole message: nothing else is said
    examples: list[str] = Field(min_length=1)
    counter_examples: list[str] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class SafetyRule:
    """A rule ready to be asked: patterns over folded text."""

    model: RuleModel
    patterns: tuple[re.Pattern[str], ...]
    unless: tuple[re.Pattern[str], ...]

    def matches(self, text: str) -> list[re.Match[str]]:
        """Return every place in one folded sentence where the rule speaks; empty when an exception applies."""
        found = [match for pattern in self.patterns for match in pattern.finditer(text)]
        return [] if found and any(pattern.search(text) for pattern in self.unless) else found


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules, in order, and the words they are made of (for correcting slips of the typing thumb)."""

    rules: tuple[SafetyRule, ...]
    lexicon: frozenset[str]
    slips: dict[str, str]


def read_rules() -> Rules:
    """Read the rule file.

    Raises:
        RulesError: it cannot be read; names what is wrong. Examples are proven by ``bot.safety.gate``.
    """
    try:
        return parse_rules(files("bot.safety").joinpath(FILE).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RulesError(f"bot/safety/{FILE} cannot be read: {error}") from error


def parse_rules(text: str) -> Rules:
    """Read rules from TOML ``text``.

    Raises:
        RulesError: names the rule or group that is wrong.
    """
    try:
        body = tomllib.loads(text)
        groups = _expand_groups(body.get("groups", {}))
        rules = tuple(_compile(RuleModel.model_validate(item), groups) for item in body["rule"])
    except (tomllib.TOMLDecodeError, ValidationError, KeyError, TypeError) as error:
        raise RulesError(f"bot/safety/{FILE} cannot be used: {error}") from error
    # Slips are corrected towards English words of the urgent rules only; those that count alone are ordinary words in
    # the midst of a message: "swabbed" would become "stabbed".
    english = [one.model for one in rules if one.model.hard and not (one.model.alone or one.model.id.startswith("es-"))]
    urgent = [pattern for model in english for pattern in model.patterns]
    urgent += [words for name, words in groups.items() if name not in AROUND]
    urgent += [text.lower().replace("'", "") for model in english for text in model.examples]
    return Rules(
        rules,
        frozenset(re.findall(r"(?<![\\a-z])[a-z]{5,}(?!\\w|[a-z]*[?*])", " ".join(urgent))),
        body.get("slips", {}),
    )


def _expand_groups(groups: dict[str, str]) -> dict[str, str]:
    expanded: dict[str, str] = {}
    for name, words in groups.items():
        expanded[name] = GROUP.sub(lambda found: expanded[found[1]], words)
    return expanded


def _compile(model: RuleModel, groups: dict[str, str]) -> SafetyRule:
    unknown = set(model.guards) - set(GUARDS)
    if unknown:
        raise RulesError(f"bot/safety/{FILE}: rule '{model.id}' names unknown guards {sorted(unknown)}.")
    try:
        return SafetyRule(
            model,
            tuple(
                re.compile(GROUP.sub(lambda g: groups.get(g[1], g[0]), rf"^(?:{p})$" if model.alone else p))
                for p in model.patterns
            ),
            tuple(re.compile(GROUP.sub(lambda g: groups.get(g[1], g[0]), p)) for p in model.unless),
        )
    except re.error as error:
        raise RulesError(f"bot/safety/{FILE}: rule '{model.id}' has a broken pattern: {error}") from error
