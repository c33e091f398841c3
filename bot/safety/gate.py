"""The safety gate: what a message needs before, or instead of, an answer. Runs before any retrieval."""

import logging
import re
from collections.abc import Sequence

from bot.errors import where
from bot.safety.asker import proven, shipped, soften
from bot.safety.classifier import Classifier
from bot.safety.redact import redact
from bot.safety.rules import Rules
from bot.types import HARD_ROUTES, Notice, Route, Screening, Tag, Verdict
from bot.words import Words

log = logging.getLogger(__name__)
TURNS, SUPPORT_TURNS = 2, 3
SPANISH_RULES = "es-"
CLASSIFIER = "classifier"  # the id that its verdicts carry
ORDER = (Route.EMERGENCY, Route.POISON, Route.CRISIS, Route.ABUSE)
# A message that goes on with the urgent one before it; what people say of anything, too, only where they say little else.
CONTINUES = re.compile(
    r"\b(?:the rest|more of (?:it|them)|another (?:one|few)|worse|what (?:do|should) i do|now what|is (?:that|it) (?:enough|bad|"
    r"dangerous|too much|serious)|should i (?:wait|worry|go|call|sleep)|all of (?:it|them)|them all|"
    r"go to sleep|sleep it off|will (?:it|that|this) (?:pass|kill|work|be enough)|how long do i have)\b"
)
BRIEFLY = re.compile(r"\b(?:do it|still|is (?:that|it) (?:ok|okay|normal))\b")
BRIEF = 7  # words
POLITE = (
    "you|u|so|very|much|a|lot|lots|again|for|that|thats|this|the|your|all|help|helping|helpful|helped|information|info|"
    "answers?|was|is|really|ok|okay|great|good|bye|goodbye|doctor|doc|and|it|everyone|now|have|nice|day"
)
# Small talk that needs no search: the name of the fixed text that answers it, and what is said.
END = r"(?: there| again| bot| please| me)*\W*"
TALK = tuple(
    (name, re.compile(f"(?:{said}){END}"))
    for name, said in (
        ("greeting", r"(?:hi|hello|hey|hiya|howdy|hallo|yo|good (?:morning|afternoon|evening|day)|greetings)"
                     r"(?:\W+(?:can|could) you help)?|how are you(?: \w+)?"),
        ("thanks", rf"(?:(?:ok(?:ay)?|great|lovely|perfect|oh|many)\W+)*(?:thanks?|thank u|ty|cheers)(?:\W+(?:{POLITE}))*"
                   r"|ok(?:ay)?|great|bye|goodbye"),
        ("identity", r"(?:who|what) are you|what can you do|"
                     r"(?:are you|is this) (?:a |an )?(?:human|bot|robot|real person|computer|doctor|nurse|ai)"),
        ("help_offer", r"help"),
    )
)  # fmt: skip
SPANISH = frozenset(
    "que el la los las de del para como cuando donde por porque una uno es esta estoy tengo tiene puede puedo mi con "
    "si hay cual cuanto cuanta dura efectos secundarios dolor tratamiento despues antes hola gracias necesito quiero".split()
)
ENGLISH = frozenset("the is are what how does do can i my it of to and for a in with will have you any".split())


class Gate:
    """Holds the rules and the fixed words.

    ``known`` are real words that must not be taken for slips of a rule's word (a tokenizer's vocabulary, say);
    ``classifier`` is the second layer, None to run on rules alone.

    Raises:
        RulesError: the rule file is broken, or a rule fails its own examples: the program refuses to start.
    """

    def __init__(
        self,
        words: Words,
        rules: Rules | None = None,
        *,
        known: frozenset[str] = frozenset(),
        classifier: Classifier | None = None,
    ) -> None:
        self._words, self._classifier = words, classifier
        self._asker = proven(rules, known) if rules else shipped(known)

    def screen(self, question: str, turns: Sequence[str] = (), *, not_emergency: bool = False) -> Screening:
        """Decide what ``question`` needs, seen with the user's earlier ``turns`` (oldest first).

        ``not_emergency`` is the reader's word that an urgent card was a false alarm: emergency, poison and crisis
        then become soft lines; threats, drugging, dosing and misuse stay. A fault in here shows the error card.
        """
        try:
            return self._screen(question, turns, not_emergency=not_emergency)
        except Exception as error:
            # The one place where every fault is caught: a broken screener must lead to the card, not to a search.
            # The message itself is never logged.
            log.error("the safety gate failed; the error card is shown: %s", where(error))
            return Screening("", (Route.EMERGENCY,), card=self._words.error, retrieve=False)

    def _screen(self, question: str, turns: Sequence[str], *, not_emergency: bool) -> Screening:
        redacted = redact(question)
        verdicts = self._all(question)
        earlier = [self._all(turn) for turn in list(turns)[-SUPPORT_TURNS:]]
        folded = self._asker.fold(question)
        if not any(v.hard for v in verdicts) and _continues(folded):
            verdicts += [v for found in earlier[-TURNS:] for v in found if v.hard]
        if not_emergency:
            verdicts = [soften(v) if v.route is not Route.ABUSE else v for v in verdicts]
        if redacted != question:
            verdicts.append(Verdict("identifier", Route.PRIVACY, False, "holds what looks like an identifier"))
        if any(v.hard and v.route is Route.CRISIS for found in earlier for v in found):
            verdicts.append(Verdict("after-crisis", Route.SOFT_SUPPORT, False, "a crisis card was shown a moment ago"))
        return self._decide(redacted, folded, verdicts, present=_is_present(folded))

    def _all(self, text: str) -> list[Verdict]:
        found = self._asker.verdicts(text)
        return found + self._read(text, found)

    def _decide(self, redacted: str, folded: str, verdicts: list[Verdict], *, present: bool) -> Screening:
        routes = tuple(route for route in Route if any(v.route is route for v in verdicts))
        hard = [v for v in verdicts if v.hard]
        if hard:
            card = self._urgent_card(hard, spanish=_is_spanish(folded))
            return Screening(redacted, _ordered(routes), tuple(verdicts), card=card, retrieve=False)
        rules = {v.rule for v in verdicts}
        extra = {name for rule in self._asker.rules if rule.model.id in rules for name in rule.model.also}
        card, retrieve, declined = self._lead(routes, extra, redacted, folded)
        blocked = (
            {Tag.DOSE} if {Route.DOSING, Route.MISUSE, Route.SOFT_SUPPORT} & set(routes) or "child" in extra else set()
        )
        # "It is safe" is no answer to "is it safe for me".
        blocked |= {Tag.SAFETY} if Route.PERSONAL in routes else set()
        blocked |= {Tag.REASSURANCE} if present or Route.SOFT_EMERGENCY in routes else set()
        return Screening(
            redacted,
            _ordered(routes),
            tuple(verdicts),
            card=card,
            notices=self._notices(routes, extra, verdicts),
            retrieve=retrieve,
            declined=declined,
            blocked=frozenset(blocked),
        )

    def _lead(self, routes: tuple[Route, ...], extra: set[str], redacted: str, folded: str) -> tuple[str, bool, bool]:
        """Return the leading text, whether articles may be searched, and whether the question is declined."""
        words = self._words
        if Route.MISUSE in routes:
            return words.misuse, False, True
        if Route.DOSING in routes:
            return words.dosing, "child" not in extra, True
        if Route.PERSONAL in routes:
            return (words.personal_alone, False, True) if "child" in extra else (words.personal, True, True)
        for name, said in TALK:
            if said.fullmatch(folded):
                return str(getattr(words, name)), False, False
        if _is_foreign(redacted, folded):
            spanish = [words.language_es] if _is_spanish(folded) else []
            return "\n\n".join([*spanish, words.language]), False, False
        return "", True, False

    def _urgent_card(self, hard: list[Verdict], *, spanish: bool) -> str:
        third = {rule.model.id for rule in self._asker.rules if rule.model.third}
        spanish |= any(v.rule.startswith(SPANISH_RULES) for v in hard)
        cards = [self._words.urgent_es] if spanish else []
        for route in ORDER:
            found = [v for v in hard if v.route is route]
            if found and route is Route.CRISIS and all(v.rule in third for v in found):
                cards.append(self._words.crisis_third)
            elif found:
                cards.append(str(getattr(self._words, route.value)))
        return "\n\n".join(cards)

    def _notices(self, routes: tuple[Route, ...], extra: set[str], verdicts: list[Verdict]) -> tuple[Notice, ...]:
        soft = (Route.SOFT_EMERGENCY, Route.SOFT_SUPPORT, Route.PRIVACY, Route.INJECTION)
        names: list[str] = [route.value for route in soft if route in routes]
        names += [name for name in ("do_not_stop", "pregnancy", "child") if name in extra]
        texts = {name: str(getattr(self._words, name)) for name in names}
        if any(v.was is Route.POISON for v in verdicts):
            texts[Route.SOFT_EMERGENCY.value] = self._words.soft_poison
        return tuple(Notice(name, text) for name, text in texts.items())

    def _read(self, text: str, found: list[Verdict]) -> list[Verdict]:
        """Return what the classifier adds to the verdicts ``found`` by the rules; it never takes one away."""
        if self._classifier is None:
            return []
        added = []
        # Without identifiers: folded, the digits of a telephone number would be read as words.
        for name, sure, score in self._classifier.verdicts(redact(text)):
            verdict = Verdict(CLASSIFIER, Route(name), Route(name) in HARD_ROUTES, f"probability {score:.2f}")
            added.append(verdict if sure else soften(verdict, verdict.reason))
        spoken = {v.route for v in found}
        return [v for v in added if v.route not in spoken]


def _continues(folded: str) -> bool:
    brief = len(folded.split()) <= BRIEF and BRIEFLY.search(folded) is not None
    return brief or CONTINUES.search(folded) is not None


def _ordered(routes: tuple[Route, ...]) -> tuple[Route, ...]:
    return tuple(sorted(routes, key=lambda route: route not in HARD_ROUTES))


def _is_present(folded: str) -> bool:
    """Return True when the message speaks of the writer's own symptom now."""
    return re.search(r"\b(?:i feel|im feeling|i have|im having|ive got|i cant|i am|my) .{0,40}\b(?:now|since|today|tonight|"
                     r"yesterday|this morning|last night|still|after my|worse)\b", folded) is not None  # fmt: skip


def _is_foreign(text: str, folded: str) -> bool:
    letters = [c for c in text if c.isalpha()]
    if letters and sum(c > "\u024f" for c in letters) * 2 > len(letters):
        return True
    return _is_spanish(folded)


def _is_spanish(folded: str) -> bool:
    words = set(re.findall(r"[a-z]+", folded))
    spanish, english = sum(w in SPANISH for w in words), sum(w in ENGLISH for w in words)
    return spanish >= 2 and spanish > english
