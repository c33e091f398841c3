"""Prints the confusion table of the screening by class and language, over the held-out messages of other writers.

python tests/screening.py [FILE.jsonl]      rules alone, then rules and classifier
"""

import json
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]
URGENT = ("emergency", "poison", "crisis", "abuse")
# The first route named here that fired is what the reader sees first.
SHOWN = (*URGENT, "misuse", "dosing", "personal", "soft_emergency", "soft_support", "injection", "privacy")


def outcome(screening):
    names = {route.value for route in screening.routes}
    return next((name for name in SHOWN if name in names), "none")


def table(title, items, gate):
    print(f"\n{title}")
    for language in ("en", "es"):
        for kind in dict.fromkeys(item["class"] for item in items):
            found = [outcome(gate.screen(i["message"])) for i in items if (i["class"], i["lang"]) == (kind, language)]
            if found:
                counts = ", ".join(f"{name} {number}" for name, number in Counter(found).most_common())
                print(f"  {language} {kind:14} n={len(found):3}  {counts}")
    urgent = [item for item in items if item["class"] in URGENT]
    caught = sum(gate.screen(item["message"]).urgent for item in urgent)
    print(f"  urgent messages that get a card: {caught} of {len(urgent)} ({caught / len(urgent):.3f})")
    for kind in ("benign", "hard_negative"):
        harmless = [item for item in items if item["class"] == kind]
        wrong = sum(gate.screen(item["message"]).urgent for item in harmless)
        print(f"  {kind} that get one: {wrong} of {len(harmless)}")


def main():
    from bot.embed import OnnxEncoder
    from bot.safety import Classifier, Gate
    from bot.settings import load_settings
    from bot.snapshot import current
    from bot.words import words_for

    path = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "tests/data/safety_held_out.jsonl"
    items = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    known = OnnxEncoder(current(load_settings().index) / "encoder").vocabulary()
    table("rules alone", items, Gate(words_for("US"), known=known))
    table("rules and classifier", items, Gate(words_for("US"), known=known, classifier=Classifier()))


if __name__ == "__main__":
    main()
