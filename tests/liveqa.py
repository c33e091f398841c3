"""Outside check: LiveQA-Med 2017 (consumers' questions to a national library) over MedQuAD's answers.

    python tests/liveqa.py FOLDER      FOLDER holds questions.jsonl, qrels.tsv and medquad.jsonl.gz

Ranks the answers that have a text for each question's summary: BM25, MiniLM (best of text and question), their
fusion, and Quotewell: the fusion's first answers become a library, whose sentences the program retrieves and orders; an
answer is as good as its best sentence. Prints MAP@10, MRR@10, nDCG@10 and success@1; relevant is grade 3 or more.
"full" counts what nobody judged as wrong, "condensed" ranks judged answers only. Needs: pip install ir-measures
"""

import csv
import gzip
import json
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
CANDIDATES, TEXT_CHARS, LONGEST = 30, 500, 4000


def read(folder):
    with gzip.open(folder / "medquad.jsonl.gz", "rt", encoding="utf-8") as stream:
        answers = [row for row in map(json.loads, stream) if row["answer"].strip()]
    questions = [json.loads(line) for line in (folder / "questions.jsonl").read_text("utf-8").splitlines()]
    with (folder / "qrels.tsv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream, delimiter="\t") if row["text_source"] == "xml"]
    qrels = defaultdict(dict)
    for row in rows:
        qrels[row["qid"]][row["answer_id"]] = int(row["grade_max"])
    return answers, [q for q in questions if any(g >= 3 for g in qrels[q["qid"]].values())], qrels


def rrf(*orders):
    scores = defaultdict(float)
    for order in orders:
        for rank, item in enumerate(order):
            scores[int(item)] += 1 / (60 + rank)
    return sorted(scores, key=lambda item: -scores[item])


def first_stage(answers, encoder):
    """Return a function: question -> answer numbers by BM25, by MiniLM, by the fusion of four."""
    from bot.lexical import Lexical, terms

    texts, heads = [row["answer"][:TEXT_CHARS] for row in answers], [row["question"] for row in answers]
    by_text, by_head = Lexical([terms(t) for t in texts]), Lexical([terms(h) for h in heads])
    text_vectors, head_vectors = (
        np.concatenate([encoder.documents(part[i : i + 512])[0] for i in range(0, len(part), 512)])
        for part in (texts, heads)
    )

    def search(question, depth=1000):
        vector, words = encoder.query(question)[0], terms(question)
        text, head = text_vectors @ vector, head_vectors @ vector
        bm25 = [engine.search(words, depth)[0] for engine in (by_text, by_head)]
        dense = [np.argsort(-scores, kind="stable")[:depth] for scores in (text, head)]
        both = np.argsort(-np.maximum(text, head), kind="stable")[:depth]
        return {
            "BM25 (text)": bm25[0],
            "BM25 (question as heading)": rrf(*bm25),
            "MiniLM": both,
            "fusion of four": rrf(*bm25, *dense),
        }

    return search


def second_stage(question, rows, numbers, encoder, reranker):
    """Return ``numbers`` in the order of their best sentence, as the program finds and orders sentences."""
    import patients

    from bot.retrieve import rerank, retrieve, understand
    from bot.scoring import scoring_for

    scoring = scoring_for(reranker.digest if reranker else None)
    texts = {str(n): f"{rows[n]['question']}\n\n{rows[n]['answer'][:LONGEST]}" for n in numbers}
    library = patients.library_of(texts, "LiveQA", encoder)
    best = defaultdict(float)
    for query in understand(library, question):
        hits = rerank(library, query, retrieve(library, query, scoring, top_k=100), scoring, reranker)
        for rank, hit in enumerate(hits):
            article = int(library.rows[hit.row].sentence.span.article)
            best[article] = max(best[article], 1 / (1 + rank))
    return sorted(numbers, key=lambda n: -best[n])


def report(name, run, qrels):
    import ir_measures
    from ir_measures import AP, RR, Success, nDCG

    measures = [AP(rel=3) @ 10, RR(rel=3) @ 10, nDCG @ 10, Success(rel=3) @ 1]
    for protocol in ("full", "condensed"):
        ranked = (
            run if protocol == "full" else {q: {a: s for a, s in r.items() if a in qrels[q]} for q, r in run.items()}
        )
        found = ir_measures.calc_aggregate(measures, {q: qrels[q] for q in run}, ranked)
        print(f"{name:28} {protocol:10}", "  ".join(f"{m}: {found[m]:.3f}" for m in measures), flush=True)


def main():
    from bot.embed import OnnxEncoder
    from bot.rerank import Reranker
    from bot.settings import load_settings
    from bot.snapshot import current

    answers, questions, qrels = read(Path(sys.argv[1]))
    encoder = OnnxEncoder(current(load_settings().index) / "encoder")
    search, reranker = first_stage(answers, encoder), Reranker()
    runs = defaultdict(dict)
    for item in questions:
        orders = search(item["summary"])
        pool = orders["fusion of four"]
        for name, model in (("Quotewell", reranker), ("Quotewell, no evidence model", None)):
            head = second_stage(item["summary"], answers, pool[:CANDIDATES], encoder, model)
            orders[name] = [*head, *pool[CANDIDATES:]]
            # Sentences alone forget what the fusion knew of the whole answer.
            orders[f"{name}, fused"] = rrf(orders[name], pool)
        for name, order in orders.items():
            runs[name][item["qid"]] = {answers[int(n)]["answer_id"]: 1.0 / (1 + rank) for rank, n in enumerate(order)}
    print(len(questions), "questions")
    for name, run in runs.items():
        report(name, run, qrels)


if __name__ == "__main__":
    main()
