"""The answer as plain text: for the terminal, the clipboard and print."""

from bot.types import Answer, Quote, Role, Source
from bot.words import Words


def answer_text(answer: Answer, words: Words) -> str:
    """Return the whole answer as text: message, notices, quotes with their sources, disclaimer, reference code."""
    parts = [answer.message, *(f"! {notice.text}" for notice in answer.notices)]
    parts += [f"[{number}] {_quoted(quote, words)}" for number, quote in enumerate(answer.quotes, 1)]
    if answer.topics:
        parts.append("\n".join([words.label_topics, *(f"- {topic.text}" for topic in answer.topics)]))
    return "\n\n".join([*parts, answer.disclaimer, f"{words.label_reference}: {answer.trace_id}"])


def origin(source: Source, words: Words) -> str:
    """Return title, publisher, author and date of an article in one line; what is unknown is named as such."""
    facts = [source.title, source.publisher or words.label_no_publisher]
    facts += [f"{words.label_by} {source.author}"] if source.author else []
    facts += [source.published or words.label_no_date]
    facts += [words.label_sells] if source.sells_treatment else []
    return "; ".join(facts)


def _quoted(quote: Quote, words: Words) -> str:
    label = {Role.BALANCE: words.label_balance, Role.DISAGREEMENT: words.label_disagreement}.get(quote.role)
    role = f" ({label})" if label else ""
    text = f"\N{LEFT DOUBLE QUOTATION MARK}{quote.text}\N{RIGHT DOUBLE QUOTATION MARK}"
    page = f", {words.label_page} {quote.page}" if quote.page else ""
    return f"{text}{role}\n    {origin(quote.source, words)}; {quote.source.file}{page}"
