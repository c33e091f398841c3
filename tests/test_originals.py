"""The file that a text was taken from: saved by staff, by patients only where the clinic allows it, never run."""

import re
from datetime import date

import httpx
import pytest
from files import fpdf_pdf, page, prose
from test_staff_security import PASSWORD
from web import serving

from bot.accounts import Accounts
from bot.answer import open_answerer
from bot.build import build_index
from bot.ingest import add_files
from bot.sidecar import set_status
from bot.types import ReviewStatus

HTML = page([prose(3), prose(4)]).replace("</body>", "<script>window.pwned = 1</script></body>")


@pytest.fixture(scope="module")
def clinic(small_index, tmp_path_factory):
    """Settings of a library with a plain text, a PDF, a web page, and one article that is still under review."""
    small = small_index({"rest-at-home": "Rest the joint for two days. Then move it gently twice a day."})
    home = tmp_path_factory.mktemp("new")
    fpdf_pdf(home / "leaflet.pdf", [prose(1), prose(2)])
    (home / "a-page.html").write_text(HTML, encoding="utf-8")
    fpdf_pdf(home / "fresh.pdf", [prose(8), prose(9)])
    assert all(hasattr(one, "article") for one in add_files([home], small.corpus))
    for name in ("leaflet", "a-page"):
        set_status(small.corpus, name, ReviewStatus.APPROVED, by="a test", on=date(2026, 1, 31))
    build_index(small)
    return small.model_copy(update={"data": home / "data", "questions_per_minute": 100_000}), home


def get(settings, path, **more):
    with serving(open_answerer(settings), **more) as address:
        return httpx.get(address + path, timeout=60)


@pytest.mark.parametrize("name", ["leaflet.pdf", "a-page.html"])
def test_patients_save_it_where_the_clinic_allows_it(clinic, name):
    settings, home = clinic
    allowed = settings.model_copy(update={"originals": True})
    reply = get(allowed, f"/original/{name.split('.')[0]}")
    assert reply.content == (home / name).read_bytes()
    assert reply.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert reply.headers["content-type"] == "application/octet-stream"  # a page of it would run its script
    assert reply.headers["x-content-type-options"] == "nosniff"
    reader = get(allowed, f"/article/{name.split('.')[0]}").text
    assert f'href="../original/{name.split(".")[0]}"' in reader
    assert "ads and claims" in reader


@pytest.mark.parametrize("path", ["/original/leaflet", "/original/fresh", "/original/none", "/original/..%2fleaflet"])
def test_without_the_setting_patients_get_nothing(clinic, path):
    reply = get(clinic[0], path)
    assert reply.status_code == 404
    assert "%PDF" not in reply.text
    assert "/original/" not in get(clinic[0], "/article/leaflet").text


@pytest.mark.parametrize("path", ["/original/fresh", "/original/rest-at-home", "/original/leaflet.pdf"])
def test_what_patients_may_not_see_stays_closed_with_the_setting(clinic, path):
    assert get(clinic[0].model_copy(update={"originals": True}), path).status_code == 404


def test_a_file_that_was_changed_or_led_elsewhere_is_not_given(clinic, tmp_path):
    settings, home = clinic
    allowed, file = settings.model_copy(update={"originals": True}), settings.corpus / "leaflet.pdf"
    with serving(open_answerer(allowed)) as address:
        file.write_bytes(b"something else")
        assert httpx.get(f"{address}/original/leaflet", timeout=60).status_code == 404
        file.unlink()
        assert httpx.get(f"{address}/original/leaflet", timeout=60).status_code == 404
        outside = tmp_path / "leaflet.pdf"
        outside.write_bytes((home / "leaflet.pdf").read_bytes())
        file.symlink_to(outside)
        assert httpx.get(f"{address}/original/leaflet", timeout=60).status_code == 404
        file.unlink()
        file.write_bytes((home / "leaflet.pdf").read_bytes())
        assert httpx.get(f"{address}/original/leaflet", timeout=60).status_code == 200


def test_staff_save_also_that_of_an_article_under_review(clinic):
    settings, home = clinic
    accounts = Accounts(settings.data / "staff.json")
    accounts.add("jane", PASSWORD)
    with (
        serving(open_answerer(settings), accounts=accounts) as address,
        httpx.Client(base_url=address, timeout=60) as client,
    ):
        assert client.get("/staff/original/fresh").status_code == 401
        token = re.search(r'name="token" value="([^"]+)"', client.get("/staff/login").text)[1]
        client.post("/staff/login", data={"name": "jane", "password": PASSWORD, "token": token})
        assert client.get("/staff/original/fresh").content == (home / "fresh.pdf").read_bytes()
        assert client.get("/staff/original/rest-at-home").status_code == 404
        assert client.get("/staff/original/none").status_code == 404
