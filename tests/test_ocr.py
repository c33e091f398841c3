"""Words read off scanned pages, by the real OCRmyPDF and Tesseract."""

import tomllib
from datetime import date
from shutil import which

import pytest
from files import reportlab_pdf
from PIL import Image, ImageDraw, ImageFont

from bot.build import read_corpus
from bot.extract import ExtractError
from bot.ingest import Added, Refused, add_files
from bot.lint import lint
from bot.ocr import recognised

SAID = ["Rest the knee for two days after the injection.", "Then walk a little more each day."]
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    """A PDF of one picture with words on it, as a scanner makes it."""
    assert which("tesseract"), "install tesseract-ocr and ghostscript, as .ci/run does"
    page = Image.new("L", (1240, 1754), 255)
    font = ImageFont.load_default(40)
    for number, line in enumerate(SAID):
        ImageDraw.Draw(page).text((120, 200 + 90 * number), line, fill=0, font=font)
    path = tmp_path_factory.mktemp("scan") / "knee-leaflet.pdf"
    page.save(path, resolution=150)
    return path


def test_a_scan_is_refused_without_ocr_and_says_how(scan, tmp_path):
    (found,) = add_files([scan], tmp_path / "corpus")
    assert isinstance(found, Refused)
    assert "--ocr" in found.reason


def test_its_words_become_an_article_that_says_where_they_are_from(scan, tmp_path):
    corpus = tmp_path / "corpus"
    (found,) = add_files([scan], corpus, ocr=True)
    assert isinstance(found, Added)
    assert "read off pictures" in found.warnings[0]
    text = " ".join((corpus / "knee-leaflet.txt").read_text().split())
    assert all(line in text for line in SAID)
    sidecar = tomllib.loads((corpus / "knee-leaflet.toml").read_text())
    assert sidecar["ocr"] is True
    assert sidecar["review"]["status"] == "review"
    assert (corpus / "knee-leaflet.pdf").read_bytes() == scan.read_bytes()  # the scan itself is kept, not the copy
    content = read_corpus(corpus)
    assert "ocr" in {f.rule for f in lint(content.articles, content.passages, today=date(2026, 1, 1))}


def test_a_pdf_with_words_keeps_them(tmp_path):
    path = reportlab_pdf(tmp_path / "a.pdf", SAID)
    (found,) = add_files([path], tmp_path / "corpus", ocr=True)
    assert isinstance(found, Added)
    assert SAID[0] in (tmp_path / "corpus" / "a.txt").read_text()


def test_a_broken_scan_and_one_that_takes_too_long_are_refused(scan, tmp_path):
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(scan.read_bytes()[:3000])
    with pytest.raises(ExtractError, match="cannot be recognised"), recognised(broken):
        pass
    with pytest.raises(ExtractError, match="given up after"), recognised(scan, seconds=0.05):
        pass
