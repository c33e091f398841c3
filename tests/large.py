"""Measures indexing at size, over public health texts: thousands of articles of MedQuAD.

    python tests/large.py FOLDER WORK [ARTICLES]     FOLDER holds medquad.jsonl.gz; corpus and index are made in WORK

An article is a document of MedQuAD: its questions are the headings, the first sentences of its answers the text. Prints
how long it takes to index all of them, to index again after one sentence was added to one article, to roll back, to
open the library and to ask it. Stopped and started again it goes on where it was.
"""

import gzip
import json
import os
import random
import sys
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
ARTICLES, ANSWER_CHARS = 5000, 600
QUESTION = "how is a hearing test done"


def documents(folder):
    """Return (id, title, text) of each document that has answers."""
    found = {}
    with gzip.open(folder / "medquad.jsonl.gz", "rt", encoding="utf-8") as stream:
        for row in map(json.loads, stream):
            if row["answer"].strip():
                found.setdefault(row["answer_id"].rsplit("_", 1)[0].lower().replace("_", "-"), []).append(row)
    for name, rows in found.items():
        sections = (f"{row['question']}\n\n{opening(row['answer'].strip())}\n" for row in rows)
        yield name, rows[0]["focus"], "\n".join(sections)


def opening(answer):
    """Return the whole sentences at the beginning of ``answer``."""
    return answer if len(answer) <= ANSWER_CHARS else answer[:ANSWER_CHARS].rpartition(". ")[0] + "."


def write(folder, name, title, text):
    from conftest import write_article

    write_article(folder, name, text, title=title.replace("\\", "").replace('"', "'"))


@contextmanager
def timed(what):
    start = time.perf_counter()
    yield
    print(f"{what:60} {time.perf_counter() - start:8.2f} s", flush=True)


def own_encoding(settings, text):
    """Time what one article costs alone: its encoder opened, its sentences encoded."""
    from bot.embed import OnnxEncoder
    from bot.snapshot import current

    with timed("  of this the encoding of its own sentences, about"):
        encoder = OnnxEncoder(current(settings.index) / "encoder", threads=os.cpu_count())
        encoder.documents([line for line in text.replace(". ", ".\n").split("\n") if line])


def main():
    from bot.answer import open_answerer
    from bot.history import roll_back
    from bot.reindex import reindex
    from bot.settings import load_settings

    source, work = Path(sys.argv[1]), Path(sys.argv[2])
    pages = list(documents(source))[: int(sys.argv[3]) if len(sys.argv) > 3 else ARTICLES]
    settings = load_settings(corpus=work / "corpus", index=work / "index")
    for name, title, text in pages:
        write(settings.corpus, name, title, text)
    who = {"by": "large.py", "why": "a measurement", "accept": True}  # public texts claim things too
    with timed(f"index {len(pages)} articles"):
        built = reindex(settings, **who).built
    print("  ", dict(built.manifest.counts), flush=True)
    rng = random.Random(os.urandom(8))
    for times in range(3):
        name, title, text = rng.choice(pages)
        text += f"\nOn day {rng.random()} most people feel better.\n"
        write(settings.corpus, name, title, text)
        with timed(f"one article changed ({name})"):
            reindex(settings, **who)
        if times == 2:
            own_encoding(settings, text)
    for _ in range(2):
        with timed("roll back"):
            roll_back(settings.index, by="large.py")
    with timed("open the library"):
        answerer = open_answerer(settings)
    with timed("ask it ten times"):
        for _ in range(10):
            answerer.answer(QUESTION)


if __name__ == "__main__":
    main()
