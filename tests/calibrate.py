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
    """Yield (library, questions) per article; a question is (text, start, end) of its answer."""
    from bot.build import make_engines
    from bot.library import assemble
    from bot.segment import segment
    from bot.snapshot import Content, Manifest
    from bot.types import Article, LibraryInfo, Review, ReviewStatus, Source

    for number, entry in enumerate(json.loads(pathlib.Path(path).read_text("utf-8"))["data"][:MAX_ARTICLES]):
        text, questions = "", []
        for paragraph in entry["paragraphs"]:
            for qa in paragraph["qas"]:
                for answer in qa["answers"][:1]:
                    start = len(text) + answer["answer_start"]
                    questions.append((qa["question"], start, start + len(answer["text"])))
            text += paragraph["context"] + "\n\n"
        text = text[:MAX_CHARS]
        review = Review(ReviewStatus.APPROVED)
        article = Article(Source(f"a{number}", "a", "", "-", None, None, None, None, None, None, review), text)
        content = Content(LibraryInfo("-"), (article,), segment(article))
        manifest = Manifest("", 1, "", "", "", "", "faiss", {}, {}, "")
        library = assemble(manifest, content, encoder, make_engines(content, encoder))
        yield library, [q for q in questions if q[2] < len(text)][:MAX_QUESTIONS]


def examples(path, encoder):
    """Return features (n, 5), labels, question numbers, article numbers, and per question whether it is answerable."""
    from bot.retrieve import retrieve

    found = list(libraries(path, encoder))
    rows = []
    number = 0
    for at, (_, questions) in enumerate(found):
        others = [(at + step) % len(found) for step in (1, 7)]
        for text, start, end in questions:
            for where in [at, *others]:
                target = found[where][0]
                hits = retrieve(target, text, top_k=50)
                hits = sorted(hits, key=lambda hit: -hit.late)[:KEPT]
                for hit in hits:
                    span = target.rows[hit.row].sentence.span
                    right = where == at and span.start < end and start < span.end
                    rows.append(([getattr(hit, n) for n in NAMES], right, number, at, where == at))
                number += 1
    return rows


def main():
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import GroupKFold, cross_val_predict

    from bot.embed import OnnxEncoder
    from bot.settings import load_settings
    from bot.snapshot import current

    encoder = OnnxEncoder(current(load_settings().index) / "encoder")
    rows = []
    for place, path in enumerate(sys.argv[1:]):
        for features, right, number, article, answerable in examples(path, encoder):
            rows.append((features, right, (place, number), (place, article), answerable))
    x = np.array([r[0] for r in rows])
    y = np.array([r[1] for r in rows])
    groups = np.unique([f"{r[3]}" for r in rows], return_inverse=True)[1]
    model = LogisticRegression(C=10.0, max_iter=2000)
    scores = {name: x[:, i] for i, name in enumerate(NAMES)}
    scores["fitted"] = cross_val_predict(model, x, y, groups=groups, cv=GroupKFold(5), method="predict_proba")[:, 1]
    _, question = np.unique([f"{r[2]}" for r in rows], return_inverse=True)
    answerable = np.array([r[4] for r in rows])
    for name, values in scores.items():
        hit, best, truth = [], [], []
        for q in range(question.max() + 1):
            of = np.flatnonzero(question == q)
            top = of[np.argmax(values[of])]
            best.append(values[top])
            truth.append(answerable[top])
            if y[of].any():
                hit.append(y[top])
        print(
            f"{name:9} first right {np.mean(hit):.3f} (n={len(hit)})  answerable AUC {roc_auc_score(truth, best):.3f}"
        )
    model.fit(x, y)
    print("intercept", round(float(model.intercept_[0]), 3), dict(zip(NAMES, model.coef_[0].round(3), strict=True)))
    for low in np.arange(0, 1, 0.1):
        of = (scores["fitted"] >= low) & (scores["fitted"] < low + 0.1)
        if of.any():
            said, was = scores["fitted"][of].mean(), y[of].mean()
            print(f"reliability {low:.1f}-{low + 0.1:.1f}: said {said:.2f} was {was:.2f} n={of.sum()}")


if __name__ == "__main__":
    main()
