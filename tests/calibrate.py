"""Fits ``bot/calibration.toml`` on patients' questions over other articles; nothing of this library takes part.

    python tests/calibrate.py            measure the numbers in use on the three held-out parts
    python tests/calibrate.py --write [SECTION ...]    fit them (or those sections) anew, write the file, then measure

Each topic is a library of its own, searched by the program itself. A logistic regression says how likely a sentence
with given scores answers. The first threshold is the one at which most questions of the calibration part go right: a
question with an answer gets it, one without gets none. The second is the lowest at which half of the further quotes
help. A word of doubt stands above a first quote below the third: the one that best tells right first quotes from wrong.
"""

import math
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

FEATURES = ["dense", "lexical", "late", "lacks"]
DEPTH, REACH = 10, 0.2  # what the small model reads: docs/EVIDENCE.md
LARGE_DEPTH, DOUBT = 3, (0.05, 0.7)  # what the large model reads, and when
WIDE = 5  # steps of 0.01 to each side
THRESHOLDS = ("answer_threshold", "extra_threshold", "sure_threshold")
NOTE = "# Written by tests/calibrate.py; see docs/CALIBRATION.md.\n"


def blank(depth):
    """Return numbers that say nothing, for a model that reads ``depth`` sentences within reach."""
    from bot.scoring import Calibration

    nothing = {"encoder": "", "reranker": "", "order": {"fused": 1}, "intercept": 0, "weights": {}}
    return Calibration(**nothing, depth=depth, reach=REACH, answer_threshold=0, extra_threshold=0, sure_threshold=0)


def hits_of(questions, scoring, reranker, large=None):
    """Yield (question, shelf, hits) for every one of ``questions``, as the program ranks them by ``scoring``."""
    import patients

    from bot.embed import OnnxEncoder
    from bot.retrieve import read_again, rerank, retrieve, understand
    from bot.settings import load_settings
    from bot.snapshot import current

    encoder = OnnxEncoder(current(load_settings().index) / "encoder")
    shelves = {}
    for question in questions:
        name = question["article"]
        if name not in shelves:
            shelves = {name: patients.shelf(patients.articles()[name], encoder)}  # one at a time in memory
        library = shelves[name].library
        query = understand(library, question["question"])[0]
        hits = rerank(library, query, retrieve(library, query, scoring, top_k=50), scoring, reranker)
        hits = read_again(library, query, hits, scoring, large)
        yield question, shelves[name], [hit for hit in hits if not library.unquotable(hit.row)]


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


@dataclass
class Table:
    """Hits of many questions: features (n, f), grade and question number of each; which questions have answers."""

    hits: list
    x: np.ndarray
    grades: np.ndarray
    numbers: np.ndarray
    answerable: np.ndarray


def table(names, found, depth):
    """Return the first ``depth`` hits of each question that have the scores ``names``, with these as features."""
    hits, grades, numbers, answerable = [], [], [], []
    for number, (question, shelf, own) in enumerate(found):
        answerable.append(question["answerable"])
        read = [hit for hit in own[:depth] if None not in (getattr(hit, name) for name in names)]
        hits += read
        grades += [shelf.grade(hit.row, question) for hit in read]
        numbers += [number] * len(read)
    x = np.array([[getattr(hit, name) for name in names] for hit in hits])
    return Table(hits, x, np.array(grades), np.array(numbers), np.array(answerable))


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


def peak(counts):
    """Return where ``counts``, a mean over the neighbours, are highest: the curves are flat, a single top is luck."""
    return int(np.argmax(np.convolve(counts, np.ones(2 * WIDE + 1), "valid"))) + WIDE


def thresholds(p, order, grades, numbers, answerable):
    """Return the first threshold, that of further quotes and that of no doubt (see the top of this file)."""
    best, grade = tops(p, order, grades, numbers, answerable)
    steps = np.arange(0.02, 0.9, 0.01)
    right = [((best >= t) & (grade == 3)).sum() + ((best < t) & ~answerable).sum() for t in steps]
    answer = steps[peak(right)]
    shown = best >= answer
    told = [((best >= t) & (grade == 3))[shown].sum() + ((best < t) & (grade != 3))[shown].sum() for t in steps]
    sure = float(max(answer, steps[peak(told)]))
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


def measured(questions, scoring, reranker, large):
    """Return the probability of every sentence read by the numbers in use, its place, and the rest of the table."""
    found = table([], hits_of(questions, scoring, reranker, large), DEPTH)
    p = np.array([hit.probability for hit in found.hits])
    return p, -np.arange(len(p)), found.grades, found.numbers, found.answerable


def refused(label, questions, scoring, *models):
    """Print how many questions of another topic are refused."""
    best, _ = tops(*measured(questions, scoring, *models))
    print(f"{label}: refuses {np.mean(best < scoring.decision.answer_threshold):.3f} (n={len(best)})")


def section(name, held):
    """Return the calibration ``held`` as a section of the file."""
    lines = [f"[{name}]", f'encoder = "{held.encoder}"', f'reranker = "{held.reranker}"']
    if held.large:
        lines += [f'large = "{held.large}"', f"doubt = {list(held.doubt)}"]
    if held.reach < math.inf:
        lines += [f"reach = {held.reach}"]
    lines += [f"depth = {held.depth}", f"intercept = {held.intercept:.4f}"]
    lines += [f"{threshold} = {getattr(held, threshold):.2f}" for threshold in THRESHOLDS]
    for part in ("order", "weights"):
        lines += [f"[{name}.{part}]", *(f"{n} = {v:.4f}" for n, v in getattr(held, part).items())]
    return "\n".join(lines) + "\n"


def fitted(name, reranker, large, known):
    """Return the numbers of the models that read last, fitted on the calibration part; ``known``: those in use."""
    import patients

    from bot.scoring import Calibration, Scoring
    from bot.settings import load_settings

    asked = [*patients.questions("calibrate"), *strangers("calibrate")[::2]]
    names = [*FEATURES, *(["rerank"] if reranker else []), *(["large"] if large else [])]
    depth = LARGE_DEPTH if large else DEPTH
    scoring = Scoring(known["reranker"], blank(depth)) if large else Scoring(blank(depth))
    found = table(names, hits_of(asked, scoring, reranker, large), depth)
    intercept, weights = fit(found.x, found.grades)
    p = 1 / (1 + np.exp(-(intercept + found.x @ weights)))
    order = fit_order(found.x, found.grades, found.numbers)
    numbers = {"order": dict(zip(names, order, strict=True)), "weights": dict(zip(names, weights, strict=True))}
    place = found.x @ order
    if large:
        p, place = undoubted(found, p, place, Scoring(known["reranker"]))
        numbers |= {"large": large.digest, "doubt": DOUBT}
    rest = (found.grades, found.numbers, found.answerable)
    report(f"calibrate/{name}", p, place, *rest)
    chosen = dict(zip(THRESHOLDS, thresholds(p, place, *rest), strict=True))
    if reranker and not large:
        numbers["reach"] = REACH
    numbers |= {"encoder": load_settings().model, "reranker": reranker.digest if reranker else ""}
    return Calibration(depth=depth if reranker else 0, intercept=intercept, **numbers, **chosen)


def undoubted(found, p, place, small):
    """Return ``p`` and ``place`` with those of the small model where it is sure and the large one is not asked."""
    own = np.array([small.probability(hit) for hit in found.hits])
    best, _ = tops(own, own, found.grades, found.numbers, found.answerable)
    sure = ((best < DOUBT[0]) | (best > DOUBT[1]))[found.numbers]
    return np.where(sure, own, p), np.where(sure, [small.order(hit) for hit in found.hits], place)


def main():
    import patients

    from bot.rerank import Reranker, open_large
    from bot.scoring import calibrations, scoring_for

    known, reranker, large = dict(calibrations()), Reranker(), open_large()
    models = {"none": (None, None), "reranker": (reranker, None), **({"large": (reranker, large)} if large else {})}
    if "--write" in sys.argv[1:]:
        for name in sys.argv[sys.argv.index("--write") + 1 :] or list(models):
            known[name] = fitted(name, *models[name], known)
        text = NOTE + "\n".join(section(name, held) for name, held in known.items())
        (ROOT / "bot" / "calibration.toml").write_text(text, encoding="utf-8")
        calibrations.cache_clear()
    for name, both in models.items():
        scoring = scoring_for(*(model.digest if model else None for model in both))
        print("thresholds", *(getattr(scoring.decision, threshold) for threshold in THRESHOLDS))
        for part in ("held_out", "held_out_libraries", "held_out_named"):
            report(f"{part}/{name}", *measured(patients.questions(part), scoring, *both))
        refused(f"strangers/{name}", strangers("held_out"), scoring, *both)


if __name__ == "__main__":
    main()
