"""The cache of encodings: nothing is encoded twice, and nothing wrong comes out of a damaged or foreign file."""

import random
import shutil
import sqlite3

import numpy as np
import pytest
from conftest import write_article

from bot import build
from bot.build import encode, read_corpus
from bot.cache import Cache
from bot.embed import OnnxEncoder
from bot.errors import SnapshotError
from bot.snapshot import Record, current

KNEE = "Healing takes six weeks for most knees. Swelling is common after knee surgery.\n\nRest the knee."


class Recording(OnnxEncoder):
    """The real encoder; notes every text that it encodes."""

    def __init__(self, folder):
        super().__init__(folder)
        self.seen = []

    def documents(self, texts):
        self.seen += texts
        return super().documents(texts)


@pytest.fixture
def encoder(built):
    return Recording(current(built.index) / "encoder")


@pytest.fixture
def opened(tmp_path):
    """A function: open the one cache of the test, whatever is on disk by then."""
    held = []

    def open_it(**options):
        for one in held:
            one.close()
        held[:] = [Cache(tmp_path / "cache.db", **{"model": "m", "rules": "r", **options})]
        return held[0]

    yield open_it
    for one in held:
        one.close()


@pytest.fixture
def content(tmp_path):
    write_article(tmp_path / "corpus", "knee", KNEE)
    return read_corpus(tmp_path / "corpus")


def vectors_of(content, encoder, progress=lambda *_: None, cache=None):
    """The vectors of the one article."""
    return encode([Record(content.articles[0], content.passages)], encoder, progress, cache=cache)["knee"]


def encoded(content, encoder, cache, progress=lambda *_: None):
    """Encode the article; return the texts that were encoded on the way."""
    encoder.seen.clear()
    encode([Record(content.articles[0], content.passages)], encoder, progress, cache=cache)
    return list(encoder.seen)


def all_texts(content):
    article = content.articles[0]
    spans = [passage.span for passage in content.passages] + [s.span for p in content.passages for s in p.sentences]
    return {article.slice(span) for span in spans}


def test_each_text_is_encoded_once_and_never_again(content, encoder, opened):
    first = encoded(content, encoder, opened())
    assert sorted(first) == sorted(all_texts(content))
    assert encoded(content, encoder, opened()) == []


def test_only_what_is_new_is_encoded(content, encoder, opened, tmp_path):
    encoded(content, encoder, opened())
    write_article(tmp_path / "corpus", "knee", KNEE.replace("Rest the knee.", "Rest the knee for two days."))
    assert encoded(read_corpus(tmp_path / "corpus"), encoder, opened()) == ["Rest the knee for two days."]


def test_a_stopped_run_goes_on_where_it_was(encoder, opened, tmp_path):
    words = " ".join(f"Walk {n} steps on day {n}." for n in range(build.CHUNK + 40))
    write_article(tmp_path / "corpus", "walk", words)
    content = read_corpus(tmp_path / "corpus")

    def stop(stage, done, total):
        if done >= build.CHUNK:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encoded(content, encoder, opened(), stop)
    before = set(encoder.seen)
    assert len(before) == build.CHUNK
    after = encoded(content, encoder, opened())
    assert len(after) == 41  # 40 sentences and one passage
    assert not before & set(after)


def test_what_comes_from_the_cache_answers_as_what_is_encoded_anew(content, encoder, opened, tmp_path):
    encoded(content, encoder, opened())
    write_article(tmp_path / "corpus", "knee", f"{KNEE} Walk a little every day.")
    renewed = read_corpus(tmp_path / "corpus")
    found, truth = vectors_of(renewed, encoder, cache=opened()), vectors_of(renewed, encoder)
    np.testing.assert_allclose(found.sentences, truth.sentences, atol=2e-3)
    np.testing.assert_allclose(found.contexts, truth.contexts, atol=2e-3)
    np.testing.assert_allclose(found.tokens.vectors[:], truth.tokens.vectors[:], atol=2e-3)
    assert found.tokens.ids.tolist() == truth.tokens.ids.tolist()


def test_a_forced_run_uses_nothing_and_keeps_all(content, encoder, opened):
    first = encoded(content, encoder, opened())
    cache = opened(fresh=True)
    assert encoded(content, encoder, cache) == first
    assert cache.forget_unused() == 0
    assert encoded(content, encoder, opened()) == []


def test_another_model_has_encodings_of_its_own(content, encoder, opened):
    first = encoded(content, encoder, opened())
    assert encoded(content, encoder, opened(model="other")) == first
    assert encoded(content, encoder, opened()) == []


def test_other_rules_split_anew(content, opened):
    knee = {"knee": content.passages}
    opened().keep_passages(content.articles, knee)
    assert opened().passages(content.articles) == knee
    assert opened(rules="other").passages(content.articles) == {}


def test_passages_are_those_of_the_very_article(content, opened, tmp_path):
    opened().keep_passages(content.articles, {"knee": content.passages})
    override = '[[override]]\nwords = "Rest the knee."\nkind = "withheld"\nreason = "a test"\nby = "a test"\n'
    for text, more in ((f"{KNEE} More.", ""), (KNEE, override)):
        write_article(tmp_path / "corpus", "knee", text, more=more)
        assert opened().passages(read_corpus(tmp_path / "corpus").articles) == {}


def damage(path, harm):
    data = bytearray(path.read_bytes())
    if harm == "empty":
        data = bytearray()
    elif harm == "junk":
        data = bytearray(random.Random(1).randbytes(20_000))
    elif harm == "cut":
        data = data[: len(data) // 2]
    elif harm == "header":
        data[:16] = bytes(16)
    else:
        chance = random.Random(harm)
        for _ in range(40):
            data[chance.randrange(100, len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


@pytest.mark.parametrize("harm", ["empty", "junk", "cut", "header", *range(12)])
def test_a_damaged_file_gives_nothing_wrong(content, encoder, opened, harm, tmp_path, caplog):
    cache = opened()
    encoded(content, encoder, cache)
    cache.keep_passages(content.articles, {"knee": content.passages})
    truth = cache.encodings(sorted(all_texts(content)))
    cache.close()
    damage(tmp_path / "cache.db", harm)
    cache = opened()
    for text, one in cache.encodings(sorted(all_texts(content))).items():
        np.testing.assert_array_equal(one.vector, truth[text].vector)
        np.testing.assert_array_equal(one.tokens, truth[text].tokens)
        np.testing.assert_array_equal(one.ids, truth[text].ids)
    assert cache.passages(content.articles) in ({}, {"knee": content.passages})
    encoded(content, encoder, cache)
    cache.keep_passages(content.articles, {"knee": content.passages})
    assert encoded(content, encoder, cache) == []
    if harm in ("junk", "header"):
        assert "is damaged and is made anew" in caplog.text


def test_the_journal_of_a_damaged_file_goes_with_it(content, encoder, opened, tmp_path):
    """A write-ahead log left by a killed run must not be played into a file that it is not of."""
    cache = opened()
    encoded(content, encoder, cache)
    log = (tmp_path / "cache.db-wal").read_bytes()
    cache.close()
    (tmp_path / "cache.db").write_bytes(b"no database" * 1000)
    (tmp_path / "cache.db-wal").write_bytes(log)
    truth = vectors_of(content, encoder).sentences
    for _ in range(2):
        np.testing.assert_allclose(vectors_of(content, encoder, cache=opened()).sentences, truth, atol=1e-3)
    assert encoded(content, encoder, opened()) == []


def test_a_flipped_bit_in_a_vector_is_found(content, encoder, opened, tmp_path, caplog):
    encoded(content, encoder, opened())
    opened().close()
    with sqlite3.connect(tmp_path / "cache.db") as connection:
        key, vector = connection.execute("SELECT key, vector FROM encodings").fetchone()
        changed = vector[:9] + bytes([vector[9] ^ 1]) + vector[10:]
        connection.execute("UPDATE encodings SET vector = ? WHERE key = ?", (changed, key))
    connection.close()
    assert len(encoded(content, encoder, opened())) == 1
    assert "an entry of the cache is damaged" in caplog.text


def test_the_file_of_another_version_is_dropped(content, encoder, opened, tmp_path):
    with sqlite3.connect(tmp_path / "cache.db") as connection:
        connection.execute("CREATE TABLE encodings (key BLOB PRIMARY KEY, other BLOB)")
    connection.close()
    assert encoded(content, encoder, opened())
    assert encoded(content, encoder, opened()) == []


def test_only_what_is_unused_is_forgotten(content, encoder, opened, tmp_path):
    encoded(content, encoder, opened())
    rest = read_corpus(tmp_path / "corpus")
    write_article(tmp_path / "corpus", "knee", KNEE.split("\n")[0])
    fewer = read_corpus(tmp_path / "corpus")
    cache = opened()
    encoded(fewer, encoder, cache)
    assert cache.tidy() == 0  # less than half
    assert cache.forget_unused() == 1
    assert encoded(fewer, encoder, opened()) == []
    assert encoded(rest, encoder, opened()) == ["Rest the knee."]


def test_a_cache_that_is_mostly_unused_is_tidied(content, encoder, opened, tmp_path):
    cache = opened()
    encoded(content, encoder, cache)
    cache.close()
    size = (tmp_path / "cache.db").stat().st_size
    write_article(tmp_path / "corpus", "knee", "Rest the knee.")
    cache = opened()
    encoded(read_corpus(tmp_path / "corpus"), encoder, cache)
    assert cache.tidy() == len(all_texts(content)) - 1
    cache.close()
    assert (tmp_path / "cache.db").stat().st_size <= size


def test_a_cache_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "cache.db").mkdir()
    with pytest.raises(SnapshotError, match=r"cache\.db cannot be used: .*BOT_INDEX"):
        Cache(tmp_path / "cache.db", model="m", rules="r")
    shutil.rmtree(tmp_path / "cache.db")
