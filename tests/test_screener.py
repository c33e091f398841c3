"""The classifier of the screening: sound files, what it adds to the rules, its record on messages of other writers."""

import json
import shutil
from functools import cache

import pytest
from conftest import ROOT

from bot.errors import ModelError
from bot.model import DEFAULT_PACKAGE, find_model
from bot.network import WEIGHTS
from bot.safety import Classifier, Gate
from bot.safety.gate import CLASSIFIER
from bot.safety.ngrams import BUCKETS, bucket, buckets, ngrams
from bot.types import HARD_ROUTES, Route
from bot.words import words_for


def rows(name):
    return [json.loads(line) for line in (ROOT / f"tests/data/{name}.jsonl").read_text("utf-8").splitlines()]


HELD_OUT, STORIES, LETTERS, CONTRASTS = (
    rows(f"safety_{name}") for name in ("held_out", "narratives", "letters", "contrasts")
)
URGENT = {"emergency", "poison", "crisis", "abuse"}


@pytest.fixture(scope="module")
def gates():
    from tokenizers import Tokenizer

    vocabulary = Tokenizer.from_file(str(find_model(DEFAULT_PACKAGE).path / "tokenizer.json")).get_vocab()
    known = frozenset(word for word in vocabulary if word.isalpha())
    return Gate(words_for("US"), known=known, classifier=Classifier()), Gate(words_for("US"), known=known)


@cache
def screened(gate, message):
    return gate.screen(message)


def share(items, gate, wanted):
    return sum(screened(gate, item["message"]).urgent is wanted for item in items) / len(items)


def test_fit_and_held_out_messages_are_kept_apart():
    fit = [item for name in ("fit", "calm", "stories") for item in rows(f"safety_{name}")]
    measured = (*HELD_OUT, *STORIES, *LETTERS, *CONTRASTS, *rows("safety_calmly_told"))
    assert not {item["message"] for item in fit} & {item["message"] for item in measured}
    assert not {item["writer"] for item in fit} & {item["writer"] for item in measured}
    assert len(HELD_OUT) >= 600


def test_it_catches_far_more_urgent_messages_of_other_writers_than_the_rules_alone(gates):
    both, rules = gates
    urgent = [item for item in HELD_OUT if item["class"] in URGENT]
    assert share(urgent, both, True) >= share(urgent, rules, True) + 0.3
    assert share(urgent, both, True) >= 0.85


def test_harmless_messages_of_other_writers_pass(gates):
    both, _ = gates
    assert share([item for item in HELD_OUT if item["class"] == "benign"], both, False) >= 0.98
    # Alarming words without danger: a false alarm costs one click, and this is how often it happens (docs/EVIDENCE.md).
    assert share([item for item in HELD_OUT if item["class"] == "hard_negative"], both, False) >= 0.88


@pytest.mark.parametrize(
    ("items", "urgent", "benign"), [(STORIES, 0.98, 0.8), (LETTERS, 0.96, 0.68), (CONTRASTS, 0.94, 0.92)]
)
def test_danger_is_found_in_the_midst_of_a_story_and_most_harmless_stories_pass(gates, items, urgent, benign):
    """Stories, and messages that only what is said of now tells apart, of writers that nothing was trained on.

    Figures in docs/EVIDENCE.md.
    """
    both, _ = gates
    assert share([item for item in items if item["class"] in URGENT], both, True) >= urgent
    assert share([item for item in items if item["class"] == "benign"], both, False) >= benign


def test_a_calm_tone_and_a_question_about_parking_hide_no_danger(gates):
    both, _ = gates
    assert share(rows("safety_calmly_told"), both, True) >= 0.98


@pytest.mark.parametrize("first", ["what does the first visit cost?", "can I drive home after it?", "is lunch served?"])
def test_a_life_told_around_a_question_is_no_danger(gates, first):
    both, _ = gates
    told = (
        "i have two kids at school and work part time. my mother looks after them on wednesdays. the letter came today."
    )
    assert not both.screen(f"{first} {told}").urgent
    assert not both.screen(f"{told} {first}").urgent
    assert not any(v.hard for v in both.screen(f"{told} {first}").verdicts)
    assert both.screen(f"{told} i cannot breathe and my lips are blue. {first}").urgent


def test_it_never_takes_away_what_a_rule_says(gates):
    both, rules = gates
    for item in HELD_OUT:
        before = {route for route in screened(rules, item["message"]).routes if route in HARD_ROUTES}
        assert before <= set(screened(both, item["message"]).routes)


def test_its_verdict_is_visible_with_its_probability(gates):
    both, _ = gates
    found = both.screen(
        "ive given the dog to my sister, paid the bills and written the letters. i wont be needing anything"
    )
    verdict = next(v for v in found.verdicts if v.rule == CLASSIFIER)
    assert verdict.route is Route.CRISIS
    assert verdict.reason.startswith("probability ")


def carded(classifier, message):
    return any(name in URGENT and sure for name, sure, _ in classifier.verdicts(message))


def test_the_ngram_model_finds_urgent_messages_that_the_network_alone_misses():
    both, network = Classifier(), Classifier()
    network._ngrams.share = 0.0
    sets = [item for name in ("fresh", "further") for item in rows(f"safety_{name}")]
    urgent = [item["message"] for item in sets if item["class"] in URGENT]
    harmless = [item["message"] for item in sets if item["class"] in {"benign", "hard_negative"}]
    missed, missed_alone = (sum(not carded(one, message) for message in urgent) for one in (both, network))
    wrong, wrong_alone = (sum(carded(one, message) for message in harmless) for one in (both, network))
    assert missed <= 0.8 * missed_alone
    assert wrong <= 1.1 * wrong_alone


def test_ngrams_of_words_and_of_letters_fall_into_the_same_buckets_on_every_machine():
    assert sorted(ngrams("no way")) == sorted(
        ["no", "way", "no way"]
        + ["\0<n", "\0no", "\0o>", "\0<no", "\0no>", "\0<no>"]
        + ["\0<w", "\0wa", "\0ay", "\0y>", "\0<wa", "\0way", "\0ay>", "\0<way", "\0way>", "\0<way>"]
    )
    assert bucket("no way") == 0x3CED6D80 % BUCKETS
    assert buckets("no no no").tolist() == sorted({bucket(one) for one in ngrams("no no no")})
    assert buckets("").tolist() == []


@pytest.mark.parametrize("name", ["screener.json", "screener.onnx", "tokenizer.json", "ngrams.json", "ngrams.npy"])
def test_missing_files_are_refused_with_a_way_out(tmp_path, name):
    shutil.copytree(WEIGHTS, tmp_path / "weights")
    (tmp_path / "weights" / name).unlink()
    with pytest.raises(ModelError, match="BOT_SCREEN_MODEL=false"):
        Classifier(tmp_path / "weights")


def test_a_changed_ngram_model_is_refused(tmp_path):
    shutil.copytree(WEIGHTS, tmp_path / "weights")
    data = bytearray((WEIGHTS / "ngrams.npy").read_bytes())
    data[-1] ^= 1
    (tmp_path / "weights" / "ngrams.npy").write_bytes(data)
    with pytest.raises(ModelError, match=r"ngrams\.npy does not have the digest"):
        Classifier(tmp_path / "weights")


def test_a_telephone_number_is_no_emergency():
    gate = Gate(words_for("US"), classifier=Classifier())
    assert not gate.screen("how long does that last? (555-867-5309)").urgent
    assert gate.screen("my chest hurts and i cannot breathe, call me at 555-867-5309").urgent
