"""Files -> text: real PDFs, Word documents and web pages; hostile files end as a refusal in bounded time."""

import os
import random
import subprocess
import sys
import time
import unicodedata
import zipfile
from contextlib import suppress
from html import escape
from pathlib import Path

import files
import pytest
from hypothesis import given
from hypothesis import strategies as st
from speed import measured

from bot.extract import SUFFIXES, Extract, ExtractError, Limits, Worker, extract, extract_all

CORPUS = Path(__file__).resolve().parent.parent / "corpus"
HOSTILE = (sys.executable, "-P", "-B", files.__file__)
ARTICLE = [files.prose(n) for n in range(8)]


@pytest.fixture(scope="module")
def worker():
    """One parsing process for all tests that do not kill it."""
    with Worker() as worker:
        yield worker


@pytest.fixture
def refused(worker):
    """A function: path -> the message with which it is refused, which names the file."""

    def refuse(path: Path) -> str:
        with pytest.raises(ExtractError) as caught:
            worker.extract(path)
        assert str(caught.value).startswith(f"{path} ")
        return str(caught.value)

    return refuse


def save(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def paragraphs(result: Extract) -> list[str]:
    return [line for line in result.text.split("\n") if line]


# ---- PDF


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_columns_are_read_in_order(tmp_path, worker, columns):
    article = [files.prose(n) for n in range(16)]
    result = worker.extract(files.reportlab_pdf(tmp_path / "a.pdf", article, columns=columns))
    assert " ".join(result.text.split()) == " ".join(article)
    assert any("columns" in warning for warning in result.warnings) == (columns > 1)


def test_paragraphs_and_headings_of_pdf(tmp_path, worker):
    wanted = ["# What it is", ARTICLE[0], ARTICLE[1], "# What helps", ARTICLE[2]]
    for path in (files.reportlab_pdf(tmp_path / "a.pdf", wanted), files.fpdf_pdf(tmp_path / "b.pdf", wanted)):
        assert worker.extract(path).text == "\n\n".join(p.removeprefix("# ") for p in wanted) + "\n"


def test_columns_drawn_row_by_row(tmp_path, worker):
    """Some programs draw line by line across the page: the order of drawing is not the order of reading."""
    left = [f"left column line {n} of the page goes about here" for n in range(12)]
    right = [f"right column line {n} of the page goes about there" for n in range(12)]
    rows = [piece for n in range(12) for piece in ((50, 700 - 12 * n, left[n]), (310, 700 - 12 * n, right[n]))]
    title = (
        50,
        750,
        "A title over both of the columns that is long enough to reach over the gap between the two of them",
    )
    result = worker.extract(files.drawn_pdf(tmp_path / "a.pdf", [[*rows, title]]))
    assert " ".join(result.text.split()) == " ".join([title[2], *left, *right])


def test_running_heads_and_page_numbers_leave(tmp_path, worker):
    article = [files.prose(n, 9) for n in range(12)]
    for made in (files.reportlab_pdf, files.fpdf_pdf):
        result = worker.extract(made(tmp_path / "a.pdf", article, head="The Example Clinic handbook"))
        assert len(result.pages) >= 2
        assert " ".join(result.text.split()) == " ".join(article)
        assert any("The Example Clinic handbook" in warning for warning in result.warnings)


def test_three_hundred_pages(tmp_path, worker):
    pages = [[(72, 700, f"Chapter {n * n} begins."), (72, 40, str(n + 1))] for n in range(300)]
    result = worker.extract(files.drawn_pdf(tmp_path / "a.pdf", pages))
    assert len(result.pages) == 300
    for n, start in enumerate(result.pages):
        assert result.text[start:].startswith(f"Chapter {n * n} begins.")


def test_page_offsets_inside_a_paragraph(tmp_path, worker):
    lines = [(72, 700 - 12 * n, "these words go on and on until the line is full of them") for n in range(3)]
    pages = [[*lines, (72, 664, "and the page ends in a sen-")], [(72, 700, "tence that goes on here."), (72, 40, "2")]]
    result = worker.extract(files.drawn_pdf(tmp_path / "a.pdf", pages))
    assert result.text.endswith("ends in a sentence that goes on here.\n")
    assert result.text[result.pages[1] :] == "tence that goes on here.\n"


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        (["the treat-", "ment helps"], "the treatment helps"),
        (["a follow-up and a follow-", "up visit"], "a follow-up and a follow-up visit"),
        (["pain of non-", "cancer origin"], "pain of non-cancer origin"),
        (["Treatment is a treat-", "ment here"], "Treatment is a treatment here"),
        (["the X-", "Ray room"], "the X-Ray room"),
        (["an up-to-", "date list"], "an up-to-date list"),
        (["short-", "and long-term use"], "short- and long-term use"),
    ],
)
def test_hyphens_at_line_ends(tmp_path, worker, lines, wanted):
    drawn = [(72, 700 - 12 * n, line) for n, line in enumerate(lines)]
    assert worker.extract(files.drawn_pdf(tmp_path / "a.pdf", [drawn])).text == wanted + "\n"


def test_ligatures_are_letters(tmp_path, worker):
    import reportlab
    from fpdf import FPDF

    font = Path(reportlab.__file__).with_name("fonts") / "Vera.ttf"
    pdf = FPDF()
    pdf.add_page()
    pdf.add_font("D", fname=str(font))
    pdf.set_font("D", size=12)
    pdf.multi_cell(0, text="A ﬁrst step: the ﬂow.")
    pdf.output(str(tmp_path / "a.pdf"))
    assert worker.extract(tmp_path / "a.pdf").text == "A first step: the flow.\n"


def test_bullets_and_tables_of_pdf(tmp_path, worker):
    bullets = [
        (72, 700, "What helps:"),
        (72, 686, "\u2022 Ice for ten"),
        (80, 674, "minutes."),
        (72, 662, "\u2022 Walks."),
    ]
    rows = [(x, 600 - 14 * n, f"{word} {n}") for n in range(3) for x, word in ((72, "Nausea"), (300, "common"))]
    result = worker.extract(files.drawn_pdf(tmp_path / "a.pdf", [bullets + rows]))
    assert result.text.startswith(
        "What helps:\n\n- Ice for ten minutes.\n- Walks.\n\nNausea 0 common 0\nNausea 1 common 1"
    )
    assert "tables were flattened, a row to a line" in result.warnings


def test_faults_of_pdf_are_told(tmp_path, worker):
    data = files.drawn_pdf(tmp_path / "a.pdf", [[(72, 700, "Words that can be read.")]]).read_bytes()
    result = worker.extract(save(tmp_path / "b.pdf", data.replace(b"startxref\n", b"startxref\n9")))
    assert result.text == "Words that can be read.\n"
    assert any("has faults" in warning for warning in result.warnings)


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.txt")), ids=lambda path: path.stem)
def test_real_articles_come_back_word_for_word(tmp_path, worker, path):
    article = [line for line in path.read_text("utf-8-sig").replace("\u2028", "\n").split("\n") if line.strip()]
    article = [" ".join(line.encode("cp1252", "ignore").decode("cp1252").split()) for line in article]
    made = files.reportlab_pdf(tmp_path / "a.pdf", [escape(line) for line in article], columns=2)
    assert " ".join(worker.extract(made).text.split()) == " ".join(article)
    made = files.word(tmp_path / "a.docx", [("Normal", line) for line in article])
    assert worker.extract(made).text == "\n\n".join(article) + "\n"


def test_facts_of_pdf_are_stated_ones(tmp_path, worker):
    stated = worker.extract(files.reportlab_pdf(tmp_path / "a.pdf", ARTICLE[:1], title="Knees", author="A. Writer"))
    assert (stated.title, stated.author, stated.published) == ("Knees", "A. Writer", None)
    silent = worker.extract(files.reportlab_pdf(tmp_path / "b.pdf", ARTICLE[:1]))
    assert (silent.title, silent.author, silent.publisher, silent.url) == (None, None, None, None)


def test_encrypted_pdf(tmp_path, worker, refused):
    from reportlab.lib.pdfencrypt import StandardEncryption

    locked = files.reportlab_pdf(tmp_path / "a.pdf", ARTICLE[:1], encrypt=StandardEncryption("secret", "owner"))
    assert "password" in refused(locked)
    assert "password" in refused(files.fpdf_pdf(tmp_path / "b.pdf", ARTICLE[:1], password=("owner", "secret")))
    opened = files.reportlab_pdf(tmp_path / "c.pdf", ARTICLE[:1], encrypt=StandardEncryption("", "owner"))
    assert worker.extract(opened).text == ARTICLE[0] + "\n"
    opened = files.fpdf_pdf(tmp_path / "d.pdf", ARTICLE[:1], password=("owner", ""))
    assert worker.extract(opened).text == ARTICLE[0] + "\n"


def test_scanned_pdf(tmp_path, worker, refused):
    assert "scanned" in refused(files.scanned_pdf(tmp_path / "a.pdf"))
    half = worker.extract(files.scanned_pdf(tmp_path / "b.pdf", 3, text_on=(1,)))
    assert half.text == "Words of page 2 that can be read.\n"
    assert half.pages == (0, 0, len(half.text))
    assert "2 of 3 pages hold no text: scanned?" in half.warnings


def test_too_many_pages(tmp_path):
    path = files.drawn_pdf(tmp_path / "a.pdf", [[(72, 700, "Words.")]] * 6)
    with pytest.raises(ExtractError, match="has 6 pages, the limit is 5"):
        extract(path, Limits(pages=5))


def test_pdf_bomb(tmp_path):
    path = files.bomb_pdf(tmp_path / "a.pdf")
    assert path.stat().st_size < 5_000_000
    begun = time.monotonic()
    with pytest.raises(ExtractError):
        extract(path, Limits(seconds=20))
    assert time.monotonic() - begun < 22


# ---- web pages


def test_article_of_a_web_page(tmp_path, worker):
    result = worker.extract(save(tmp_path / "a.html", files.page(ARTICLE)))
    for paragraph in ARTICLE:
        assert f"\n{paragraph}\n" in result.text
    assert "\n\nWhat helps\n\n- Ice for ten minutes.\n- Short walks.\n" in result.text
    for unseen in ("brace", "Hidden", "Scripted", "color: red", "Imprint", "Home"):
        assert unseen not in result.text
    assert (result.title, result.author) == ("Knee pain after surgery", "A. Writer")
    assert (result.publisher, result.published) == ("Example Clinic", "2024-05-02")
    assert result.url == "https://example.org/knee"


def test_facts_of_a_web_page_are_not_guessed(tmp_path, worker):
    text = "<html><body><article><p>By A. Writer, 2 May 2024.</p>" + f"<p>{ARTICLE[0]}</p></article></body></html>"
    result = worker.extract(save(tmp_path / "a.htm", text))
    assert (result.title, result.author, result.publisher, result.published, result.url) == (None,) * 5


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1252", "utf-8-sig", "utf-16"])
def test_encoding_of_a_web_page(tmp_path, worker, encoding):
    text = files.page([ARTICLE[0] + " Café.", *ARTICLE[1:]]).replace('charset="utf-8"', f'charset="{encoding}"')
    assert "Café." in worker.extract(save(tmp_path / "a.html", text.encode(encoding))).text


def test_wrong_encoding_of_a_web_page(tmp_path, refused):
    message = refused(save(tmp_path / "a.html", files.page(["Café"]).encode("latin-1")))
    assert "0xe9" in message
    assert "iconv" in message


def test_deeply_nested_page_ends(tmp_path):
    deep = "<html><body>" + "<div>" * 200_000 + "<p>Words.</p>" + "</div>" * 200_000
    begun = time.monotonic()
    with pytest.raises(ExtractError, match="nested deeper"):
        extract(save(tmp_path / "a.html", deep), Limits(seconds=20))
    assert time.monotonic() - begun < 22


# ---- Word documents


def test_word_document(tmp_path, worker):
    blocks = [("Heading 1", "Knee pain"), ("Normal", ARTICLE[0]), ("List Bullet", "Ice."), ("List Number", "Walk.")]
    path = files.word(
        tmp_path / "a.docx", blocks, [["Nausea", "common"], ["Fall", "rare"]], title="Knees", author="A. W."
    )
    result = worker.extract(path)
    assert result.text == f"Knee pain\n\n{ARTICLE[0]}\n\n- Ice.\n- Walk.\n\nNausea; common\nFall; rare\n"
    assert (result.title, result.author) == ("Knees", "A. W.")


def test_facts_of_a_word_document_are_stated_ones(tmp_path, worker):
    result = worker.extract(files.word(tmp_path / "a.docx", [("Normal", ARTICLE[0])]))
    assert (result.title, result.author, result.published) == (None, None, None)


def test_tracked_changes_and_hidden_words(tmp_path, worker):
    changed = (
        "<w:p><w:r><w:t>It is </w:t></w:r><w:del><w:r><w:delText>never </w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>often </w:t></w:r></w:ins><w:r><w:rPr><w:vanish/></w:rPr><w:t>not </w:t></w:r>"
        "<w:r><w:t>sore.</w:t></w:r></w:p>"
    )
    path = files.word(tmp_path / "a.docx", [("Normal", "First.")])
    files.reworded(path, lambda xml: xml.replace("</w:p>", "</w:p>" + changed, 1))
    result = worker.extract(path)
    assert result.text == "First.\n\nIt is often sore.\n"
    assert any("tracked changes" in warning for warning in result.warnings)


def test_external_entities_are_not_read(tmp_path, refused):
    secret = save(tmp_path / "secret.txt", "secret words")
    path = files.word(tmp_path / "a.docx", [("Normal", "Before. HERE")])
    doctype = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]>'
    files.reworded(path, lambda xml: xml.replace("?>", "?>" + doctype, 1).replace("HERE", "&e;", 1))
    assert "declares entities" in refused(path)


def test_zip_bomb(tmp_path, refused):
    path = files.word(tmp_path / "a.docx", [("Normal", "Words.")])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("word/media/a.bin", "w") as part:
        for _ in range(300):
            part.write(bytes(1_000_000))
    assert "unpacks from" in refused(path)


# ---- plain text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_plain_text_is_kept(tmp_path, worker, encoding):
    text = "A heading\r\n\r\n  indented  twice\ttab \rold\n# Café\n"
    result = worker.extract(save(tmp_path / "a.txt", text.encode(encoding)))
    assert result.text == "A heading\n\n  indented  twice\ttab \nold\n# Café\n"


def test_other_encodings_are_refused(tmp_path, refused):
    message = refused(save(tmp_path / "a.txt", "Caf\xe9 au lait".encode("latin-1")))
    assert "byte 3 is 0xe9" in message
    assert "iconv" in message
    assert "U+001B" in refused(save(tmp_path / "b.txt", "fine\nnot \x1b[0m fine"))


SHARED = Worker()


@given(st.text(min_size=1, max_size=200))
def test_any_text_is_kept_or_refused(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_bytes(text.encode("utf-8", "replace"))
    try:
        result = SHARED.extract(path)
    except ExtractError:
        return
    assert unicodedata.is_normalized("NFC", result.text)
    assert not any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in result.text)


@pytest.fixture(scope="module", autouse=True)
def _end_shared():
    yield
    SHARED.stop()


# ---- refusals before and in the process


@pytest.mark.parametrize(
    ("name", "data", "hint"),
    [
        ("a.txt", b"%PDF-1.7 ...", "name it .pdf"),
        ("a.md", b"<!DOCTYPE html><html>", "name it .html"),
        ("a.pdf", b"<!doctype html><html>", "name it .html"),
        ("a.pdf", b"just words", "name it .txt"),
        ("a.docx", b"just words", "name it .txt"),
        ("a.docx", b"PK\x03\x04 cut off", "cut-off ZIP"),
        ("a.docx", b"\xd0\xcf\x11\xe0 old", "old Word file"),
        ("a.html", b"just words", "name it .txt"),
        ("a.txt", b"{\\rtf1 words}", "RTF"),
        ("a.txt", b"\x89PNG\r\n", "picture"),
        ("a.txt", b"some\0binary", "binary"),
        ("a.pdf", b"%PDF-1.7\ncut off", "damaged PDF"),
        ("a.txt", b"", "empty"),
        ("a.txt", b" \n\n ", "no text"),
        ("a.odt", b"x", "suffix '.odt'"),
    ],
)
def test_bytes_and_suffix_must_agree(tmp_path, refused, name, data, hint):
    assert hint in refused(save(tmp_path / name, data))


def test_a_huge_file_is_refused_at_once(tmp_path, refused):
    path = tmp_path / "a.pdf"
    with path.open("wb") as stream:
        stream.truncate(500_000_000)
    with measured() as took:
        assert "too large: 500 MB" in refused(path)
    assert took.seconds < 1


def test_what_is_no_file_is_refused(tmp_path, refused):
    assert "cannot be read" in refused(tmp_path / "missing.txt")
    (tmp_path / "folder.txt").mkdir()
    assert "not a regular file" in refused(tmp_path / "folder.txt")
    os.mkfifo(tmp_path / "pipe.txt")
    assert "not a regular file" in refused(tmp_path / "pipe.txt")


def test_a_file_as_long_as_books_is_pointed_out(tmp_path):
    found = extract(save(tmp_path / "a.txt", "Rest helps.\n\n" * 80_000))
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("it holds 1,040,000 characters, as much as books")
    assert not extract(save(tmp_path / "b.txt", "Rest helps.\n\n" * 70_000)).warnings


# ---- the limits are real


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ("sleep", "given up after 2 seconds"),
        ("spin", "given up"),
        ("allocate", "more than 600 MB of memory"),
        ("flood", "gives 1001 characters"),
        ("crash", "ended the program that reads it"),
        ("write", "cannot be parsed"),
        ("connect", "PermissionError"),
    ],
)
def test_a_parser_that_misbehaves_is_ended(tmp_path, order, reason):
    bad, good = save(tmp_path / "bad.txt", order), save(tmp_path / "good.txt", "Fine words.")
    # A busy machine needs more than two seconds to fill the memory.
    limits = Limits(seconds=20 if order == "allocate" else 2, memory=600_000_000, characters=1000)
    begun = time.monotonic()
    results = [result for _, result in extract_all([good, bad, good], limits, HOSTILE)]
    assert time.monotonic() - begun < limits.seconds + 6
    assert [type(result) for result in results] == [Extract, ExtractError, Extract]
    assert reason in str(results[1])
    left = Path(files.__file__).with_name("must-not-exist.tmp")
    assert not left.exists() or not left.stat().st_size
    left.unlink(missing_ok=True)


def test_libraries_that_parse_stay_out_of_the_program():
    code = "import sys, bot.extract; print([m for m in ('pypdf', 'docx', 'lxml', 'trafilatura') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---- every damaged file ends as text or as a reason


def spoilt(sound: bytes, chance: random.Random) -> bytes:
    """Change some bytes; sometimes cut the rest off."""
    data = bytearray(sound)
    for _ in range(chance.choice((1, 1, 8, 64))):
        place, length = chance.randrange(len(data)), chance.randint(1, 40)
        change = chance.choice(("flip", "cut", "repeat", "zero"))
        if change == "flip":
            data[place] ^= 1 << chance.randrange(8)
        elif change == "cut":
            del data[place : place + length]
        elif change == "repeat":
            data[place:place] = data[place : place + length] * chance.randint(1, 20)
        else:
            data[place : place + length] = bytes(length)
    return bytes(data[: chance.randrange(len(data))] if chance.random() < 0.2 else data)


def damaged(folder: Path, number: int) -> list[Path]:
    """Make damaged files; half of the Word documents are sound archives with a damaged text inside."""
    chance = random.Random(20261121)
    sound = [
        files.reportlab_pdf(folder / "s1.pdf", ARTICLE[:4], columns=2, head="Head"),
        files.reportlab_pdf(folder / "s6.pdf", ARTICLE[:4], pageCompression=0),
        files.fpdf_pdf(folder / "s2.pdf", ARTICLE[:2]),
        files.word(folder / "s3.docx", [("Normal", text) for text in ARTICLE], [["a", "b"]]),
        save(folder / "s4.html", files.page(ARTICLE)),
        save(folder / "s5.txt", "\n\n".join(ARTICLE)),
    ]
    made = []
    for n in range(number):
        source = chance.choice(sound)
        path = folder / f"f{n}{source.suffix}"
        if source.suffix == ".docx" and chance.random() < 0.5:
            save(path, source.read_bytes())
            files.reworded(path, lambda xml: spoilt(xml.encode(), chance).decode("utf-8", "replace"))
        else:
            save(path, spoilt(source.read_bytes(), chance))
        made.append(path)
    return made


def test_damaged_files_end_as_text_or_reason(tmp_path):
    paths = damaged(tmp_path, int(os.environ.get("QUOTEWELL_FUZZ", "200")))
    begun, slowest, seen = time.monotonic(), 0.0, []
    for path, result in extract_all(paths, Limits(seconds=10)):
        slowest = max(slowest, time.monotonic() - begun)
        begun = time.monotonic()
        seen.append((path, result))
        assert len(str(result)) > len(str(path)) + 20
        if isinstance(result, Extract):
            assert result.text.strip()
            assert list(result.pages) == sorted(result.pages)
            assert all(0 <= page <= len(result.text) for page in result.pages)
    assert [path for path, _ in seen] == paths
    assert slowest < 12
    errors = [str(result) for _, result in seen if isinstance(result, ExtractError)]
    broken = [error for error in errors if "cannot be parsed" in error or "ended the program" in error]
    print(
        f"{len(seen)} files, {len(errors)} refused, {len(broken)} of them by a parser's fault, slowest {slowest:.2f} s"
    )
    print(*sorted({error.split(" ", 1)[1][:150] for error in broken}), sep="\n")
    assert {path.suffix for path in paths} <= SUFFIXES


@pytest.mark.parametrize(
    ("name", "data", "title"),
    [
        ("a.md", "# After a knee operation #\n\nRest.", "After a knee operation"),
        ("a.md", "\n\nAfter a knee operation\n===\n\nRest.", "After a knee operation"),
        ("a.md", "## Not the first level\n\nRest.", None),
        ("a.md", "Rest the knee.\n\n# Later on\n\nWalk.", None),
        ("a.md", "#" + " \t" * 50_000 + "\n\nRest.", None),
        ("a.md", "#hashtag\n\nRest.", None),
        ("a.txt", "# Not Markdown\n\nRest.", None),
    ],
)
def test_the_title_of_markdown_is_the_heading_it_begins_with(tmp_path, name, data, title):
    assert extract(save(tmp_path / name, data.encode())).title == title


MARKDOWN = """---
title: "After a knee operation"
author: A. Person
date: 2024-05-02
url: javascript:alert(1)
---
# Rest first

**Do not** [drive](https://example.org/x) for *two* weeks,
says `the sheet`.  
Ask &amp; wait.

* Walk
  1. slowly \\*
  2. with help

     of a friend
* Sleep

> Cold helps.

| When | What |
|------|------|
| day 1 | rest |

<script>alert(1)</script>

![a picture](x.png)
"""


def test_markdown_is_read_as_its_page_shows_it(tmp_path):
    found = extract(save(tmp_path / "a.md", MARKDOWN.encode()))
    assert found.text == (
        "Rest first\n\nDo not drive for two weeks, says the sheet.\n\nAsk & wait.\n\n- Walk\n- slowly *\n"
        "- with help\n\nof a friend\n\n- Sleep\n\nCold helps.\n\nWhen; What\nday 1; rest\n"
    )
    stated = (found.title, found.author, found.published, found.url)
    assert stated == ("After a knee operation", "A. Person", "2024-05-02", None)
    assert [warning.split(" ")[0] for warning in found.warnings] == ["tables", "HTML"]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            "Dose is 10<sup>6</sup> units.<br>Take it daily.<br/>Never more.",
            "Dose is 10^6 units.\n\nTake it daily.\n\nNever more.",
        ),
        ("A **b<b>ol</b>d** word, H<sub>2</sub>O<kbd>x</kbd>y.", "A bold word, H2O x y."),
        ("| take 5 mg<br>twice | a |\n|---|---|\n| b | c |", "take 5 mg twice; a\nb; c"),
        ("---\n\nToe fractures heal in four weeks.\n\n---\n\nMore.", "Toe fractures heal in four weeks.\n\nMore."),
    ],
)
def test_markdown_joins_and_drops_no_words(tmp_path, source, text):
    assert extract(save(tmp_path / "a.md", source.encode())).text == text + "\n"


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("title: \"Hands: a guide, with 'quotes'\"", "Hands: a guide, with 'quotes'"),
        ('title: Hips: what "to" expect', 'Hips: what "to" expect'),
        ("title: [a, list]", None),
        ("title:", None),
    ],
)
def test_a_title_of_front_matter_may_hold_quotes(tmp_path, line, title):
    assert extract(save(tmp_path / "a.md", f"---\n{line}\n---\nRest.".encode())).title == title


@pytest.mark.parametrize(
    ("front", "author"),
    [
        ("---\nauthor: [Ann Lee, 'Bo Ray']\n---", "Ann Lee, Bo Ray"),
        ('---\nauthors:\n  - Ann Lee\n  - "Bo Ray"\ntitle: x\n---', "Ann Lee, Bo Ray"),
        ("---\nauthors: Ann Lee\n---", "Ann Lee"),
        ("---\nauthor:\ntags:\n  - knees\n---", None),
        ('+++\ntitle = "x"\nauthors = ["Ann Lee", "Bo Ray"]\ndate = 2024-05-02\n+++', "Ann Lee, Bo Ray"),
        ('+++\nauthor = "Ann Lee"\n+++', "Ann Lee"),
    ],
)
def test_authors_of_front_matter(tmp_path, front, author):
    found = extract(save(tmp_path / "a.md", f"{front}\n\nRest.".encode()))
    assert (found.author, found.text) == (author, "Rest.\n")
    assert found.published == ("2024-05-02" if "date" in front else None)


def test_words_between_plus_signs_stay(tmp_path):
    assert "Walk slowly." in extract(save(tmp_path / "a.md", b"+++\nWalk slowly.\n+++\n\nRest.")).text


@pytest.mark.parametrize("data", ["<!-- nothing -->", "---\ntitle: x\n---\n", "![only a picture](x.png)"])
def test_markdown_that_shows_no_words_is_refused(tmp_path, refused, data):
    assert "no words that a reader would see" in refused(save(tmp_path / "a.md", data.encode()))


@pytest.mark.parametrize(
    "data", [">" * 5000 + " deep", "- " * 5000 + "deep", "[" * 50_000, "*a_" * 20_000, "`" * 40_000]
)
def test_markdown_made_to_hang_is_read_or_refused_in_time(tmp_path, data):
    start = time.monotonic()
    with suppress(ExtractError):
        extract(save(tmp_path / "a.md", f"Words that stay.\n\n{data}".encode()))
    assert time.monotonic() - start < 20
