"""The maintainer's way to a new index: plan, gate, publish. Nothing is published that breaks what must hold."""

import hashlib
import logging
from collections.abc import Iterable, Iterator, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache, partial
from typing import TYPE_CHECKING

from bot.build import Base, Built, Draft, Prepared, Progress, drafting, in_use, preparing, publish
from bot.errors import BotError, SnapshotError
from bot.history import Difference, compare, current_id, passage_texts, record
from bot.lint import Finding, Severity, look_over
from bot.lint.facts import Opened, facts_digest, facts_file, facts_of, read_facts
from bot.lint.finding import said_in
from bot.lock import indexing
from bot.questions import Question, Result, ask_or_recall, lost_words, read_questions
from bot.settings import Settings
from bot.snapshot import Accepted, current, prove, read_manifest, read_record, record_name, sweep
from bot.types import Article, ReviewStatus

if TYPE_CHECKING:
    from bot.answer import Answerer

ROOM = 2  # times as many rows of the cache as the library has sentences, passages and articles
MOST_NAMED = 50  # articles listed of those added, of those changed, of those removed
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Changed:
    """A regression question whose answer is another one in the new index: (article, words) before and after."""

    before: Result | None
    after: Result

    @property
    def worse(self) -> bool:
        """True when the question held before, or is new, and does not hold now."""
        return bool(self.after.problems) and not (self.before and self.before.problems)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a new index would change, and what stands in its way (``blocking``: one line for each reason)."""

    snapshot: str
    before: str
    difference: Difference
    findings: tuple[Finding, ...]  # in new and changed articles
    results: tuple[Result, ...]
    changed: tuple[Changed, ...]
    accepted: tuple[Accepted, ...]  # let through before, and still there
    lost: tuple[str, ...]  # regression questions about words that no article holds
    quoted: tuple[str, ...]  # what patients are quoted from now, or no longer
    blocking: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What would change (None: nothing) and, unless it was a dry run, what was published.

    ``failing`` are regression questions that the unchanged index in use does not answer as it must.
    """

    plan: Plan | None
    built: Built | None
    failing: tuple[str, ...] = ()


class Blocked(SnapshotError):
    """The new index is not published; ``plan`` says why."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        lines = "\n".join(f"  {line}" for line in plan.blocking)
        super().__init__(
            f"The new index is not published, the one in use stays. What stands in the way:\n{lines}\n"
            "Correct the articles or their sidecars, or let it through: "
            "python -m bot index --accept 'REASON' --by NAME"
        )


def reindex(
    settings: Settings,
    *,
    by: str = "",
    why: str = "",
    accept: bool | Set[str] = False,
    dry_run: bool = False,
    force: bool = False,
    wait: float = 0.0,
    progress: Progress = lambda *_: None,
) -> Outcome:
    """Build the index of the corpus, look it over, and publish it when nothing stands in the way.

    ``accept`` lets through what would block, or those lines of it; ``by`` and ``why`` are written into the manifest.

    Raises:
        Blocked: something stands in the way and was not accepted.
        BotError: the corpus, the model or the index folder is wrong, or somebody else is indexing.
    """
    with indexing(settings.index, by=by, wait=wait):
        sweep(settings.index)
        before = current_id(settings.index)
        with drafting(settings, force=force, progress=progress) as draft:
            if not (force or dry_run) and (same := in_use(settings, draft)):
                return Outcome(None, same, _failing(settings, draft, same))
            with preparing(settings, draft, progress) as prepared:
                plan = _plan(settings, prepared, before, progress)
                if dry_run:
                    return Outcome(plan, None)
                passed = bool(accept) if isinstance(accept, bool) else accept >= set(plan.blocking)
                if plan.blocking and not (passed and by and why):
                    raise Blocked(plan)
                accepted = (*plan.accepted, *(Accepted(line, by, why, _today().isoformat()) for line in plan.blocking))
                progress("Writing the index", 0, 1)
                built = publish(settings, prepared, force=force, by=by, why=why, accepted=accepted)
            if built.manifest.id != before:
                record(settings.index, "published", built.manifest.id, before, by=by, why=why)
            _tidy(draft)
    return Outcome(replace(plan, accepted=accepted), built)


def plan_lines(plan: Plan) -> list[str]:
    """Return ``plan`` as lines of text: what changes, what to look at, what stands in the way."""
    counts = {severity: sum(f.severity is severity for f in plan.findings) for severity in Severity}
    found = ", ".join(f"{number} {severity.value}" for severity, number in counts.items() if number)
    held = sum(not result.problems for result in plan.results)
    asked = f"{held} of {len(plan.results)} hold" if plan.results else "there are none, so no answer was compared"
    let_through = {accepted.what for accepted in plan.accepted}
    return [
        *(f"Stands in the way: {line}" for line in plan.blocking if line not in let_through),
        *difference_lines(plan.difference),
        *plan.quoted[:MOST_NAMED],
        f"Findings in new and changed articles: {found or 'none'} (all: python -m bot lint)",
        f"Regression questions: {asked}",
        *(line for changed in plan.changed for line in _changed_lines(changed)),
        *(f"Look at {told}" for told in plan.lost),
        *(f"Let through by {a.by} on {a.on}: {a.what}" for a in plan.accepted),
    ]


def difference_lines(difference: Difference) -> list[str]:
    """Return a line for each article that is added, changed or removed, and one with the numbers of passages."""
    named = (("added", difference.added), ("changed", difference.changed), ("removed", difference.removed))
    lines = [line for word, articles in named for line in _named(word, articles)]
    numbers = f"passages: {difference.new_passages} new, {difference.lost_passages} gone"
    return [*(lines or ["No article changes."]), numbers]


def _named(word: str, articles: tuple[str, ...]) -> list[str]:
    lines = [f"{word}: {article}" for article in articles[:MOST_NAMED]]
    return lines + ([f"{word}: {len(articles) - MOST_NAMED} more"] if len(articles) > MOST_NAMED else [])


def _changed_lines(changed: Changed) -> list[str]:
    def shown(result: Result | None) -> str:
        if result is None:
            return "(not asked)"
        return "; ".join(f"{article}: '{words[:60]}'" for article, words in result.shown) or result.status

    mark = "worse" if changed.worse else "other"
    return [
        f"{mark}: {changed.after.question.id}: {changed.after.question.question}",
        f"   before {shown(changed.before)}",
        f"   after  {shown(changed.after)}",
    ]


def _plan(settings: Settings, prepared: Prepared, before: str, progress: Progress) -> Plan:
    progress("Looking over the articles", 0, 1)
    used = prepared.draft.base or _base_in_use(settings)  # the same snapshot: nobody publishes while we hold the lock
    difference = _difference(used, prepared.draft)
    # What has not changed was looked over when it came in.
    fresh = frozenset((*difference.added, *difference.changed))
    findings = _findings(prepared.draft, fresh)
    questions = read_questions(settings.corpus)
    progress("Asking the regression questions", 0, 1)
    results = _results(prepared, settings, questions)
    earlier = {r.question.id: r for r in _results_in_use(settings, questions, before, prepared.draft)}
    # Also what was let through for a snapshot that cannot be opened any more.
    known = {a.what: a for a in used.manifest.accepted} if used else {}
    changed = tuple(
        Changed(earlier.get(r.question.id), r)
        for r in results
        if r.question.id not in earlier or _differs(earlier[r.question.id], r)
    )
    reasons = [*_critical(prepared.draft, findings), *_failed(results)]
    unchanged = prepared.draft.manifest.articles.keys() - fresh
    kept = tuple(a for a in known.values() if a.what in reasons or a.what.split(": ")[0] in unchanged)
    progress("Looking over the articles", 1, 1)
    return Plan(
        snapshot=prepared.draft.manifest.id,
        before=before,
        difference=difference,
        findings=findings,
        results=results,
        changed=changed,
        accepted=kept,
        quoted=tuple(_quoted(used, prepared.draft, difference)),
        lost=tuple(lost_words(questions, _named_articles(questions, prepared.draft))),
        blocking=tuple(line for line in reasons if line not in known),
    )


def _tidy(draft: Draft) -> None:
    """Have the cache forget what is of no use, once that may be most of it: looking takes seconds."""
    counts = draft.manifest.counts
    if draft.cache.rows() <= ROOM * sum(counts.values()):
        return
    content = draft.content
    articles = content.by_id
    spans = (span for p in content.passages for span in (p.span, *(s.span for s in p.sentences)))
    draft.cache.use((articles[span.article].slice(span) for span in spans), content.articles)
    draft.cache.tidy()


def _results(prepared: Prepared, settings: Settings, questions: Sequence[Question]) -> tuple[Result, ...]:
    def opened() -> "Answerer":
        from bot.answer import Answerer  # here, as below: most runs have nothing to ask, and it takes half a second

        return Answerer(prepared.library, settings)

    draft = prepared.draft
    about = _about(draft.manifest.id, settings)
    return ask_or_recall(opened, questions, about, draft.cache)


def _results_in_use(settings: Settings, questions: Sequence[Question], before: str, draft: Draft) -> tuple[Result, ...]:
    """Return what the index in use answers, none when there is none or it cannot be opened."""

    def opened() -> "Answerer":
        from bot.answer import open_answerer

        return open_answerer(settings)

    try:
        return ask_or_recall(opened, questions, _about(before, settings), draft.cache) if before else ()
    except BotError as error:
        log.warning("the index in use cannot be compared with: %s", error)
        return ()


def _failing(settings: Settings, draft: Draft, same: Built) -> tuple[str, ...]:
    """Return what the index in use does not answer as it must, and nobody let through.

    Nothing of the articles changed, but a question may be new. That stops nothing: there is nothing to publish.
    """
    questions = read_questions(settings.corpus)
    failed = _failed(_results_in_use(settings, questions, same.manifest.id, draft))
    accepted = {one.what for one in same.manifest.accepted}
    return tuple(line for line in failed if line not in accepted)


def _about(snapshot: str, settings: Settings) -> str:
    return f"{snapshot} {settings.id}"


def _named_articles(questions: Sequence[Question], draft: Draft) -> dict[str, Article]:
    """Return the articles whose words ``questions`` are about, as far as there are such."""
    named = {mark.article for q in questions for mark in (*q.must, *q.must_not)} & draft.manifest.articles.keys()
    return {name: draft.record(name).article for name in sorted(named)}


def _base_in_use(settings: Settings) -> Base | None:
    """Return the snapshot in use, None when there is none or its manifest cannot be read."""
    try:
        folder = current(settings.index)
        return Base(folder, read_manifest(folder))
    except SnapshotError:
        return None


def _difference(used: Base | None, draft: Draft) -> Difference:
    """Compare with the index in use; with none, or a damaged one, everything is new."""

    def texts(articles: Iterable[str]) -> frozenset[str]:
        return frozenset(text for article in articles for text in draft.record(article).texts)

    new = draft.manifest.articles
    if used:
        folder, old = used.folder, used.manifest
        with suppress(SnapshotError):
            prove(folder, old, [record_name(name) for name, digest in old.articles.items() if new.get(name) != digest])
            return compare(old.articles, new, partial(passage_texts, folder), texts)
    return compare({}, new, lambda _: frozenset(), texts)


def _quoted(used: Base | None, draft: Draft, difference: Difference) -> Iterator[str]:
    """Yield what a new or changed article means for patients: its status, and how many sentences may be quoted."""
    sizes = draft.manifest.sizes
    for name in difference.added[:MOST_NAMED]:
        status = draft.record(name).article.source.review.status
        yield f"{name}: {_may_be_quoted(status)}, {sizes[name].quotable} sentences"
    if not used:
        return
    before = used.manifest.sizes
    for name in difference.changed[:MOST_NAMED]:
        records = read_record(used.folder, name), draft.record(name)
        old, new = (record.article.source.review.status for record in records)
        if new is not old:
            yield f"{name}: {old} -> {new}: {_may_be_quoted(new)}"
        if before[name].quotable != sizes[name].quotable:
            yield f"{name}: {before[name].quotable} -> {sizes[name].quotable} sentences may be quoted"


def _may_be_quoted(status: ReviewStatus) -> str:
    quoted = status is ReviewStatus.APPROVED
    return (
        "patients are quoted from it" if quoted else f"patients are not quoted from it while its status is '{status}'"
    )


def _findings(draft: Draft, wanted: Set[str]) -> tuple[Finding, ...]:
    """Look over the articles ``wanted``; of the others only what is remembered of them is held against these."""

    @cache
    def opened(article: str) -> Opened:
        record = draft.record(article)
        return Opened(*said_in([record.article], record.passages)[article])

    digests = {name: _facts_key(draft, digest) for name, digest in draft.manifest.articles.items()}
    known = draft.cache.facts(list(digests.values()))
    fresh = {digest: facts_of(opened(name)) for name, digest in digests.items() if digest not in known}
    draft.cache.keep_facts({digest: facts_file(facts) for digest, facts in fresh.items()})
    facts = [fresh.get(digest) or read_facts(known[digest]) for digest in digests.values()]
    return look_over(facts, wanted, opened, today=_today())


def _facts_key(draft: Draft, article: str) -> str:
    return hashlib.sha256(f"{facts_digest()} {draft.manifest.rules} {article}".encode()).hexdigest()


def _critical(draft: Draft, findings: tuple[Finding, ...]) -> list[str]:
    """Return a line for each critical finding in an article that patients would see."""
    return [
        f"{f.article}: {f.says}: {f.excerpt}"  # no line number: the same words elsewhere need no second look
        for f in findings
        if f.severity is Severity.CRITICAL
        and draft.record(f.article).article.source.review.status is ReviewStatus.APPROVED
    ]


def _failed(results: tuple[Result, ...]) -> list[str]:
    return [f"question '{r.question.id}' {problem}" for r in results for problem in r.problems]


def _differs(one: Result, other: Result) -> bool:
    return (one.status, one.shown, one.problems) != (other.status, other.shown, other.problems)


def _today() -> date:
    return datetime.now(UTC).date()
