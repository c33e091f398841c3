"""The staff console in a real browser: see what happened, keep the library, and what patients then get."""

import hashlib
import re
import shutil
import tomllib

import httpx
import pytest
from conftest import ROOT
from web import serious, serving

from bot.accounts import Accounts
from bot.answer import open_answerer
from bot.build import build_index
from bot.journal import Journal
from bot.live import Live
from bot.questions import read_questions
from bot.settings import load_settings

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
PASSWORD = "a long enough one"
EFFECTS = "what are the common side effects"


@pytest.fixture(scope="module")
def clinic(built, tmp_path_factory):
    """A clinic of its own: corpus, index, journal, one account and a running web app that follows the index."""
    home = tmp_path_factory.mktemp("clinic")
    shutil.copytree(ROOT / "corpus", home / "corpus")
    shutil.copytree(built.index, home / "index")
    settings = load_settings(
        corpus=home / "corpus", index=home / "index", data=home / "data", questions_per_minute=100_000
    )
    build_index(settings)
    accounts = Accounts(settings.data / "staff.json")
    accounts.add("jane", PASSWORD)
    live, journal = Live(open_answerer(settings)), Journal(settings.data / "journal.db")
    end = live.watch()
    with serving(live, journal=journal, accounts=accounts) as address:
        yield address, live, settings
    end()
    journal.close()


@pytest.fixture
def staff(clinic, open_page):
    """A page of the console, signed in."""
    page = open_page(f"{clinic[0]}/staff/login", ready="[name=name]", viewport={"width": 1300, "height": 1000})
    sign_in(page)
    return page


def sign_in(page):
    page.fill("[name=name]", "jane")
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector("#inspect-question")


def tab(page, name, ready):
    page.get_by_role("tab", name=name).click()
    page.wait_for_selector(ready, timeout=20_000)
    page.wait_for_timeout(300)


def say(page, box, text):
    page.fill(f"{box} textarea, {box} input", text)


def choose(page, box, text):
    page.click(f"{box} input")
    page.locator(f"{box} [role=option]", has_text=text).first.click()


def pick_article(page, article):
    """Choose an article and wait until what is known of it has come: its sentences come with its findings."""
    choose(page, "#keep-article", article)
    page.locator("#keep-findings h3", has_text=f"Findings in {article}").wait_for(timeout=20_000)


def press(page, button, shows, text):
    """Press a button and wait for what it tells: ``text`` must not stand there before (capitals make no difference)."""
    assert page.locator(shows, has_text=text).count() == 0
    page.click(button)
    page.locator(shows, has_text=text).first.wait_for(timeout=60_000)


def shown(client_answerer, question=EFFECTS):
    return [quote.text for quote in client_answerer.answerer.answer(question).answer.quotes]


def test_what_to_do_about_a_finding_is_told_in_words_of_the_console(staff):
    tab(staff, "Library", "#keep-articles table")
    said = ""
    for article in ("ketamine-drip-for-pain", "ketamine-risks-and-benefits"):
        pick_article(staff, article)
        said += staff.locator("#keep-findings table").text_content()
    assert "withhold it, with a reason" in said
    assert "fields below" in said
    assert not re.search(r"sidecar|\[\[|python -m|status =", said)


def test_the_inspector_shows_every_stage(staff, clinic):
    say(staff, "#inspect-question", EFFECTS)
    choose(staff, "#inspect-other", "without the evidence model")
    staff.click("#inspect-go")
    staff.wait_for_selector("#inspect-chart .bars li", timeout=20_000)
    quotes = shown(clinic[1])
    assert [node.text_content() for node in staff.locator("#inspect-answer .words").all()] == quotes
    assert "consult your physician" in staff.locator("#inspect-answer").text_content()
    link = staff.locator("#inspect-answer a.context").first
    assert staff.evaluate("link => link.href", link.element_handle()).startswith(f"{clinic[0]}/article/")
    summary = staff.locator("#inspect-summary").text_content()
    for stage in ("screen", "retrieve", "rerank", "select", "total", clinic[1].answerer.library.manifest.id):
        assert stage in summary
    assert staff.locator("#inspect-chart .line").count() == 2 * staff.locator("#inspect-chart li").count()
    assert staff.locator("#inspect-compared .side").count() == 2
    assert staff.locator("#inspect-text mark.heat").count() >= 1
    staff.get_by_role("button", name="All candidates").click()
    assert "quoted" in staff.locator("#inspect-hits tbody").text_content()
    heads = staff.locator("#inspect-hits th").all_text_contents()
    cells = staff.locator("#inspect-hits tbody tr").first.locator("td").all_text_contents()
    named = dict(zip(heads, cells, strict=True))
    hit = clinic[1].answerer.answer(EFFECTS).hits[0]
    assert (named["probability"], named["dense"]) == (f"{hit.probability:.2f}", f"{hit.dense:.2f}")
    assert "threshold" in staff.locator("#inspect-hits tbody").text_content()


@pytest.mark.parametrize(
    ("question", "other", "quoted"),
    [
        ("who won the chess world cup in 1987", "without thresholds", [0, 1]),
        (EFFECTS, "without the safety classifier", [1, 1]),
    ],
)
def test_settings_are_compared_on_one_question(staff, question, other, quoted):
    say(staff, "#inspect-question", question)
    choose(staff, "#inspect-other", other)
    staff.click("#inspect-go")
    staff.locator("#inspect-compared .side").nth(1).wait_for(timeout=20_000)
    sides = staff.locator("#inspect-compared .side").all()
    assert [min(1, side.locator(".quote, .words, li, blockquote").count()) for side in sides] == quoted


def test_an_urgent_message_is_screened_for_staff_too(staff):
    say(staff, "#inspect-question", "my chest hurts")
    press(staff, "#inspect-go", "#inspect-summary", "Nothing was searched")
    assert "emergency" in staff.locator("#inspect-summary").text_content()
    assert staff.locator("#inspect-answer .quote").count() == 0


def test_what_a_patient_says_reaches_the_journal_and_the_inspector(clinic, open_page, staff):
    patient = open_page(clinic[0])
    patient.fill("#question textarea, #question input", "is there any nausea with it")
    patient.keyboard.press("Enter")
    patient.wait_for_selector("#log .answer .vote", timeout=20_000)
    patient.wait_for_timeout(500)
    patient.click('.vote[data-helpful="false"]')
    patient.fill(".feedback input", "not what I asked, mail me at jo@example.org")
    patient.click(".feedback form button")
    patient.wait_for_function("!document.querySelector('.feedback form')")
    patient.locator("button.report").first.click()
    patient.locator("button.report", has_text="Reported").wait_for()
    code = patient.locator(".tools code").text_content()
    httpx.post(f"{clinic[0]}/api/ask", json={"question": "what is the parking like"}, timeout=30)
    tab(staff, "Journal", "#journal-shown table")
    staff.locator("#journal-shown tbody tr", has_text="parking").first.wait_for()
    say(staff, "#journal-text", "nausea")
    staff.click("#journal-go")
    staff.locator("#journal-shown tbody tr", has_text="parking").first.wait_for(state="detached")
    row = staff.locator("#journal-shown tbody tr", has_text=code).text_content()
    assert "did not help" in row
    assert "reported" in row
    assert "jo@example.org" not in row
    staff.get_by_role("link", name=code).click()
    staff.wait_for_selector("#inspect-chart .bars li", timeout=20_000)
    assert "not what I asked" in staff.locator("#inspect-told").text_content()
    assert "nausea" in staff.locator("#inspect-answer").text_content()
    assert staff.locator("#inspect-text mark.heat").count() >= 1


def test_unanswered_questions_are_grouped_and_counted(clinic, staff, open_page):
    import httpx

    for question in ("which dog food is best", "what is the best dog food", "who won the football match"):
        httpx.post(f"{clinic[0]}/api/ask", json={"question": question}, timeout=30)
    tab(staff, "What is missing", "#gaps-shown table")
    first = staff.locator("#gaps-shown tbody tr").first.text_content()
    assert first.startswith("2")
    assert "dog food" in first
    with staff.expect_download() as download:
        staff.get_by_role("link", name="Save as CSV").click()
    saved = download.value.path().read_text()
    assert "dog food" in saved
    assert "consult your physician" in saved
    tab(staff, "Overview", "#overview-told table")
    assert "no_evidence" in staff.locator("#overview-told").text_content()
    for plot in ("asked", "time"):
        staff.locator(f"#overview-{plot} :is(canvas, svg)").first.wait_for(timeout=20_000)


def test_a_withheld_sentence_is_gone_after_publishing_and_back_after_undo(clinic, staff):
    _, live, settings = clinic
    answer = live.answerer.answer(EFFECTS).answer
    quote = answer.quotes[0]
    sentence = quote.text[quote.highlights[0][0] - quote.span.start : quote.highlights[0][1] - quote.span.start]
    sidecar = settings.corpus / f"{quote.span.article}.toml"
    before = hashlib.sha256(sidecar.read_bytes()).hexdigest()
    tab(staff, "Library", "#keep-articles table")
    pick_article(staff, quote.span.article)
    choose(staff, "#keep-sentence", sentence[:40])
    press(staff, "#keep-withhold", "#keep-told", "give a reason")  # and the sentence stays chosen
    say(staff, "#keep-reason", "too blunt")
    press(staff, "#keep-withhold", "#keep-told", "Done: withheld")
    assert "too blunt" in sidecar.read_text()
    assert 'by = "jane"' in sidecar.read_text()
    press(staff, "#keep-plan", "#keep-planned", f"changed: {quote.span.article}")
    assert "sentences may be quoted" in staff.locator("#keep-planned").text_content()
    assert any(sentence in text for text in shown(live))  # nothing changes before it is published
    press(staff, "#keep-publish", "#keep-told", "The new index is in use")
    assert not any(sentence in text for text in shown(live))
    number = staff.locator("#keep-acts tbody tr", has_text="withheld").first.locator("td").first.text_content()
    say(staff, "#keep-number", number)
    press(staff, "#keep-undo", "#keep-told", "undid")
    assert hashlib.sha256(sidecar.read_bytes()).hexdigest() == before
    press(staff, "#keep-publish", "#keep-told", "The new index is in use")
    assert any(sentence in text for text in shown(live))


def test_a_new_file_is_quoted_only_after_approval(clinic, staff, tmp_path):
    _, live, settings = clinic
    leaflet = tmp_path / "Parking at the clinic.txt"
    costs = "Parking for patients costs four dollars in the garage behind the clinic."
    leaflet.write_text(f"Parking at the clinic.\n\n{costs}\n")
    tab(staff, "Library", "#keep-articles table")
    staff.set_input_files("#keep-files input[type=file]", leaflet)
    staff.locator("#keep-files", has_text="Parking").wait_for()
    press(staff, "#keep-add", "#keep-told", "added as parking-at-the-clinic")
    staff.get_by_role("button", name="Read the article before you approve it").click()
    staff.locator("#keep-reading mark.may", has_text=costs).wait_for()  # the new one is chosen already
    press(staff, "#keep-publish", "#keep-told", "The new index is in use")
    question = "how much is parking for patients in the garage"
    assert not any("four dollars" in text for text in shown(live, question))
    pick_article(staff, "parking-at-the-clinic")
    staff.get_by_role("button", name="Where it comes from").click()
    say(staff, "#keep-published", "last summer\x00")
    say(staff, "#keep-publisher", "The clinic's front desk")
    press(staff, "#keep-describe", "#keep-told", "published")  # refused, and nothing is written
    assert "front desk" not in (settings.corpus / "parking-at-the-clinic.toml").read_text()
    say(staff, "#keep-published", "2026-05-02")
    staff.click("#keep-sells input")
    staff.get_by_role("option", name="no", exact=True).click()
    press(staff, "#keep-describe", "#keep-told", "Done: origin of")
    sidecar = tomllib.loads((settings.corpus / "parking-at-the-clinic.toml").read_text())
    assert (sidecar["publisher"], sidecar["published"]) == ("The clinic's front desk", "2026-05-02")
    assert sidecar["sells_treatment"] is False
    choose(staff, "#keep-status", "approved")
    press(staff, "#keep-set-status", "#keep-told", "Done: status of")
    press(staff, "#keep-publish", "#keep-told", "The new index is in use")
    assert any("four dollars" in text for text in shown(live, question))
    assert 'approved_by = "jane"' in (settings.corpus / "parking-at-the-clinic.toml").read_text()
    before = live.answerer.library.manifest.id
    staff.click("#keep-older input")
    staff.locator("#keep-older [role=option]").first.click()
    press(staff, "#keep-rollback", "#keep-told", "the next publishing brings them back")
    assert live.answerer.library.manifest.id != before


def test_a_regression_question_that_fails_blocks_publishing(clinic, staff):
    _, live, settings = clinic
    tab(staff, "Regression questions", "#questions-shown")
    say(staff, "#questions-question", EFFECTS)
    staff.click("#questions-look")
    staff.locator("#questions-must label").first.wait_for(timeout=20_000)
    words = staff.locator("#questions-must label").first.text_content()
    staff.locator("#questions-must input").first.check()
    press(staff, "#questions-save", "#questions-told", "Saved")
    assert "holds" in staff.locator("#questions-shown").text_content()
    article, text = words.strip().split(": ", 1)
    tab(staff, "Library", "#keep-articles table")
    pick_article(staff, article)
    choose(staff, "#keep-sentence", text[:30])
    say(staff, "#keep-reason", "a test")
    press(staff, "#keep-withhold", "#keep-told", "Done: withheld")
    in_use = live.answerer.library.manifest.id
    press(staff, "#keep-publish", "#keep-told", "Not published")
    assert "Stands in the way" in staff.locator("#keep-planned").text_content()
    assert live.answerer.library.manifest.id == in_use
    say(staff, "#keep-accept", "agreed with the team")
    press(staff, "#keep-publish", "#keep-told", "The new index is in use")
    accepted = live.answerer.library.manifest.accepted
    assert [(a.by, a.why) for a in accepted] == [("jane", "agreed with the team")]
    (settings.corpus / "questions.jsonl").unlink()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_the_console(clinic, open_page, scheme):
    page = open_page(
        f"{clinic[0]}/staff/login", ready="[name=name]", color_scheme=scheme, viewport={"width": 1300, "height": 1000}
    )
    found = serious(page)
    sign_in(page)
    say(page, "#inspect-question", EFFECTS)
    page.click("#inspect-go")
    page.wait_for_selector("#inspect-chart .bars li", timeout=20_000)
    found += serious(page)
    for name, ready in (
        ("Journal", "#journal-shown"), ("What is missing", "#gaps-shown"), ("Overview", "#overview-told table"),
        ("Library", "#keep-articles table"), ("Regression questions", "#questions-shown"),
    ):  # fmt: skip
        tab(page, name, ready)
        found += [(name, *fault) for fault in serious(page)]
    assert not found


def test_rolling_back_needs_a_choice(clinic, staff):
    _, live, _ = clinic
    before = live.answerer.library.manifest.id
    tab(staff, "Library", "#keep-articles table")
    press(staff, "#keep-rollback", "#keep-told", "Choose an earlier snapshot first")
    assert live.answerer.library.manifest.id == before


def test_what_a_click_did_is_told_in_sight(staff):
    tab(staff, "Library", "#keep-articles table")
    staff.locator("#keep-undo").scroll_into_view_if_needed()
    press(staff, "#keep-undo", "#keep-told", "Give the number")
    box = staff.locator("#keep-told").bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= 1000


def test_a_reason_lets_through_only_what_was_seen(clinic, staff, tmp_path):
    _, live, settings = clinic
    tab(staff, "Library", "#keep-articles table")
    claim = tmp_path / "A bold claim.txt"
    claim.write_text("Knee braces.\n\nA knee brace is completely safe and has no side effects at all for anybody.\n")
    staff.set_input_files("#keep-files input[type=file]", claim)
    staff.locator("#keep-files", has_text="bold").wait_for()
    press(staff, "#keep-add", "#keep-told", "added as a-bold-claim")
    pick_article(staff, "a-bold-claim")
    choose(staff, "#keep-status", "approved")
    press(staff, "#keep-set-status", "#keep-told", "Done: status of")
    before = live.answerer.library.manifest.id
    say(staff, "#keep-accept", "an old reason that was left in the box")
    press(staff, "#keep-publish", "#keep-told", "Not published")  # nobody has seen what stands in the way
    assert live.answerer.library.manifest.id == before
    assert "completely safe" in staff.locator("#keep-planned").text_content()
    press(staff, "#keep-publish", "#keep-told", "The new index is in use")
    assert staff.locator("#keep-accept").locator("textarea, input").input_value() == ""
    for ending in ("txt", "toml"):
        (settings.corpus / f"a-bold-claim.{ending}").unlink()
    press(staff, "#keep-publish", "#keep-planned", "removed: a-bold-claim")
    assert "The new index is in use" in staff.locator("#keep-told").text_content()


def test_ids_of_saved_questions_stay_apart_when_one_is_removed(clinic, staff):
    _, live, settings = clinic
    tab(staff, "Regression questions", "#questions-shown")
    article, passage = next(
        (a, live.answerer.library.articles[a].text.split("\n")[0][:40]) for a in live.answerer.library.articles
    )
    for number in (1, 2, 3):
        say(staff, "#questions-question", f"is there word number {number}")
        choose(staff, "#questions-article", article)
        say(staff, "#questions-words", passage if number == 1 else "never in it")
        if number > 1:
            press(staff, "#questions-save", "#questions-told", "does not hold")
            say(staff, "#questions-words", passage)
        press(staff, "#questions-save", "#questions-told", "Saved")
    press(staff, "#questions-remove", "#questions-told", "Choose a saved question")
    choose(staff, "#questions-saved", "word number 1")
    press(staff, "#questions-remove", "#questions-told", "Removed")
    say(staff, "#questions-question", "is there word number 4")
    choose(staff, "#questions-article", article)
    say(staff, "#questions-words", passage)
    press(staff, "#questions-save", "#questions-told", "-4")
    assert len(read_questions(settings.corpus)) == 3
    (settings.corpus / "questions.jsonl").unlink()


def test_a_code_is_opened_however_it_was_copied(clinic, staff):
    _, live, _ = clinic
    code = httpx.post(f"{clinic[0]}/api/ask", json={"question": EFFECTS}, timeout=60).json()["trace_id"]
    say(staff, "#inspect-code", f"Answer code {code.upper()}")
    staff.keyboard.press("Enter")
    staff.wait_for_selector("#inspect-chart .bars li", timeout=20_000)
    assert [node.text_content() for node in staff.locator("#inspect-answer .words").all()] == shown(live)
    colours = {
        staff.evaluate("it => getComputedStyle(it).backgroundColor", mark.element_handle())
        for mark in staff.locator("#inspect-text mark.heat").all()
    }
    assert len(colours) > 1  # by probability


def test_the_journals_form_keeps_its_meaning_when_the_tab_is_opened_again(clinic, staff):
    httpx.post(f"{clinic[0]}/api/ask", json={"question": "is there a zebra crossing at the clinic"}, timeout=60)
    tab(staff, "Journal", "#journal-shown tbody tr")
    say(staff, "#journal-text", "zebra")
    staff.click("#journal-go")
    staff.wait_for_function("document.querySelectorAll('#journal-shown tbody tr').length === 1")
    press(staff, "#journal-older", "#journal-told", "oldest")
    assert staff.locator("#journal-shown tbody tr").count() == 1
    tab(staff, "Overview", "#overview-told table")
    tab(staff, "Journal", "#journal-shown tbody tr")
    staff.wait_for_timeout(800)
    assert staff.locator("#journal-shown tbody tr").count() == 1


def test_an_ended_session_says_so(clinic, staff):
    staff.context.clear_cookies()
    say(staff, "#inspect-question", EFFECTS)
    staff.click("#inspect-go")
    staff.locator("#ended a[href='/staff/login']").wait_for(timeout=10_000)
