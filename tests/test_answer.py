"""The whole way from a question to its answer, over the real articles with the real model."""

import dataclasses
import json
import resource
import string
import threading

import pytest
from conftest import ROOT
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bot.answer import Answerer, open_answerer
from bot.claims import tags_of
from bot.compose import restored
from bot.errors import QuoteError
from bot.evidence import _alike, claims_safety
from bot.network import LARGE
from bot.rerank import Reranker, learnt
from bot.scoring import scoring_for
from bot.settings import load_settings
from bot.types import Kind, Role, Screening, Status, Tag
from bot.wire import answer_to_dict, trace_to_dict

QUESTIONS = [
    json.loads(line) for line in (ROOT / "tests/data/questions.jsonl").read_text(encoding="utf-8").splitlines()
]


@pytest.fixture(scope="module")
def answers(answerer):
    return [answerer.answer(item["question"], item.get("turns") or ()) for item in QUESTIONS]


def test_every_quote_is_a_slice_of_the_file_in_the_corpus(answers, answerer):
    shown = [quote for trace in answers for quote in trace.answer.quotes]
    assert len(shown) > 100
    for quote in shown:
        data = (ROOT / "corpus" / quote.source.file).read_bytes()
        assert data.decode("utf-8")[quote.span.start : quote.span.end] == quote.text


def test_every_quote_is_one_to_three_whole_body_sentences(answers, answerer):
    for quote in (quote for trace in answers for quote in trace.answer.quotes):
        inside = [
            sentence
            for passage in answerer.library.passages
            for sentence in passage.sentences
            if sentence.span.article == quote.span.article
            and sentence.span.start < quote.span.end
            and quote.span.start < sentence.span.end
        ]
        assert 1 <= len(inside) <= 3
        assert (inside[0].span.start, inside[-1].span.end) == (quote.span.start, quote.span.end)
        assert all(sentence.kind is Kind.BODY for sentence in inside)
        assert quote.highlights
        assert all((s, e) in [(i.span.start, i.span.end) for i in inside] for s, e in quote.highlights)


def test_answers_have_one_to_four_quotes_that_differ(answers):
    for trace in answers:
        answer = trace.answer
        assert len(answer.quotes) <= 4
        assert (answer.status is Status.ANSWERED) <= bool(answer.quotes)
        assert len({(q.span.article, q.span.start) for q in answer.quotes}) == len(answer.quotes)


def test_every_answer_carries_the_disclaimer(answers):
    assert all("consult your physician" in trace.answer.disclaimer for trace in answers)


def test_a_word_of_doubt_stands_above_a_doubtful_quote_and_only_there(answers, answerer):
    models = Reranker().digest, learnt() if answerer.settings.large else None
    words, least = answerer.words, scoring_for(*models).decision.sure_threshold
    assert answerer.thresholds[0] < least < 1
    lines = {words.found: [], words.unsure: []}
    for trace in answers:
        if trace.answer.status is Status.ANSWERED:
            lines[trace.answer.message].append(trace.answer.quotes[0].score)
    assert len(lines[words.found]) > 20
    assert len(lines[words.unsure]) > 3
    assert min(lines[words.found]) >= least > max(lines[words.unsure])


def test_promotion_is_never_quoted(answers, answerer):
    kept = [s.span for p in answerer.library.passages for s in p.sentences if s.kind in {Kind.PROMOTION, Kind.CONTACT}]
    for quote in (quote for trace in answers for quote in trace.answer.quotes):
        assert not any(
            span.article == quote.span.article and span.start < quote.span.end and quote.span.start < span.end
            for span in kept
        )


def test_a_claim_is_never_shown_without_a_risk(answers, answerer):
    claims = {Tag.BENEFIT, Tag.SAFETY, Tag.REASSURANCE}
    for trace in answers:
        quotes = trace.answer.quotes
        for quote in (q for q in quotes if q.tags & claims):
            others = [q for q in quotes if q.span.article != quote.span.article and q.tags & {Tag.RISK, Tag.HARM}]
            assert others or any(n.rule == "no-risk-named" for n in trace.answer.notices), trace.answer.question


def test_every_candidate_that_is_not_shown_has_a_reason(answers, answerer):
    for trace in answers:
        marked = {(q.span.article, place) for q in trace.answer.quotes for place in q.highlights}
        for hit in trace.hits:
            span = answerer.library.rows[hit.row].sentence.span
            assert ((span.article, (span.start, span.end)) in marked) is (hit.dropped == ""), trace.answer.question


def test_a_balancing_risk_is_marked(answers):
    assert any(q.role is Role.BALANCE for trace in answers for q in trace.answer.quotes)


@pytest.mark.parametrize(
    "message",
    [
        "my chest hurts and my arm went numb",
        "I want to kill myself",
        "she took the whole bottle of pills and wont wake up",
        "CANT BREATHE",
    ],
)
def test_an_urgent_message_gets_a_card_and_nothing_is_searched(answerer, message):
    trace = answerer.answer(message)
    assert trace.answer.status is Status.URGENT
    assert (trace.answer.quotes, trace.hits, trace.query) == ((), (), "")
    assert "911" in trace.answer.message[:160] or "988" in trace.answer.message[:160]
    assert "retrieve" not in trace.millis


def test_the_same_question_gets_the_same_answer(built, answerer):
    again = open_answerer(built)
    for item in QUESTIONS[:20]:
        one, other = (answer_to_dict(a.answer(item["question"]).answer) for a in (answerer, again))
        assert {k: v for k, v in one.items() if k != "trace_id"} == {k: v for k, v in other.items() if k != "trace_id"}


def test_suggested_questions_are_really_answered(answerer):
    assert len(answerer.suggestions) >= 4
    for suggestion in answerer.suggestions:
        assert answerer.answer(suggestion).answer.status is Status.ANSWERED


def test_an_answer_of_the_journal_is_the_answer_that_was_given(answers, answerer):
    articles = answerer.library.articles
    for trace in answers:
        written = json.loads(json.dumps(answer_to_dict(trace.answer)))
        assert answer_to_dict(restored(written, articles)) == written
        assert answer_to_dict(restored(written, None)) == written
    written = json.loads(json.dumps(answer_to_dict(next(t.answer for t in answers if t.answer.quotes))))
    written["quotes"][0]["text"] += "!"
    with pytest.raises(QuoteError):
        restored(written, articles)


def test_the_trace_shows_scores_reasons_and_times(answerer):
    trace = trace_to_dict(answerer.answer("what are the side effects of infusions for patients in los angeles"))
    assert json.loads(json.dumps(trace)) == trace
    assert {"screen", "retrieve", "select", "total"} <= trace["millis"].keys()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    assert 50 < trace["megabytes"]["select"] <= peak + 1
    assert any("promotion" in hit["dropped"] or "contact" in hit["dropped"] for hit in trace["hits"])


@pytest.mark.parametrize(
    ("question", "field"),
    [
        ("", "empty"),
        ("   \n\t", "empty"),
        ("x" * 100_000, "too_long"),
        ("\x00\x01\x02\x03" * 20, "unreadable"),
        ("🙂🙂🙂", "unreadable"),
        ("????", "unreadable"),
    ],
)
def test_bad_input_gets_a_clear_message(answerer, question, field):
    answer = answerer.answer(question).answer
    assert answer.message == getattr(answerer.words, field)
    assert answer.quotes == ()
    assert "consult your physician" in answer.disclaimer


@pytest.mark.parametrize("text", ["هل هذا آمن؟", "\u202eevil\u202c text", "это безопасно?", "a\ud800b"])
def test_other_scripts_and_broken_text_do_no_harm(answerer, text):
    answer = answerer.answer(text).answer
    json.dumps(answer_to_dict(answer)).encode()
    assert "consult your physician" in answer.disclaimer


@pytest.mark.parametrize("half", [chr(0xD83D), chr(0xDC00)])
def test_half_an_emoji_hides_neither_a_danger_nor_an_answer(answerer, half):
    danger = answerer.answer(f"i cant breathe {half} help").answer
    assert (danger.status, danger.message) == (Status.URGENT, answerer.answer("i cant breathe help").answer.message)
    question = "how long does one infusion take"
    plain = answerer.answer(question).answer
    found = answerer.answer(f"{question} {half}", [f"hello {half}"]).answer
    assert plain.quotes
    assert found.quotes == plain.quotes


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=st.text(max_size=300), turns=st.lists(st.text(max_size=60), max_size=3))
def test_any_text_gets_an_answer_with_the_disclaimer(answerer, question, turns):
    trace = answerer.answer(question, turns)
    assert "consult your physician" in trace.answer.disclaimer
    assert trace.answer.message != answerer.words.error
    assert trace.answer.message.strip()


def test_many_threads_get_the_same_answers(answerer):
    questions = [item["question"] for item in QUESTIONS[:12]]
    alone = [[q.text for q in answerer.answer(question).answer.quotes] for question in questions]
    found: dict[int, list] = {}

    def ask(worker):
        found[worker] = [[q.text for q in answerer.answer(question).answer.quotes] for question in questions]

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found[n] == alone for n in range(6))


def test_thousands_of_questions_in_a_row(answerer):
    """No leak, no slowing down: messages that need no retrieval are cheap enough to send this many."""
    import psutil

    process = psutil.Process()
    for _ in range(50):
        answerer.answer("what are the side effects")
    before = process.memory_info().rss
    for number in range(4_000):
        answerer.answer("" if number % 50 else "how long does it take?")
    assert process.memory_info().rss - before < 50_000_000


def test_an_article_in_review_is_found_but_not_quoted(small_index):
    text = "Rest the joint for two days after the injection. The plaster may come off after one day."
    small = small_index({"joint-injection": text})
    assert open_answerer(small).answer("when may the plaster come off").answer.quotes
    sidecar = small.corpus / "joint-injection.toml"
    sidecar.write_text(sidecar.read_text().replace('"approved"', '"review"'), encoding="utf-8")
    from bot.build import build_index

    build_index(small)
    trace = open_answerer(small).answer("when may the plaster come off")
    assert trace.answer.quotes == ()
    assert any("review" in hit.dropped for hit in trace.hits)


def test_a_sentence_as_long_as_a_page_is_never_quoted(small_index):
    endless = "Healing of the knee takes six weeks " + "and one more day for each step that was walked " * 40
    brief = "Swelling of the knee goes down in two weeks."
    answerer = open_answerer(
        small_index({"knee": f"{brief} {endless}."}).model_copy(
            update={"answer_threshold": 0.0, "extra_threshold": 0.0}
        )
    )
    trace = answerer.answer("how long does healing of the knee take")
    assert [quote.text for quote in trace.answer.quotes] == [brief]
    assert any("more than 1500" in hit.dropped for hit in trace.hits)


def test_settings_without_reviewed_words_refuse_to_start(built):
    from bot.errors import WordsError

    with pytest.raises(WordsError, match="BOT_REGION"):
        open_answerer(load_settings(index=built.index, region=string.ascii_uppercase[:2]))


def test_identifiers_of_earlier_turns_are_not_kept(answerer):
    trace = answerer.answer(
        "how long does that last?", ["My name is Jane Roe, jane@example.org. Does ketamine relieve pain"]
    )
    assert "relieve pain" in trace.query
    assert "Jane" not in json.dumps(trace_to_dict(trace))
    assert "example.org" not in json.dumps(trace_to_dict(trace))


ONE = (
    "The splint gives lasting relief to most people.\n\nIt is worn at night. "
    "Side effects of the splint include swelling and a rash."
)
OTHER = "Heat packs give strong relief of stiffness.\n\nBurns and blisters can follow when a heat pack is too hot."


def test_a_benefit_brings_the_risk_of_another_article_or_of_its_own(small_index):
    both = open_answerer(small_index({"splint": ONE, "heat": OTHER}))
    quotes = both.answer("does the splint give relief").answer.quotes
    claim = next(q for q in quotes if Tag.BENEFIT in q.tags)
    assert any(q.role is Role.BALANCE and q.span.article != claim.span.article for q in quotes)
    alone = open_answerer(small_index({"splint": ONE}))
    assert any(Tag.RISK in q.tags for q in alone.answer("does the splint give relief").answer.quotes)


@pytest.mark.parametrize(
    ("after", "comes"),
    [
        ("This is why longer use, while more effective, carries risks of injury.", True),
        ("Some people, however, have lasting pain from it.", True),
        ("This makes it popular with athletes.", False),
        ("The foot may hurt during the flight of stairs.", False),
    ],
)
def test_a_claim_comes_with_the_sentence_that_limits_it(small_index, after, comes):
    text = f"Our leaflet is about splints.\n\nA night splint relieves heel pain in most patients. {after}\n"
    quotes = open_answerer(small_index({"splints": text})).answer("does a night splint relieve heel pain").answer.quotes
    assert quotes[0].text.startswith("A night splint relieves heel pain")
    assert (after in quotes[0].text) is comes


@pytest.mark.parametrize(
    ("question", "own"),
    [
        ("can I go home after the infusion", True),
        ("what are MY side effects", True),
        ("what are the side effects", False),
        ("which side effects does it have", False),
    ],
)
def test_who_asks_for_themselves_is_told_who_knows_their_case(answerer, question, own):
    answer = answerer.answer(question).answer
    assert answer.status is Status.ANSWERED
    assert any(notice.text == answerer.words.own_case for notice in answer.notices) is own


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("The cast stays on for six weeks.", "The cast stays on for about six weeks.", True),
        (
            "Rest the leg, ice the swollen knee, and lift it.",
            "In short: rest the leg, ice the swollen knee, and lift it.",
            True,
        ),
        ("The cast stays on for 6 weeks.", "The cast stays on for ten weeks.", False),
        ("The cast stays on for six weeks.", "The cast stays on for 6 weeks.", True),
        ("Aspirin has to be stopped.", "Aspirin does not have to be stopped.", False),
        (
            "The tablets can be taken with or without food.",
            "Take each tablet after food, with a full glass of water.",
            False,
        ),
        ("Stop aspirin.", "Eat only a light breakfast, and stop aspirin five days before the operation.", False),
    ],
)
def test_only_what_says_the_same_counts_as_the_same(answers, one, other, same):
    quote = next(quote for trace in answers for quote in trace.answer.quotes)
    assert _alike(dataclasses.replace(quote, text=one), dataclasses.replace(quote, text=other)) is same
    assert _alike(dataclasses.replace(quote, text=other), dataclasses.replace(quote, text=one)) is same


def test_hearsay_comes_with_what_the_article_says_of_it(small_index):
    text = "About splints.\n\nIt is often said that splints weaken the calf. Good studies have not found this.\n"
    quotes = open_answerer(small_index({"splints": text})).answer("do splints weaken the calf").answer.quotes
    assert quotes[0].text.endswith("Good studies have not found this.")


def test_a_claim_of_safety_is_no_answer_to_is_it_safe_for_me(small_index):
    home = small_index(
        {"splint": "A night splint is completely safe for everyone.", "strap": "A night splint may cause sores."}
    )
    answerer = open_answerer(home)
    assert any("completely safe" in quote.text for quote in answerer.answer("is a night splint safe").answer.quotes)
    own = answerer.answer("is a night splint safe for me").answer
    assert own.status is Status.DECLINED
    assert not any("completely safe" in quote.text for quote in own.quotes)


def test_a_library_without_any_risk_says_so(small_index):
    bare = open_answerer(small_index({"splint": "The splint gives lasting relief to most people."}))
    answer = bare.answer("does the splint give relief").answer
    assert answer.quotes
    assert any(notice.rule == "no-risk-named" for notice in answer.notices)


def test_a_fault_inside_is_answered_by_the_error_text_and_never_logged_with_the_question(answerer, caplog, monkeypatch):
    from bot import answer as module

    def broken(*_args, **_options):
        raise ValueError("secret words of a patient")

    monkeypatch.setattr(module, "retrieve", broken)
    answer = answerer.answer("what are the secret words").answer
    assert answer.message == answerer.words.error
    assert "911" in answer.message
    assert "secret" not in caplog.text
    assert "ValueError" in caplog.text


BRIDGES = {
    "bridge-clinic": (
        "A dental bridge closes the gap of a lost tooth.\n\nHow long it lasts\n\n"
        "A dental bridge lasts about 5 years before it must be made again.\n\nSafety\n\n"
        "A dental bridge is completely safe and has no side effects."
    ),
    "bridge-university": (
        "A dental bridge rests on the neighbouring teeth.\n\nHow long it lasts\n\n"
        "A dental bridge lasts 12 to 15 years when the teeth beside it are cleaned well.\n\nRisks\n\n"
        "A dental bridge can cause bleeding of the gums and infection of the teeth beside it."
    ),
}


@pytest.fixture(scope="module")
def bridges(small_index):
    return open_answerer(small_index(BRIDGES))


def test_amounts_that_differ_are_shown_together_and_nobody_wins(bridges):
    answer = bridges.answer("how long does a dental bridge last").answer
    assert {quote.span.article for quote in answer.quotes} == set(BRIDGES)
    assert [quote.role for quote in answer.quotes][1] is Role.DISAGREEMENT
    assert "disagreement" in {notice.rule for notice in answer.notices}


def test_what_one_calls_safe_and_another_a_risk_is_shown_from_both_sides(bridges):
    answer = bridges.answer("what are the side effects of a dental bridge").answer
    shown = " ".join(quote.text for quote in answer.quotes)
    assert "no side effects" in shown
    assert "bleeding" in shown
    assert "disagreement" in {notice.rule for notice in answer.notices}


def test_a_risk_of_something_else_beside_a_claim_is_no_disagreement(small_index):
    claim = "A knee brace has no side effects, and nobody has ever been harmed by wearing a knee brace."
    other = "Parking\n\nThe car park is closed on Sundays. Ice on the car park stairs has caused injury and bleeding."
    program = open_answerer(small_index({"brace": claim, "visit": other}))
    answer = program.answer("what are the side effects of a knee brace").answer
    assert [(q.span.article, q.role) for q in answer.quotes] == [("brace", Role.ANSWER), ("visit", Role.BALANCE)]
    assert {"balance"} == {notice.rule for notice in answer.notices}


def test_a_false_premise_is_contradicted(bridges):
    answer = bridges.answer("since a dental bridge has no side effects, how long does a dental bridge last?").answer
    assert any("bleeding" in quote.text for quote in answer.quotes)
    assert "premise" in {notice.rule for notice in answer.notices}


@pytest.mark.parametrize(
    "said",
    ["since it has no side effects, how long does it last", "they told me it is completely safe. how long is it",
     "can i drive home because there are no risks", "it is safe, right", "since its safe can i drive",
     "theyre harmless, so how many"],
)  # fmt: skip
def test_what_a_message_takes_for_granted(said):
    assert claims_safety(said)


@pytest.mark.parametrize(
    "said",
    ["is it safe", "is it safe with high blood pressure", "so is that safe?", "how safe is it",
     "if it is safe i will do it", "i want to know whether it is safe", "i was told it is safe but can be dangerous",
     "i have a bad heart can i still have it", "does it go away", "i have a bad back is it safe for me",
     "what is its safe storage"],
)  # fmt: skip
def test_what_a_message_only_asks(said):
    assert not claims_safety(said)


def test_each_of_two_questions_gets_its_quote(bridges):
    trace = bridges.answer("How long does a dental bridge last? What does a dental bridge rest on?")
    assert len(trace.queries) == 2
    shown = " ".join(quote.text for quote in trace.answer.quotes)
    assert "years" in shown
    assert "rests on the neighbouring teeth" in shown


def test_the_trace_shows_how_the_question_was_read(bridges):
    trace = trace_to_dict(bridges.answer("how long does a dentel bridge keep going before it wears out"))
    assert trace["queries"][0]["corrected"] == "how long does a dental bridge keep going before it wears out"
    assert "duration" in trace["queries"][0]["kinds"]
    assert {"understand", "retrieve", "rerank"} <= trace["millis"].keys()


def test_it_answers_without_the_evidence_model_too(bridges):
    without = Answerer(bridges.library, bridges.settings.model_copy(update={"rerank": False}))
    trace = without.answer("how long does a dental bridge last")
    assert trace.answer.status is Status.ANSWERED
    assert all(hit.rerank is None for hit in trace.hits)
    assert any(hit.rerank is not None for hit in bridges.answer("how long does a dental bridge last").hits)


def test_the_large_model_reads_where_the_small_one_doubts_and_the_trace_says_so(bridges):
    if not LARGE.exists():
        pytest.skip("the large evidence model was not made: python -m bot large")
    without = Answerer(bridges.library, bridges.settings.model_copy(update={"large": False}))
    low, high = scoring_for(Reranker().digest, learnt()).second.doubt
    seen = set()
    for question in ("how long does a dental bridge last", "can it bleed", "what does it cost", "what can go wrong"):
        in_doubt = low <= max((hit.probability for hit in without.answer(question).hits), default=0.0) <= high
        assert any(hit.large is not None for hit in bridges.answer(question).hits) is in_doubt, question
        seen.add(in_doubt)
    assert seen == {True, False}
    assert bridges.settings.id != without.settings.id


def test_where_the_large_model_is_not_there_the_settings_of_a_trace_say_so(bridges, monkeypatch, tmp_path):
    monkeypatch.setattr("bot.rerank.LARGE", tmp_path / "large")
    without = Answerer(bridges.library, bridges.settings.model_copy(update={"large": True}))
    assert without.answer("how long does a dental bridge last").answer.status is Status.ANSWERED
    assert without.settings.id == bridges.settings.model_copy(update={"large": False}).id


@pytest.mark.parametrize("question", ["who won the chess world cup in 1987", "is parking free at the hospital"])
def test_when_nothing_answers_the_nearest_headings_are_named(answerer, question):
    answer = answerer.answer(question).answer
    assert answer.status is Status.NO_EVIDENCE
    assert 1 <= len(answer.topics) <= 4
    headings = {p.heading for p in answerer.library.passages if p.heading}
    for topic in answer.topics:
        assert topic.span in headings
        assert topic.text == answerer.library.articles[topic.span.article].slice(topic.span)
        assert not tags_of(topic.text) & {Tag.BENEFIT, Tag.SAFETY, Tag.REASSURANCE, Tag.DOSE}
    assert len({topic.text.casefold() for topic in answer.topics}) == len(answer.topics)


@pytest.mark.parametrize("question", ["what are the side effects", "my chest hurts", "should i stop my pills", "hello"])
def test_topics_stand_only_where_a_search_found_nothing(answerer, question):
    assert answerer.answer(question).answer.topics == ()


HEADINGS = {
    "Completely safe and painless knee surgery": False,
    "## Knee surgery is a miracle cure": False,
    "## 9 out of 10 patients get better after knee surgery": False,
    "## Feel like yourself again after knee surgery": False,
    "## Book your knee surgery today": False,
    "## Stop blood thinners before knee surgery": False,
    "Knee surgery with us": False,
    "In closing": False,
    "Can knee surgery cure old age?": False,
    "Recovery from knee surgery guaranteed": False,
    "Risks of knee surgery: none": False,
    "How to take two tablets after knee surgery": False,
    "Before knee surgery stop all tablets": False,
    "About the best knee surgery in town": False,
    "What happens after knee surgery?": True,
    "## Risks of knee surgery ##": True,
    "Before the knee surgery": True,
}


@pytest.mark.parametrize("heading", HEADINGS)
def test_only_headings_that_promise_nothing_are_topics(small_index, heading):
    text = f"First\n\nA word about something else.\n\n{heading}\n\nKnee surgery takes an hour in all.\n"
    answerer = open_answerer(small_index({"knee": text}))
    answer = answerer.answer("who won the chess world cup in 1987").answer
    assert answer.status is Status.NO_EVIDENCE
    assert [topic.text for topic in answer.topics] == ([heading.strip("# ")] if HEADINGS[heading] else [])


def test_a_heading_that_a_person_calls_a_claim_is_no_topic(small_index):
    heading, body = "Recovery after knee surgery", "Knee surgery takes an hour in all."
    override = f'[[override]]\nwords = "{heading}"\ntags = ["benefit"]\nreason = "a promise"\nby = "a test"\n'
    for more, found in (("", [heading]), (override, [])):
        answerer = open_answerer(small_index({"knee": f"{heading}\n\n{body}\n"}, more=more))
        assert [t.text for t in answerer.answer("who won the chess cup").answer.topics] == found


def test_a_topic_that_is_not_the_articles_is_never_shown(answerer):
    composer = answerer._composer
    answer = answerer.answer("who won the chess world cup in 1987").answer
    forged = dataclasses.replace(answer.topics[0], text="Side effects: none at all")
    with pytest.raises(QuoteError, match="differs from the article"):
        composer.compose(Screening("q"), Status.NO_EVIDENCE, "nothing", topics=(forged,))
    written = json.loads(json.dumps(answer_to_dict(answer)))
    assert restored(written, answerer.library.articles).topics == answer.topics
    written["topics"][0]["text"] += "!"
    with pytest.raises(QuoteError):
        restored(written, answerer.library.articles)


def test_what_was_just_answered_is_not_suggested_next(answerer):
    answer = answerer.answer("what are the common side effects").answer
    shown = {quote.span for quote in answer.quotes}
    assert answer.suggestions
    for suggestion in answer.suggestions:
        assert answerer.answer(suggestion).answer.quotes[0].span not in shown


@pytest.mark.parametrize(
    ("question", "turns"),
    [("i wonder how long will it last for me", ()), ("can i drive", ("how long does it last for a bad back",))],
)
def test_a_question_asked_in_other_words_is_not_suggested(answerer, question, turns):
    asked = "How long does an infusion last?"
    assert asked in answerer.suggestions
    assert asked not in answerer.answer(question, turns).answer.suggestions
