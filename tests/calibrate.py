"""Fits the numbers of ``bot/scoring.py`` on public question-answer data; nothing of this library takes part.

    python tests/calibrate.py SQUAD_FORMAT.json [MORE.json ...]

Each file holds articles with questions and exact answers (SQuAD format: COVID-QA, XQuAD). Every article is a library
of its own. A question is asked of its own article, where the sentence with the answer is right, and of two other
articles of the file, where nothing is. A logistic regression then says how likely a sentence with given scores
answers, by article-wise cross-validation. Prints the weights, the quality of ranking and of saying no, and the
reliability table.
"""

import json
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

NAMES = ("dense", "context", "lexical", "late", "coverage")
MAX_CHARS, MAX_ARTICLES, MAX_QUESTIONS, KEPT = 9000, 48, 14, 12


def libraries(path, encoder):
    """Yield (library, questions) per article; a question is its text and the places of its answers."""
    from bot.build import make_engines
    from bot.library import assemble
    from bot.segment import segment
    from bot.snapshot import Content, Manifest
    from bot.types import Article, LibraryInfo, Review, ReviewStatus, Source

    for number, entry in enumerate(json.loads(pathlib.Path(path).read_text("utf-8"))["data"][:MAX_ARTICLES]):
        text, questions = "", []
        for paragraph in entry["paragraphs"]:
            for qa in paragraph["qas"]:
                starts = [len(text) + answer["answer_start"] for answer in qa["answers"]]
                ends = [start + len(a["text"]) for start, a in zip(starts, qa["answers"], strict=True)]
                questions.append((qa["question"], list(zip(starts, ends, strict=True))))
            text += paragraph["context"] + "\n\n"
        text = text[:MAX_CHARS]
        review = Review(ReviewStatus.APPROVED)
        article = Article(Source(f"a{number}", "a", "", "-", None, None, None, None, None, None, review), text)
        content = Content(LibraryInfo("-"), (article,), segment(article))
        manifest = Manifest("", 1, "", "", "", "", "faiss", {}, {}, "")
        library = assemble(manifest, content, encoder, make_engines(content, encoder))
        yield library, [q for q in questions if q[1][0][1] < len(text)][:MAX_QUESTIONS]


def examples(path, encoder):
    """Return features (n, 5), labels, question numbers, article numbers, and per question whether it is answerable."""
    from bot.retrieve import retrieve

    found = list(libraries(path, encoder))
    rows = []
    number = 0
    for at, (_, questions) in enumerate(found):
        others = [(at + step) % len(found) for step in (1, 7)]
        for text, places in questions:
            for where in [at, *others]:
                target = found[where][0]
                hits = retrieve(target, text, top_k=50)
                hits = sorted(hits, key=lambda hit: -hit.late)[:KEPT]
                for hit in hits:
                    span = target.rows[hit.row].sentence.span
                    inside = any(span.start < end and start < span.end for start, end in places)
                    right = where == at and inside
                    rows.append(([getattr(hit, n) for n in NAMES], right, number, at, where == at))
                number += 1
    return rows


def load(paths):
    """Return features, labels, and per row: its question, article, file and whether the question is answerable."""
    from bot.embed import OnnxEncoder
    from bot.settings import load_settings
    from bot.snapshot import current

    encoder = OnnxEncoder(current(load_settings().index) / "encoder")
    rows = [
        (f, right, (place, n), (place, a), place, ok)
        for place, path in enumerate(paths)
        for f, right, n, a, ok in examples(path, encoder)
    ]
    x, y = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    question, article = (np.unique([str(r[i]) for r in rows], return_inverse=True)[1] for i in (2, 3))
    return x, y, question, article, np.array([r[4] for r in rows]), np.array([r[5] for r in rows])


def best_of(values, question, y, answerable, place):
    """Return per question: its best value, whether that sentence is right, whether one is, answerable, file."""
    tops = []
    for q in range(question.max() + 1):
        of = np.flatnonzero(question == q)
        top = of[np.argmax(values[of])]
        tops.append((values[top], y[top], y[of].any(), answerable[top], place[top]))
    return [np.array(column) for column in zip(*tops, strict=True)]


def report(scores, paths, question, y, answerable, place):
    """Print ranking and refusing per score and file, and the operating curve of the fitted one."""
    from sklearn.metrics import roc_auc_score

    for name, values in scores.items():
        best, right, possible, truth, file = best_of(values, question, y, answerable, place)
        for number, path in enumerate(paths):
            of = file == number
            first, auc = right[of & possible].mean(), roc_auc_score(truth[of], best[of])
            print(f"{name:9} {pathlib.Path(path).stem:24} first right {first:.3f}  answerable AUC {auc:.3f}")
    for low in (0.02, 0.03, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7):
        cells = []
        for number in range(len(paths)):
            of, said = file == number, best >= low
            cells.append(f"answers {said[of & truth].mean():.2f} refuses {1 - said[of & ~truth].mean():.2f}")
        print(f"threshold {low:.2f}:  {'   '.join(cells)}")


def main():
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold

    paths = sys.argv[1:]
    x, y, question, article, place, answerable = load(paths)
    weights = np.array([1 / (place == p).sum() for p in place]) * len(y) / len(paths)  # each file counts the same
    fitted = np.zeros(len(y))
    for train, test in GroupKFold(5).split(x, y, article):
        model = LogisticRegression(C=10.0, max_iter=2000).fit(x[train], y[train], sample_weight=weights[train])
        fitted[test] = model.predict_proba(x[test])[:, 1]
    report({**{n: x[:, i] for i, n in enumerate(NAMES)}, "fitted": fitted}, paths, question, y, answerable, place)
    model = LogisticRegression(C=10.0, max_iter=2000).fit(x, y, sample_weight=weights)
    print(
        "intercept",
        round(float(model.intercept_[0]), 3),
        dict(zip(NAMES, model.coef_[0].round(3).tolist(), strict=True)),
    )
    for low in np.arange(0, 1, 0.1):
        of = (fitted >= low) & (fitted < low + 0.1)
        if of.any():
            print(f"reliability {low:.1f}: said {fitted[of].mean():.2f} was {y[of].mean():.2f} n={of.sum()}")


if __name__ == "__main__":
    main()
