"""Asks the safety rules: what a message says by its words alone. Rules are proven before any message is read."""

import re
from functools import lru_cache

from bot.errors import RulesError
from bot.safety.guards import NOW, excused
from bot.safety.normalise import fold, sentences
from bot.safety.rules import Rules, SafetyRule, read_rules
from bot.types import Route, Verdict

ALONE = 80  # characters of a message that says nothing else than a word and a cry or two
MAX_SCREENED = 20_000  # characters; a longer message is screened in pieces that overlap
OVERLAP = 400
ROUTES = frozenset(Route)
SOFTENED = {
    Route.EMERGENCY: Route.SOFT_EMERGENCY,
    Route.POISON: Route.SOFT_EMERGENCY,
    Route.CRISIS: Route.SOFT_SUPPORT,
    Route.ABUSE: Route.SOFT_SUPPORT,
}


class Asker:
    """Holds ``rules``; ``known`` are real words that must not be taken for slips of a rule's word."""

    def __init__(self, rules: Rules, known: frozenset[str]) -> None:
        self.rules, self._lexicon, self._slips, self._known = rules.rules, rules.lexicon, rules.slips, known

    def verdicts(self, text: str) -> list[Verdict]:
        """Return what the rules say of ``text``, each verdict once."""
        found: list[Verdict] = []
        for piece in _pieces(text):
            folded = self.fold(piece)
            now = NOW.search(folded) is not None
            joined = re.sub(r"[.!?;\n]+", " ", folded)
            for rule in self.rules:
                found.extend(_ask(rule, sentences(folded), joined, now=now))
        return list(dict.fromkeys(found))

    def fold(self, text: str) -> str:
        """Return ``text`` as the rules read it."""
        return fold(text, self._lexicon, self._known, self._slips)

    def prove(self, rule: SafetyRule) -> None:
        """Raise RulesError unless ``rule`` passes its own examples and counter-examples."""
        model = rule.model
        for text in model.examples:
            if not any(v.rule == model.id and v.hard == model.hard for v in self.verdicts(text)):
                raise RulesError(f"bot/safety/rules.toml: rule '{model.id}' misses its own example: {text}")
        for text in model.counter_examples:
            if any(v.rule == model.id and (v.hard or not model.hard) for v in self.verdicts(text)):
                raise RulesError(f"bot/safety/rules.toml: rule '{model.id}' takes its counter-example: {text}")


@lru_cache(maxsize=2)
def shipped(known: frozenset[str]) -> Asker:
    """Return the program's own rules, proven once for the same words: half a second that no new snapshot needs again.

    Raises:
        RulesError: the rule file is broken, or a rule fails its own examples.
    """
    return proven(read_rules(), known)


def proven(rules: Rules, known: frozenset[str]) -> Asker:
    """Return an asker of ``rules`` after each passed its own examples.

    Raises:
        RulesError: one fails them.
    """
    asker = Asker(rules, known)
    for rule in rules.rules:
        asker.prove(rule)
    return asker


def _ask(rule: SafetyRule, units: list[str], joined: str, *, now: bool) -> list[Verdict]:
    """Ask one rule of every sentence, and of the joined text when no sentence spoke: a stray stop parts no phrase.

    A rule of messages that say nothing else is asked of the joined text only.
    """
    model = rule.model
    if model.alone:
        units, joined = [], re.sub(r"\W+", " ", joined).strip() if len(joined) <= ALONE else ""
    places = [(unit, match) for unit in units for match in rule.matches(unit)]
    places = places or [(joined, match) for match in rule.matches(joined)]
    verdicts = []
    for text, match in places:
        verdict = Verdict(model.id, model.route, model.hard, "rule pattern")
        guard = excused(text, match.start(), match.end(), model.guards, now=now) if model.hard else ""
        verdicts.append(soften(verdict, guard) if guard else verdict)
        verdicts += [Verdict(model.id, Route(name), False, "comes with it") for name in model.also if name in ROUTES]
    return verdicts


def soften(verdict: Verdict, guard: str = "not an emergency, says the reader") -> Verdict:
    """Return what is left of a hard ``verdict`` when ``guard`` speaks against it: a line instead of a card."""
    if not verdict.hard:
        return verdict
    return Verdict(verdict.rule, SOFTENED[verdict.route], False, guard, was=verdict.route)


def _pieces(text: str) -> list[str]:
    step = MAX_SCREENED - OVERLAP
    return [text[i : i + MAX_SCREENED] for i in range(0, max(1, len(text) - OVERLAP), step)]
