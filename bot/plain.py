"""The answer as plain text: for the terminal, the clipboard and print."""

from bot.types import Answer, Quote, Role, Source

ROLES = {Role.ANSWER: "", Role.BALANCE: "a risk, shown beside a benefit", Role.DISAGREEMENT: "the other side"}
NOT_GIVEN = "not given"


def answer_text(answer: Answer) -> str:
    """Return the whole answer as text: message, notices, quotes with their sources, disclaimer."""
    parts = [answer.message, *(f"! {notice.text}" for notice in answer.notices)]
    parts += [f"[{number}] {_quoted(quote)}" for number, quote in enumerate(answer.quotes, 1)]
    return "\n\n".join([*parts, answer.disclaimer])


def origin(source: Source) -> str:
    """Return publisher (or author) and date of an article; what is unknown is named as such."""
    return f"publisher: {source.publisher or source.author or NOT_GIVEN}; date: {source.published or NOT_GIVEN}"


def _quoted(quote: Quote) -> str:
    role = f"\n    ({ROLES[quote.role]})" if ROLES[quote.role] else ""
    sells = "; from a clinic that offers this treatment" if quote.source.sells_treatment else ""
    words = f"\N{LEFT DOUBLE QUOTATION MARK}{quote.text}\N{RIGHT DOUBLE QUOTATION MARK}"
    return f"{words}{role}\n    {quote.source.title}; {origin(quote.source)}{sells}; {quote.span.article}"
