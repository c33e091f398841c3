"""Where articles do not agree: one calls safe what another calls a risk, or two give different amounts.

Readable rules only: the claims of a sentence (claims.toml, a sidecar's tags) and the amounts in its words. Nobody wins:
both sides are shown.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.types import Quote, Tag

SAYS_WELL = frozenset({Tag.SAFETY, Tag.REASSURANCE})
SAYS_HARM = frozenset({Tag.RISK, Tag.HARM})
STANCE_KINDS = frozenset({"harm", "exclusion", "benefit"})
SECONDS = {
    "second": 1.0,
    "minute": 60.0,
    "hour": 3600.0,
    "day": 86400.0,
    "night": 86400.0,
    "week": 604800.0,
    "month": 2629800.0,
    "year": 31557600.0,
}
WORDS: dict[str, float] = dict(
    zip("one two three four five six seven eight nine ten eleven twelve".split(), range(1, 13), strict=True)
)
WORDS |= {"a": 1, "an": 1, "half": 0.5, "single": 1, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60}
NUMBER = r"\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?|" + "|".join(WORDS)
AMOUNT = re.compile(
    rf"(?<![\w.])(?P<money>[$\u00a3\u20ac]\s?)?(?P<low>{NUMBER})(?![a-z])"
    rf"(?:\s?(?:-|\u2013|to|or|and)\s?(?P<currency>[$\u00a3\u20ac]\s?)?(?P<high>{NUMBER})(?![a-z]))?"
    r"(?:\s?(?P<percent>%|percent\b|per cent\b)|[\s-](?P<unit>[a-z]{3,}))?",
    re.I,
)
RATE = re.compile(
    r"\b(?P<part>one|two|three|\d{1,3}) (?:in|out of) (?:every )?(?P<whole>\d[\d,]*|ten|twenty|fifty)\b", re.I
)
KIND_OF = {"duration": "time", "cost": "money"}
# Times further apart are of different things (a session's minutes, a relief of months), not two views of one.
SAME_MATTER = 500


@dataclass(frozen=True, slots=True)
class Amount:
    """A range of one unit: "time" in seconds, "money", "percent" or the counted thing ("session")."""

    unit: str
    low: float
    high: float

    def apart(self, other: "Amount") -> bool:
        """Return True when the ranges have nothing in common and may still be of one thing."""
        if self.unit != other.unit:
            return False
        lower, upper = sorted((self, other), key=lambda one: one.low)
        return lower.high < upper.low and (self.unit != "time" or upper.low <= SAME_MATTER * lower.high)


def disagree(one: Quote, other: Quote, kinds: frozenset[str]) -> bool:
    """Return True when two quotes of different articles do not agree on what is asked for (``kinds``)."""
    if one.span.article == other.span.article:
        return False
    return (bool(kinds & STANCE_KINDS) and _opposed(one.tags, other.tags)) or _amounts_apart(one, other, kinds)


def amounts(text: str) -> tuple[Amount, ...]:
    """Return the amounts that ``text`` names, ranges whole."""
    return tuple(_amounts(text))


def _opposed(one: frozenset[Tag], other: frozenset[Tag]) -> bool:
    well, harm = bool(one & SAYS_WELL), bool(one & SAYS_HARM)
    return (well and not harm and bool(other & SAYS_HARM) and not other & SAYS_WELL) or (
        harm and not well and bool(other & SAYS_WELL) and not other & SAYS_HARM
    )


def _amounts_apart(one: Quote, other: Quote, kinds: frozenset[str]) -> bool:
    """Every amount of the kind asked for in one quote lies apart from every one of the other."""
    if not kinds & {"duration", "cost", "number"}:
        return False
    ours, theirs = (_asked_for(amounts(quote.text), kinds) for quote in (one, other))
    shared = {a.unit for a in ours} & {b.unit for b in theirs}
    pairs = [(a, b) for a in ours for b in theirs if a.unit == b.unit and a.unit in shared]
    return bool(pairs) and all(a.apart(b) for a, b in pairs)


def _asked_for(found: tuple[Amount, ...], kinds: frozenset[str]) -> list[Amount]:
    wanted = {KIND_OF[kind] for kind in kinds & KIND_OF.keys()}
    return [a for a in found if a.unit in wanted or ("number" in kinds and a.unit not in KIND_OF.values())]


def _amounts(text: str) -> Iterator[Amount]:
    for match in RATE.finditer(text):
        share = 100 * _value(match["part"]) / max(1.0, _value(match["whole"]))
        yield Amount("percent", share, share)
    for match in AMOUNT.finditer(RATE.sub("some", text)):
        low = _value(match["low"])
        high = _value(match["high"]) if match["high"] else low
        unit = (match["unit"] or "").lower().removesuffix("s")
        if match["money"] or match["currency"]:
            yield Amount("money", min(low, high), max(low, high))
        elif match["percent"]:
            yield Amount("percent", min(low, high), max(low, high))
        elif unit in SECONDS:
            yield Amount("time", min(low, high) * SECONDS[unit], max(low, high) * SECONDS[unit])
        elif unit and match["low"].lower() not in {"a", "an", "one", "single", "half"}:
            yield Amount(unit, min(low, high), max(low, high))


def _value(word: str) -> float:
    return float(WORDS[word.lower()]) if word.lower() in WORDS else float(word.replace(",", ""))
