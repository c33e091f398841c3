"""The corpus folder: what is accepted, and a one-line error for each thing that is wrong."""

import hashlib
import os

import pytest
from conftest import write_article

from bot.corpus import load_corpus, load_library_info
from bot.errors import CorpusError
from bot.types import Kind, ReviewStatus

TEXT = "Rest the joint. Then move it."


@pytest.fixture
def folder(tmp_path):
    write_article(tmp_path, "knee", TEXT)
    return tmp_path


def change(folder, old, new):
    path = folder / "knee.toml"
    path.write_text(path.read_text().replace(old, new, 1), encoding="utf-8")


def test_what_is_unknown_is_none(folder):
    article = load_corpus(folder)[0]
    source = article.source
    assert (article.text, source.id, source.title) == (TEXT, "knee", "A title")
    assert [source.publisher, source.author, source.published, source.url, source.sells_treatment] == [None] * 5
    assert source.review.status is ReviewStatus.APPROVED
    assert source.review.reviewer is None


@pytest.mark.parametrize(
    "text",
    ["\ufeffWith a mark.\r\nSecond.", "NBSP\u00a0here. e\u0301 “x” 🙂", "\u202bעברית\u202c."],
    ids=["bom crlf", "nfd", "rtl"],
)
def test_the_text_is_never_changed(tmp_path, text):
    write_article(tmp_path, "a", text)
    assert load_corpus(tmp_path)[0].text == text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "A title"', 'titel = "A title"', r"unknown field 'titel'.*Known: .*title"),
        ('title = "A title"', "", "'title' is missing"),
        ('title = "A title"', 'title = ""', "title"),
        ('title = "A title"', 'title = "A\\u202Etitle"', "invisible"),
        ('status = "approved"', 'status = "fine"', "review.status"),
        (
            'status = "approved"',
            'status = "approved"\nreviewd_by = "x"',
            r"unknown field 'review.reviewd_by'.*reviewer",
        ),
        ("[review]", 'url = "javascript:alert(1)"\n[review]', "not an http or https address"),
        ("[review]", 'sells_treatment = "maybe"\n[review]', "sells_treatment"),
        ("[review]", "[review", "is not TOML"),
    ],
)
def test_a_wrong_sidecar_is_one_clear_line(folder, old, new, message):
    change(folder, old, new)
    with pytest.raises(CorpusError, match=message) as error:
        load_corpus(folder)
    assert "knee.toml" in str(error.value)
    assert "\n" not in str(error.value).strip()


def test_everything_that_is_wrong_is_told_at_once(folder):
    change(folder, 'title = "A title"', "title = 7")
    for number in range(12):
        write_article(folder, f"elbow-{number:02}", TEXT)
        (folder / f"elbow-{number:02}.txt").write_text("Something else.")
    with pytest.raises(CorpusError) as error:
        load_corpus(folder)
    lines = str(error.value).splitlines()
    assert [f"elbow-{number:02}.txt" in line for number, line in enumerate(lines[:10])] == [True] * 10
    assert lines[10:] == ["And 3 more."]


def test_a_changed_article_is_noticed(folder):
    (folder / "knee.txt").write_text(TEXT + " More.")
    with pytest.raises(CorpusError, match=r"knee.txt is not the article its sidecar describes.*put the new sha256"):
        load_corpus(folder)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"caf\xe9", r"not UTF-8 text \(byte 3 is 0xe9\).*iconv"),
        (b"PK\x03\x04\0\0", "NUL character"),
        (b" \r\n\xef\xbb\xbf", "is empty"),
        (b"", "is empty"),
    ],
)
def test_what_is_no_text_is_refused(folder, data, message):
    (folder / "knee.txt").write_bytes(data)
    change(folder, hashlib.sha256(TEXT.encode()).hexdigest(), hashlib.sha256(data).hexdigest())
    with pytest.raises(CorpusError, match=message):
        load_corpus(folder)


def test_missing_and_lonely_files(tmp_path):
    with pytest.raises(CorpusError, match=r"cannot be read.*BOT_CORPUS"):
        load_corpus(tmp_path / "none")
    with pytest.raises(CorpusError, match="holds no article"):
        load_corpus(tmp_path)
    (tmp_path / "lonely.txt").write_text(TEXT)
    with pytest.raises(CorpusError, match=r"lonely.txt has no sidecar. Write .*lonely.toml"):
        load_corpus(tmp_path)
    (tmp_path / "lonely.txt").unlink()
    (tmp_path / "ghost.toml").write_text("")
    with pytest.raises(CorpusError, match="ghost.toml describes no article"):
        load_corpus(tmp_path)


def test_two_articles_of_one_name_are_refused(folder):
    (folder / "knee.md").write_text(TEXT)
    with pytest.raises(CorpusError, match="name of another article"):
        load_corpus(folder)


def test_a_name_that_is_no_slug_is_refused(tmp_path):
    write_article(tmp_path, "My Knee!", TEXT)
    with pytest.raises(CorpusError, match="a-z"):
        load_corpus(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_named(folder):
    (folder / "knee.txt").chmod(0)
    with pytest.raises(CorpusError, match=r"knee.txt cannot be read.*permissions"):
        load_corpus(folder)


OVERRIDE = '\n[[override]]\nwords = "{words}"\nreason = "because"\nby = "me"\n{decision}\n'


@pytest.mark.parametrize(
    ("words", "decision", "message"),
    [
        ("Not in it.", 'kind = "withheld"', "occur 0 times.*Copy the words"),
        ("e", 'kind = "withheld"', "Use more of the sentence"),
        ("Rest the joint.", "", "decides nothing"),
        ("Rest the joint.", 'kind = "gone"', "override.0.kind"),
        ("Rest the joint.", 'tags = ["nice"]', "override.0.tags"),
    ],
)
def test_a_wrong_override_is_refused(folder, words, decision, message):
    with (folder / "knee.toml").open("a") as stream:
        stream.write(OVERRIDE.format(words=words, decision=decision))
    with pytest.raises(CorpusError, match=message):
        load_corpus(folder)


def test_an_override_is_read(folder):
    with (folder / "knee.toml").open("a") as stream:
        stream.write(OVERRIDE.format(words="Rest the joint.", decision='kind = "withheld"'))
    assert load_corpus(folder)[0].source.overrides[0].kind is Kind.WITHHELD


def test_library_info(folder):
    assert load_library_info(folder).title == "A small library"
    (folder / "library.toml").unlink()
    assert load_library_info(folder).suggestions == ()
    (folder / "library.toml").write_text("titel = 1")
    with pytest.raises(CorpusError, match=r"library.toml"):
        load_library_info(folder)


# ---- originals, and what does not belong


def with_original(folder, name="knee.pdf", data=b"%PDF", more=""):
    digest = hashlib.sha256(data).hexdigest()
    change(folder, "[review]", f'original = "{name}"\noriginal_sha256 = "{digest}"\n{more}\n[review]')
    return data


def test_an_original_is_beside_its_article_and_unchanged(folder):
    data = with_original(folder)
    with pytest.raises(CorpusError, match=r"knee.toml: the original knee.pdf is not beside it"):
        load_corpus(folder)
    (folder / "knee.pdf").write_bytes(data)
    assert load_corpus(folder)[0].source.original == "knee.pdf"
    (folder / "knee.pdf").write_bytes(data + b"x")
    with pytest.raises(CorpusError, match=r"knee.pdf is not the file that the article's text was taken from.*bot add"):
        load_corpus(folder)


@pytest.mark.parametrize(
    "name", ["../outside.pdf", "/etc/hostname", "a/b.pdf", ".hidden", "..", ".", "", "a\\\\b", "x" * 201, "a\\u0000b"]
)
def test_an_original_lies_nowhere_else(folder, name):
    (folder.parent / "outside.pdf").write_bytes(b"%PDF")
    with_original(folder, name)
    with pytest.raises(CorpusError, match=r"knee.toml: 'original' is"):
        load_corpus(folder)


def test_an_original_that_is_a_link_out_of_the_folder_is_refused(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret"
    outside.write_bytes(with_original(folder))
    (folder / "knee.pdf").symlink_to(outside)
    with pytest.raises(CorpusError, match=r"knee.pdf is a link that leads out of the corpus folder"):
        load_corpus(folder)


@pytest.mark.parametrize("pages", ["[1]", "[0, 9, 3]", "[0, 30]", "[0, -1]", "[0, 1.5]", '"0"'])
def test_pages_are_offsets_of_the_text(folder, pages):
    change(folder, "[review]", f"pages = {pages}\n[review]")
    with pytest.raises(CorpusError, match=r"knee.toml.*pages"):
        load_corpus(folder)


def test_what_belongs_to_no_article_is_named(folder):
    (folder / "leaflet.pdf").write_bytes(b"%PDF")
    with pytest.raises(CorpusError, match=r"leaflet.pdf belongs to no article.*bot add"):
        load_corpus(folder)
    (folder / "leaflet.pdf").rename(folder / ".leaflet.pdf")
    (folder / "more").mkdir()
    with pytest.raises(CorpusError, match=r"more is a folder"):
        load_corpus(folder)
    (folder / "more").rmdir()
    (folder / "gone.txt").symlink_to("nowhere")
    with pytest.raises(CorpusError, match=r"gone.txt is no file"):
        load_corpus(folder)
    (folder / "gone.txt").unlink()
    (folder / "lost+found").mkdir()
    assert len(load_corpus(folder)) == 1


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 100_000, "a = " + "9" * 10_000, "a.b" * 2000 + " = 1", 'a = "\\ud800"', "\0"]
)
def test_toml_that_is_made_to_do_harm_is_one_line(folder, text):
    with (folder / "knee.toml").open("a") as stream:
        stream.write("\n" + text)
    with pytest.raises(CorpusError, match=r"knee.toml"):
        load_corpus(folder)
