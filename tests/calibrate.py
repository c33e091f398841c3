"""Fits ``bot/calibration.toml`` on patients' questions over other articles; nothing of this library takes part.

    python tests/calibrate.py            measure the numbers in use on the three held-out parts
    python tests/calibrate.py --write    fit them anew on the calibration part, write the file, then measure

Each topic is a library of its own, searched by the program itself. A logistic regression says how likely a sentence
with given scores answers. The first threshold is the one at which most questions of the calibration part go right: a
question with an answer gets it, one without gets none. The second is the lowest at which half of the further quotes
help. A word of doubt stands above a first quote below the third: the one that best tells right first quotes from wrong.
"""

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

FEATURES = ["dense", "lexical", "late", "lacks"]
DEPTH = 10
NOTE = "# Written by tests/calibrate.py; see docs/CALIBRATION.md.\n"


def hits_of(questions, reranker, depth):
    """Yield (question, shelf, hits) for every one of ``questions``; hits carry every score."""
    import patients

    from bot.embed import OnnxEncoder
    from bot.retrieve import rerank, retrieve, understand
    from bot.scoring import Calibration, Scoring
    from bot.settings import load_settings
    from bot.snapshot import current

    blank = Calibration(
        encoder="",
        reranker="",
        depth=depth,
        order={"fused": 1},
        intercept=0,
        weights={},
        answer_threshold=0,
        extra_threshold=0,
        sure_threshold=0,
    )
    encoder = OnnxEncoder(current(load_settings().index) / "encoder")
    shelves = {}
    for question in questions:
        name = question["article"]
        if name not in shelves:
            shelves = {name: patients.shelf(patients.articles()[name], encoder)}  # one at a time in memory
        library = shelves[name].library
        query = understand(library, question["question"])[0]
        hits = retrieve(library, query, Scoring(blank), top_k=50)
        yield question, shelves[name], rerank(library, query, hits, Scoring(blank), reranker)


def strangers(part):
    """Return questions of ``part`` put to another topic: nothing there answers, and nothing looks as if it did.

    Only questions that name their own topic: "does it hurt" can be asked of anything.
    """
    import patients

    from bot.lexical import terms

    names = {name: set(terms(item["topic"])) for name, item in patients.articles().items()}
    asked = patients.questions(part)
    own = list(dict.fromkeys(question["article"] for question in asked))
    found = []
    for question in asked:
        other = own[(own.index(question["article"]) + 3) % len(own)]
        if names[question["article"]] & set(terms(question["question"])) - names[other]:
            empty = {"answerable": False, "answers": [], "partial": [], "near": []}
            found.append({**question, "article": other, **empty})
    return sorted(found, key=lambda question: own.index(question["article"]))


def table(questions, reranker, depth):
    """Return features (n, f), grades, question numbers, and per question whether it is answerable."""
    names = [*FEATURES, *(["rerank"] if reranker else [])]
    x, grades, numbers, answerable = [], [], [], []
    for number, (question, shelf, hits) in enumerate(hits_of(questions, reranker, depth)):
        answerable.append(question["answerable"])
        for hit in [h for h in hits if not shelf.library.unquotable(h.row)][:depth]:
            x.append([getattr(hit, name) for name in names])
            grades.append(shelf.grade(hit.row, question))
            numbers.append(number)
    return names, np.array(x), np.array(grades), np.array(numbers), np.array(answerable)


def fit(x, grades):
    """Return intercept and weights; sentences that answer in part are left out: they are neither."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    clear = grades != 2
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.3, max_iter=2000))
    model.fit(x[clear], grades[clear] == 3)
    scaler, line = model[0], model[1]
    weights = line.coef_[0] / scaler.scale_
    return float(line.intercept_[0] - (weights * scaler.mean_).sum()), weights


def fit_order(x, grades, numbers):
    """Return weights that put a sentence that answers before those of its question that do not (listwise)."""
    from scipy.optimize import minimize
    from scipy.special import logsumexp, softmax

    scale = x.std(axis=0)
    z = x / scale
    groups = [np.flatnonzero((numbers == number) & (grades != 2)) for number in range(numbers.max() + 1)]
    groups = [of for of in groups if (grades[of] == 3).any() and (grades[of] < 2).any()]

    def loss(w):
        value, gradient = 0.01 * len(groups) * (w @ w), 0.02 * len(groups) * w
        for of in groups:
            s, right = z[of] @ w, grades[of] == 3
            value += logsumexp(s) - logsumexp(s[right])
            gradient += softmax(s) @ z[of] - softmax(s[right]) @ z[of][right]
        return value, gradient

    return minimize(loss, np.zeros(x.shape[1]), jac=True, method="L-BFGS-B").x / scale


def tops(p, order, grades, numbers, answerable):
    """Return per question the probability and the grade of the sentence that comes first."""
    best, grade = np.zeros(len(answerable)), np.zeros(len(answerable), int)
    for number in range(len(answerable)):
        of = np.flatnonzero(numbers == number)
        if len(of):
            top = of[np.argmax(order[of])]
            best[number], grade[number] = p[top], grades[top]
    return best, grade


def thresholds(p, order, grades, numbers, answerable):
    """Return the first threshold, that of further quotes and that of no doubt (see the top of this file)."""
    best, grade = tops(p, order, grades, numbers, answerable)
    steps = np.arange(0.02, 0.9, 0.01)
    right = [((best >= t) & (grade == 3)).sum() + ((best < t) & ~answerable).sum() for t in steps]
    answer = steps[int(np.argmax(right))]
    shown = best >= answer
    told = [((best >= t) & (grade == 3))[shown].sum() + ((best < t) & (grade != 3))[shown].sum() for t in steps]
    sure = float(max(answer, steps[int(np.argmax(told))]))
    for extra in np.arange(answer, 0.95, 0.01):
        more = (p >= extra) & (p < best[numbers])
        if more.any() and (grades[more] >= 2).mean() >= 1 / 2:
            return float(answer), float(extra), sure
    return float(answer), 0.95, sure


def report(label, p, order, grades, numbers, answerable):
    from sklearn.metrics import roc_auc_score

    best, grade = tops(p, order, grades, numbers, answerable)
    print(
        f"{label}: first right {np.mean(grade[answerable] == 3):.3f} (n={answerable.sum()}), "
        f"answerable AUC {roc_auc_score(answerable, best):.3f} (n={len(answerable)})"
    )
    for t in (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7):
        said = best >= t
        print(
            f"  threshold {t:.2f}: answers {said[answerable].mean():.2f}  refuses {1 - said[~answerable].mean():.2f}  "
            f"right when it answers {np.mean(grade[said] == 3):.2f}"
        )
    clear = grades != 2
    for low in np.arange(0, 1, 0.1):
        of = clear & (p >= low) & (p < low + 0.1)
        if of.any():
            print(f"  reliability {low:.1f}: said {p[of].mean():.2f} was {(grades[of] == 3).mean():.2f} n={of.sum()}")


def measured(questions, calibration, reranker):
    """Return the probability and the order of every sentence read by the numbers in use, and the rest of ``table``."""
    names, x, *rest = table(questions, reranker, DEPTH)
    weights, order = (np.array([held[n] for n in names]) for held in (calibration.weights, calibration.order))
    return 1 / (1 + np.exp(-(calibration.intercept + x @ weights))), x @ order, *rest


def refused(label, calibration, questions, reranker):
    """Print how many questions of another topic are refused."""
    best, _ = tops(*measured(questions, calibration, reranker))
    print(f"{label}: refuses {np.mean(best < calibration.answer_threshold):.3f} (n={len(best)})")


def section(name, names, order, intercept, weights, chosen, digest, depth):
    from bot.settings import load_settings

    lines = [f"[{name}]", f'encoder = "{load_settings().model}"', f'reranker = "{digest}"', f"depth = {depth}"]
    lines += [f"intercept = {intercept:.4f}"]
    lines += [f"{n}_threshold = {t:.2f}" for n, t in zip(("answer", "extra", "sure"), chosen, strict=True)]
    for part, values in (("order", order), ("weights", weights)):
        lines += [f"[{name}.{part}]", *(f"{n} = {v:.4f}" for n, v in zip(names, values, strict=True))]
    return "\n".join(lines) + "\n"


def write(rerankers):
    import patients

    parts = []
    for name, reranker in rerankers.items():
        own = patients.questions("calibrate")
        names, x, grades, numbers, answerable = table([*own, *strangers("calibrate")[::2]], reranker, DEPTH)
        intercept, weights = fit(x, grades)
        p = 1 / (1 + np.exp(-(intercept + x @ weights)))
        order = fit_order(x, grades, numbers)
        chosen = thresholds(p, x @ order, grades, numbers, answerable)
        report(f"calibrate/{name}", p, x @ order, grades, numbers, answerable)
        digest, depth = (reranker.digest, DEPTH) if reranker else ("", 0)
        parts.append(section(name, names, order, intercept, weights, chosen, digest, depth))
    (ROOT / "bot" / "calibration.toml").write_text(NOTE + "\n".join(parts), encoding="utf-8")


def main():
    import patients

    from bot.network import WEIGHTS
    from bot.rerank import Reranker
    from bot.scoring import scoring_for

    rerankers = {"none": None}
    if (WEIGHTS / "reranker.json").exists():
        rerankers["reranker"] = Reranker()
    if "--write" in sys.argv[1:]:
        write(rerankers)
    for name, reranker in rerankers.items():
        calibration = scoring_for(reranker.digest if reranker else None).calibration
        print(f"thresholds {calibration.answer_threshold}, {calibration.extra_threshold}, {calibration.sure_threshold}")
        for part in ("held_out", "held_out_libraries", "held_out_named"):
            report(f"{part}/{name}", *measured(patients.questions(part), calibration, reranker))
        refused(f"strangers/{name}", calibration, strangers("held_out"), reranker)


if __name__ == "__main__":
    main()
