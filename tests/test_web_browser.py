"""The patient's page in a real browser: asking, reading, keyboard, phone, accessibility, no request to anywhere."""

import pytest
from conftest import HOSTILE
from playwright.sync_api import expect
from web import serious, serving

pytestmark = pytest.mark.browser
BOX = "#question textarea, #question input"


def wait_for_answer(page, count):
    page.wait_for_function(f"document.querySelectorAll('#log .answer').length >= {count}", timeout=20000)
    page.wait_for_timeout(300)


def ask(page, question):
    count = page.locator("#log .answer").count()
    page.fill(BOX, question)
    page.keyboard.press("Enter")
    wait_for_answer(page, count + 1)
    return page.locator("#log .answer").last


def test_a_typed_question_is_answered_word_for_word(open_page, site, answerer):
    page = open_page(site)
    answer = ask(page, "what are the common side effects")
    shown = [node.text_content() for node in answer.locator(".words").all()]
    assert shown == [q.text for q in answerer.answer("what are the common side effects").answer.quotes]
    assert answer.locator("mark").count() >= 1
    assert "consult your physician" in answer.locator(".disclaimer").text_content()
    assert "not given" in answer.text_content()
    assert page.locator("#banner").is_visible()
    assert page.title() == answerer.library.info.title
    assert page.locator("html").get_attribute("lang") == "en"


def test_a_suggested_question_is_answered(open_page, site):
    page = open_page(site)
    page.locator("button.pick:visible").first.click()
    wait_for_answer(page, 1)
    assert page.locator("#log .answer .quote").count() >= 1


def opened(page):
    """Load the page anew and wait until all that its opening asks the server for has come."""
    with page.expect_response("**/run/predict"):
        page.reload()
    page.wait_for_selector(BOX)
    return page


def slowly(page, seconds, which):
    """Hold back the server's answers to the events for which ``which`` is true; return the list of all that is sent."""
    sent = []

    def hold(route):
        data = route.request.post_data_json["data"]
        sent.append(data)
        if which(data):
            page.wait_for_timeout(seconds * 1000)
        route.continue_()

    page.route("**/run/predict", hold)
    return sent


def test_a_question_typed_while_the_page_still_opens_is_answered(open_page, site):
    page = open_page(site)
    sent = slowly(page, 1.5, lambda data: not data)
    page.reload()
    page.wait_for_selector(BOX)
    ask(page, "what are the common side effects")
    page.wait_for_timeout(2000)
    assert page.locator("#log .answer .quote").count() >= 1  # what the opening brings late takes nothing away
    assert [len(data) for data in sent] == [0, 2]


def test_while_one_question_waits_no_second_one_is_sent(open_page, site):
    page = opened(open_page(site))
    sent = slowly(page, 1.0, bool)
    page.fill(BOX, "my chest hurts and i can not breathe")
    page.keyboard.press("Enter")
    page.wait_for_timeout(200)
    page.keyboard.press("Enter")
    page.locator("#ask").click(force=True, no_wait_after=True)
    page.locator("button.pick:visible").first.click(force=True, no_wait_after=True)
    wait_for_answer(page, 1)
    page.wait_for_timeout(500)
    assert page.locator("#log .answer-urgent").count() == 1
    assert len(sent) == 1
    page.locator("#again").click()
    wait_for_answer(page, 2)
    assert len(sent) == 2


FAILURES = {
    "network": lambda route: route.abort(),
    "refused": lambda route: route.fulfill(status=429, content_type="application/json", body="{}"),
    "broken": lambda route: route.fulfill(status=500, content_type="application/json", body='{"error": null}'),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_when_no_answer_comes_back_the_page_says_so_and_can_ask_again(open_page, site, answerer, failure):
    page = opened(open_page(site))
    page.route("**/run/predict", FAILURES[failure])
    page.fill(BOX, "what are the common side effects")
    page.keyboard.press("Enter")
    told_what_to_do(page, answerer)
    assert page.locator(BOX).input_value() == "what are the common side effects"
    page.unroute("**/run/predict")
    page.keyboard.press("Enter")
    wait_for_answer(page, 1)
    assert page.locator("#status").text_content().strip() == ""


def test_when_the_server_is_gone_the_page_says_so_and_keeps_what_was_said(open_page, answerer):
    with serving(answerer) as address:
        page = opened(open_page(address))
        ask(page, "what are the common side effects")
    page.fill(BOX, "how long does the relief last")
    page.keyboard.press("Enter")
    told_what_to_do(page, answerer)
    page.wait_for_timeout(3000)
    assert page.locator("#log .answer").count() == 1


def test_back_closes_the_article_and_keeps_the_conversation(open_page, site):
    page = opened(open_page(site, viewport={"width": 375, "height": 700}, has_touch=True))
    ask(page, "what are the common side effects").locator("a.context").first.click()
    frame = page.frame_locator("dialog iframe")
    frame.locator("mark#hit").wait_for()
    assert frame.locator("a[href^='../']").count() == 0  # the frame runs no script: the chat would be blank in it
    page.go_back()
    page.wait_for_selector("dialog", state="detached")
    assert page.locator("#log .answer").count() == 1
    for _ in range(2):  # closing it otherwise leaves no empty step back behind
        page.locator("#log a.context").first.click()
        page.locator("dialog .close").click()
        page.wait_for_selector("dialog", state="detached")
        page.wait_for_function("!history.state?.reader")


def test_paper_is_black_on_white_whatever_the_screen_is(open_page, site):
    page = opened(open_page(site, color_scheme="dark"))
    ask(page, "what are the common side effects")
    page.emulate_media(media="print")
    for _ in range(20):  # colours fade over on a busy machine
        page.wait_for_timeout(300)
        pale = page.evaluate(
            "[...document.querySelectorAll('#log *, #banner *')].filter((it) => it.innerText?.trim()"
            " && getComputedStyle(it).color !== 'rgb(0, 0, 0)').map((it) => it.outerHTML.slice(0, 80))"
        )
        if not pale:
            break
    assert not pale
    assert "underline" in page.locator("#log mark").first.evaluate("it => getComputedStyle(it).textDecorationLine")


def test_what_takes_the_focus_is_never_behind_the_composer(open_page, site):
    page = opened(open_page(site, viewport={"width": 1100, "height": 800}))
    ask(page, "what are the common side effects")
    page.locator("#log .asked").first.focus()
    hidden = []
    for _ in range(25):
        page.keyboard.press("Tab")
        page.wait_for_timeout(60)
        hidden += page.evaluate(
            "(() => { const it = document.activeElement, box = (it) => it.getBoundingClientRect();"
            " const covered = box(it).bottom > box(document.querySelector('#composer')).top + 1;"
            " return it.closest('#log') && covered ? [it.outerHTML.slice(0, 80)] : [] })()"
        )
    assert not hidden


def told_what_to_do(page, answerer):
    page.wait_for_function("document.querySelector('#status').textContent.includes('911')", timeout=10_000)
    told = page.locator("#status").text_content()
    assert answerer.words.error in told
    assert "consult your physician" in told
    assert page.locator("#status a[href='tel:911']").count() >= 1
    # In sight, and nothing drawn over the conversation.
    box = page.locator("#status").bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= page.viewport_size["height"]
    assert page.evaluate(
        "(([x, y]) => !document.elementFromPoint(x, y).closest('[data-testid=status-tracker]'))",
        [page.viewport_size["width"] / 2, page.viewport_size["height"] / 3],
    )


def test_a_follow_up_knows_the_question_before(open_page, site):
    page = open_page(site)
    ask(page, "what are the common side effects of ketamine")
    assert ask(page, "and how long do they last?").locator(".answer, .lead").count() >= 1
    assert page.locator("#log .asked").count() == 2


def test_when_nothing_is_found_the_headings_lead_into_the_articles(open_page, site):
    page = open_page(site)
    answer = ask(page, "who won the chess world cup in 1987")
    link = answer.locator(".topics a").first
    heading = link.text_content()
    link.click()
    marked = page.frame_locator("dialog iframe").locator("#hit")
    marked.wait_for(timeout=20_000)
    assert heading in marked.text_content()
    assert serious(page) == []


def test_read_in_context_opens_the_article_at_the_words_and_gives_focus_back(open_page, site):
    page = open_page(site)
    answer = ask(page, "what are the common side effects")
    quote = answer.locator("mark").first.text_content()
    link = answer.locator("a.context").first
    link.click()
    frame = page.frame_locator("dialog iframe")
    hit = frame.locator("mark#hit")
    hit.wait_for()
    assert quote in hit.text_content()
    expect(hit).to_be_in_viewport(timeout=20_000)
    for inside in (False, True):
        if inside:
            link.click()
            hit.click()
        page.keyboard.press("Escape")
        page.wait_for_selector("dialog", state="detached")
        assert page.evaluate("document.activeElement.className") == "context"


def test_a_slow_phone_shows_the_words_too_and_the_frame_runs_nothing(open_page, site):
    page = open_page(site)
    link = ask(page, "what are the common side effects").locator("a.context").first
    page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": 20})
    for _ in range(5):
        link.click()
        expect(page.frame_locator("dialog iframe").locator("mark#hit")).to_be_in_viewport()
        assert "allow-scripts" not in page.locator("dialog iframe").get_attribute("sandbox")
        page.locator("dialog .close").click()
        page.wait_for_selector("dialog", state="detached")


def test_an_urgent_message_shows_a_card_and_no_quote(open_page, site):
    page = open_page(site)
    card = ask(page, "my chest hurts and my left arm is numb")
    assert card.locator("[role=alert]").count() == 1
    assert card.locator(".quote").count() == 0
    assert card.locator('a[href="tel:911"]').first.is_visible()
    page.locator("#again").click()
    wait_for_answer(page, 2)
    assert "911" in page.locator("#log .answer").last.text_content()
    assert page.locator("#log .answer").last.locator("[role=alert]").count() == 0


def test_identifiers_are_not_shown_again(open_page, site):
    page = open_page(site)
    ask(page, "My name is Jane Roe, born 03/04/1961. Is it addictive?")
    assert "Jane Roe" not in page.locator("#log").text_content()
    assert "1961" not in page.locator("#log").text_content()


def test_clear_and_copy(open_page, site, browser):
    page = open_page(site, permissions=["clipboard-read", "clipboard-write"])
    answer = ask(page, "what are the common side effects")
    answer.locator("button.copy").click()
    page.wait_for_function("document.querySelector('#status [role=status]').textContent.length > 0")
    text = page.evaluate("navigator.clipboard.readText()")
    assert answer.locator(".words").first.text_content() in text
    assert "consult your physician" in text
    page.locator("#clear").click()
    page.wait_for_function("document.querySelectorAll('#log .answer').length === 0")
    page.wait_for_function(f"document.activeElement.matches({BOX!r})", timeout=1000)


def test_a_printed_page_keeps_the_disclaimer(open_page, site):
    page = open_page(site)
    answer = ask(page, "what are the common side effects")
    page.emulate_media(media="print")
    assert answer.locator(".disclaimer").is_visible()
    assert page.locator("#banner").is_visible()
    assert not page.locator("#composer").is_visible()


def test_nothing_of_a_visit_stays_in_the_browser(open_page, site):
    page = open_page(site)
    ask(page, "what are the common side effects")
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert page.context.cookies() == []


@pytest.mark.parametrize("path", ["/sources", "/docs"])
def test_axe_finds_nothing_serious_on_the_plain_pages(open_page, site, path):
    page = open_page(site, color_scheme="dark")
    page.goto(site + path)
    assert not serious(page)


def test_by_keyboard_alone(open_page, site):
    page = open_page(site)
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate(f"document.activeElement.matches({BOX!r})"):
            break
    page.keyboard.type("what are the common side effects")
    page.keyboard.press("Enter")
    wait_for_answer(page, 1)
    page.locator("#log a.context").first.focus()
    ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert ring != "none"
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog[open]")


@pytest.mark.parametrize("width", [375, 320])
def test_a_phone_needs_no_sideways_scrolling(open_page, site, width):
    page = open_page(site, viewport={"width": width, "height": 700}, has_touch=True, is_mobile=True)
    ask(page, "what are the common side effects")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = page.evaluate(
        "[...document.querySelectorAll('button, a.context, .action, input, textarea')].filter(e => {"
        "const r = e.getBoundingClientRect(); return r.width > 0 && (r.height < 24 || r.width < 24) })"
        ".map(e => e.outerHTML.slice(0, 90))"
    )
    assert not small
    top = page.locator("#log .asked").last.evaluate("e => e.getBoundingClientRect().top")
    assert 0 <= top < 350


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("question", ["what are the common side effects", "my chest hurts", "who won the chess cup"])
def test_axe_finds_nothing_serious(open_page, site, scheme, question):
    page = open_page(site, color_scheme=scheme)
    ask(page, question)
    assert not serious(page)


def test_answers_are_announced(open_page, site):
    page = open_page(site)
    ask(page, "what are the common side effects")
    assert page.locator("[role=log][aria-live=polite]").count() == 1
    assert page.locator("#status [role=status]").count() == 1


def test_a_hostile_article_is_shown_exactly_and_runs_nothing(open_page, hostile_site):
    page = open_page(hostile_site)
    for question in ("how long does healing of the knee take", "can i walk with crutches after knee surgery", "ice"):
        answer = ask(page, question)
        for node in answer.locator(".words").all():
            assert node.text_content() in HOSTILE
    page.locator("#log a.context").first.click()
    page.frame_locator("dialog iframe").locator("mark#hit").wait_for()
    assert page.evaluate("window.pwned") is None


@pytest.mark.parametrize(
    "question",
    ["<script>window.pwned=1</script> side effects?", "<img src=x onerror=window.pwned=1>", "${window.pwned=1} {{1}}"],
)
def test_a_hostile_question_is_shown_exactly_and_runs_nothing(open_page, site, question):
    page = open_page(site)
    ask(page, question)
    assert page.locator("#log .asked-words").last.text_content() == question
    assert page.evaluate("window.pwned") is None


def test_one_visitor_does_not_see_another(open_page, site):
    one, other = open_page(site), open_page(site)
    ask(one, "what are the common side effects")
    assert other.locator("#log .answer").count() == 0
    one.reload()
    one.wait_for_selector(BOX)
    assert one.locator("#log .answer").count() == 0
