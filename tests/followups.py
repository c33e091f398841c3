"""Measures follow-up questions on public conversations: which words does ``bot.followup`` bring back?

    python tests/followups.py CANARD_DEV.json CAST_2019_TURNS.json CAST_2019_RESOLVED.tsv CAST_2020.json

A person has written each follow-up so that it stands alone. Of the content words that the person added, how many did
the program add from the user's earlier questions (recall), and how many of those it added did the person want
(precision)? Only questions that lean on earlier ones count; words that were only in an answer count as lost.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]


def canard(path):
    for item in json.loads(Path(path).read_text("utf-8")):
        yield tuple(item["History"][2::2]), item["Question"], item["Rewrite"]


def cast_2019(turns, resolved):
    lines = [line.split("\t", 1) for line in Path(resolved).read_text("utf-8").splitlines() if "\t" in line]
    alone = {key.strip(): text.strip() for key, text in lines}
    for topic in json.loads(Path(turns).read_text("utf-8")):
        asked = [turn["raw_utterance"] for turn in topic["turn"]]
        for place, question in enumerate(asked):
            key = f"{topic['number']}_{topic['turn'][place]['number']}"
            if key in alone:
                yield tuple(asked[:place]), question, alone[key]


def cast_2020(path):
    for topic in json.loads(Path(path).read_text("utf-8")):
        asked = [turn["raw_utterance"] for turn in topic["turn"]]
        for place, turn in enumerate(topic["turn"]):
            yield tuple(asked[:place]), asked[place], turn["manual_rewritten_utterance"]


def measure(name, items, resolve):
    from bot.lexical import terms

    wanted = added = right = leaning = alone = touched = 0
    for turns, question, rewrite in items:
        own = set(terms(question))
        need, brought = set(terms(rewrite)) - own, set(terms(resolve(question, turns))) - own
        if not turns:
            continue
        if not need:
            alone += 1
            touched += bool(brought)
            continue
        leaning += 1
        wanted, added, right = wanted + len(need), added + len(brought), right + len(need & brought)
    recall, precision = right / max(1, wanted), right / max(1, added)
    print(
        f"{name:34} leaning {leaning}: recall {recall:.3f} precision {precision:.3f}   "
        f"standing alone {alone}: changed {touched / max(1, alone):.3f}"
    )


def main():
    from bot.followup import resolve

    canard_file, turns, resolved, cast = sys.argv[1:]
    ways = {
        "nothing": lambda question, turns: question,
        "always the turn before": lambda question, turns: f"{turns[-1]} {question}" if turns else question,
        "this program": resolve,
    }
    for name, way in ways.items():
        measure(f"CANARD dev, {name}", canard(canard_file), way)
        measure(f"CAsT 2019, {name}", cast_2019(turns, resolved), way)
        measure(f"CAsT 2020, {name}", cast_2020(cast), way)


if __name__ == "__main__":
    main()
