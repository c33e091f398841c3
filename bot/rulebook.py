"""Rules as data: a TOML file of named patterns, each proven by its own examples and counter-examples when read."""

import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.errors import RulesError


class RuleModel(BaseModel):
    """One ``[[rule]]``: it speaks when any pattern is found (letter case aside) and no ``unless`` pattern is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    says: str  # the kind or tag that the rule decides on
    description: str
    patterns: list[str] = Field(min_length=1)
    unless: list[str] = Field(default_factory=list)
    examples: list[str] = Field(min_length=1)
    counter_examples: list[str] = Field(min_length=1)


@dataclass(frozen=True)
class Rule:
    """A rule ready to be asked."""

    model: RuleModel

    @cached_property
    def _found(self) -> list[re.Pattern[str]]:
        return [re.compile(pattern, re.I) for pattern in self.model.patterns]

    @cached_property
    def _unless(self) -> list[re.Pattern[str]]:
        return [re.compile(pattern, re.I) for pattern in self.model.unless]

    def speaks(self, text: str) -> bool:
        """Return True when the rule applies to ``text``."""
        return any(p.search(text) for p in self._found) and not any(p.search(text) for p in self._unless)


def read_rules(name: str) -> tuple[Rule, ...]:
    """Read the rule file ``name`` of this package, in order.

    Raises:
        RulesError: the file cannot be read, or a rule fails one of its own examples; names the rule.
    """
    try:
        body = tomllib.loads(files("bot").joinpath(name).read_text(encoding="utf-8"))
        rules = tuple(Rule(RuleModel.model_validate(item)) for item in body["rule"])
        for rule in rules:
            _prove(rule, name)
    except (OSError, tomllib.TOMLDecodeError, ValidationError, KeyError, TypeError, re.error) as error:
        raise RulesError(f"bot/{name} cannot be used: {error}") from error
    return rules


def _prove(rule: Rule, name: str) -> None:
    for text in rule.model.examples:
        if not rule.speaks(text):
            raise RulesError(f"bot/{name}: rule '{rule.model.id}' misses its own example: {text}")
    for text in rule.model.counter_examples:
        if rule.speaks(text):
            raise RulesError(f"bot/{name}: rule '{rule.model.id}' takes its own counter-example: {text}")
