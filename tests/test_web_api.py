"""The HTTP API and the plain pages, over a real server."""

import httpx
import pytest

from bot.types import Kind


@pytest.fixture(scope="module")
def client(site):
    with httpx.Client(base_url=site, timeout=30) as opened:
        yield opened


def ask(client, **body):
    return client.post("/api/ask", json=body)


def test_ask_answers_by_quotes(client, answerer):
    answer = ask(client, question="what are the side effects").json()
    assert answer["status"] == "answered"
    for quote in answer["quotes"]:
        assert answerer.library.articles[quote["article"]].text[quote["start"] : quote["end"]] == quote["text"]


def test_ask_screens_first_and_lets_a_false_alarm_through(client):
    urgent = ask(client, question="my chest hurts").json()
    assert (urgent["status"], urgent["quotes"]) == ("urgent", [])
    again = ask(client, question="my chest hurts", not_emergency=True).json()
    assert again["status"] != "urgent"
    assert "soft_emergency" in again["routes"]
    assert any("911" in notice["text"] for notice in again["notices"])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"question": 3},
        {"question": "x", "extra": 1},
        {"question": "x", "turns": "y"},
        {"question": "x", "turns": ["y"] * 30},
        {"question": "x" * 30_000},
    ],
)
def test_wrong_requests_are_refused_with_the_disclaimer(client, body):
    response = client.post("/api/ask", json=body)
    assert response.status_code == 422
    assert "consult your physician" in response.json()["disclaimer"]
    assert response.json()["detail"]


def test_half_an_emoji_hides_no_danger(client):
    body = rb'{"question": "i cant breathe \ud83d help", "turns": ["hello \ud83d"]}'
    response = client.post("/api/ask", content=body, headers={"content-type": "application/json"})
    assert response.status_code == 200
    assert response.json()["status"] == "urgent"
    assert "911" in response.json()["message"]


def test_no_json_and_too_large(client):
    assert client.post("/api/ask", content=b"{").status_code == 422
    response = client.post("/api/ask", content=b"x" * 400_000)
    assert response.status_code == 413
    assert "consult your physician" in response.json()["disclaimer"]


@pytest.mark.parametrize("question", ["", "   ", "\x00\x01\x02", "🙂", "x " * 3000, "\u202eabc", "Is it safe؟"])
def test_odd_questions_get_a_message_and_the_disclaimer(client, question):
    response = ask(client, question=question)
    assert response.status_code == 200
    assert response.json()["message"]
    assert "consult your physician" in response.json()["disclaimer"]


def test_healthz(client, answerer):
    assert client.get("/healthz").json()["snapshot"] == answerer.library.manifest.id


def test_sources_and_docs_need_nothing_from_outside(client, answerer):
    for path in ("/sources", "/docs"):
        page = client.get(path)
        assert page.status_code == 200
        assert "consult your physician" in page.text
        assert "http://" not in page.text.replace("http://127.0.0.1", "")
        assert "https://" not in page.text
        assert "<script" not in page.text
    assert all(a.source.title in client.get("/sources").text for a in answerer.library.articles.values())
    assert {a["id"] for a in client.get("/sources.json").json()["articles"]} == set(answerer.library.articles)
    assert "/api/ask" in client.get("/openapi.json").json()["paths"]


def test_the_article_page_marks_the_words(client, answerer):
    quote = answerer.answer("what are the side effects").answer.quotes[0]
    page = client.get(f"/article/{quote.span.article}", params={"s": quote.span.start, "e": quote.span.end})
    assert 'id="hit"' in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("query", ["", "?s=-1&e=x", "?s=99999999&e=1", "?s=0&e=999999999999999999", "?s=%00&e=²"])
def test_odd_offsets_still_show_the_article(client, answerer, query):
    page = client.get(f"/article/{next(iter(answerer.library.articles))}{query}")
    assert page.status_code == 200
    assert 'class="reading"' in page.text


@pytest.mark.parametrize("name", ["nope", "..%2f..%2fetc%2fpasswd", "%2e%2e", "a%00b", "x" * 3000])
def test_unknown_articles_are_404(client, name):
    assert client.get(f"/article/{name}").status_code == 404


def test_promotion_and_withheld_words_are_not_on_the_article_page(client, answerer):
    kinds = {Kind.PROMOTION, Kind.CONTACT, Kind.WITHHELD}
    for article in answerer.library.articles.values():
        page = client.get(f"/article/{article.source.id}").text
        for sentence in (s for p in answerer.library.passages for s in p.sentences):
            if sentence.kind in kinds and sentence.span.article == article.source.id:
                assert article.slice(sentence.span) not in page
