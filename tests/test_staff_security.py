"""The door of the staff console, attacked over a real server: what holds today must hold tomorrow."""

import asyncio
import csv
import gc
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import anyio
import httpx
import pytest
from conftest import ROOT
from fastapi import FastAPI
from web import serving

from bot.accounts import Accounts
from bot.answer import Answerer
from bot.journal import Journal
from bot.web.desk import Limiter
from bot.web.guard import Guard
from bot.web.login import COOKIE, IDLE, LOCKED, LONGEST, TOKEN, Lockout, Sessions, StaffWall, login_routes

PASSWORD = "a long enough one"
ASKED = "does the zebra lamp hurt my knee"  # stands in the journal: nobody but staff may ever get it
FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1")
HOSTILE = "<script>window.pwned=1</script><img src=x onerror=window.pwned=1> ${window.pwned=1} {{window.pwned=1}} knee"
STAFF_ONLY = (b"zebra lamp", b"inspect-question", b"journal-go", b"keep-publish", b"CANARY")


class Door:
    """The running server, and ways to knock."""

    def __init__(self, address, settings, accounts, journal, canary):
        self.address, self.settings, self.accounts = address, settings, accounts
        self.journal, self.canary, self.host = journal, canary, urlsplit(address).netloc

    def client(self, visitor="127.0.0.1"):
        """A visitor with an address of their own."""
        # No connection is used twice: the server may just be closing one that was idle.
        wire = httpx.HTTPTransport(local_address=visitor, limits=httpx.Limits(max_keepalive_connections=0))
        return httpx.Client(base_url=self.address, timeout=60, transport=wire)

    def raw(self, method, path, *headers, body=b""):
        """Send a path that no client library would leave as it is; return status, headers and body in one."""
        lines = (f"{method} {path} HTTP/1.1", f"Host: {self.host}", "Connection: close", *headers)
        if body:
            lines = (*lines, f"Content-Length: {len(body)}")
        with socket.create_connection(("127.0.0.1", int(self.host.split(":")[1])), timeout=30) as wire:
            wire.sendall("\r\n".join((*lines, "", "")).encode() + body)
            return b"".join(iter(lambda: wire.recv(65536), b""))


@pytest.fixture(scope="module")
def door(built, answerer, tmp_path_factory):
    home = tmp_path_factory.mktemp("door")
    shutil.copytree(ROOT / "corpus", home / "corpus")
    settings = built.model_copy(
        update={"corpus": home / "corpus", "data": home / "data", "questions_per_minute": 100_000}
    )
    accounts, journal = Accounts(settings.data / "staff.json"), Journal(settings.data / "journal.db")
    accounts.add("jane", PASSWORD)
    canary = home / "secret.txt"
    canary.write_text("CANARY-7731 is a secret of the server that no file component may ever read.\n" * 5)
    # Python before 3.11.8 fails to parse a module when rubbish with a warning is collected meanwhile, as Gradio leaves
    # some: so what is imported late is imported now, and the rubbish goes at moments of our choice.
    anyio.open_file  # noqa: B018
    with serving(Answerer(answerer.library, settings), journal=journal, accounts=accounts) as address:
        door = Door(address, settings, accounts, journal, canary)
        with door.client() as client:
            ask(client, ASKED)
        gc.collect()
        yield door
    journal.close()
    gc.collect()


@pytest.fixture(scope="module")
def jane(door):
    """A client with a session."""
    with door.client("127.0.0.9") as client:
        assert enter(client).status_code == 303
        yield client


def token_of(client):
    return re.search(r'name="token" value="([^"]+)"', client.get("/staff/login").text)[1]


def enter(client, name="jane", password=PASSWORD, **headers):
    form = {"name": name, "password": password, "token": token_of(client)}
    return client.post("/staff/login", data=form, headers=headers)


def is_in(client, secret=None):
    cookies = {} if secret is None else {"cookie": f"{COOKIE}={secret}"}
    return client.get("/staff/config", headers=cookies).status_code == 200


def ask(client, question):
    return client.post("/api/ask", json={"question": question}).json()["trace_id"]


def say(client, code, reason="", **more):
    return client.post("/api/feedback", json={"trace_id": code, "reason": reason} | more)


def rows(client, query=""):
    return list(csv.DictReader(io.StringIO(client.get(f"/staff/journal.csv?{query}").text, newline="")))


def call(client, prefix, number, data, session="s1"):
    """Call one event of a page and return all that comes back."""
    body = {"data": data, "fn_index": number, "session_hash": session, "trigger_id": 1}
    return client.post(f"{prefix}/gradio_api/run/predict", json=body).text


# The wall.

BELOW = """/staff /staff/ /staff/config /staff/config/ /staff/journal.csv /staff/journal.jsonl /staff/gaps.csv
/staff/assets/index.js /staff/theme.css /staff/manifest.json /staff/openapi.json /staff/login_check /staff/user
/staff/static/img/logo.svg /staff/svelte/x /staff/monitoring /staff/file=CANARY_PATH /staff/upload /staff/logout
/staff/gradio_api/info /staff/gradio_api/queue/join /staff/gradio_api/queue/data?session_hash=a
/staff/gradio_api/upload /staff/gradio_api/upload/ /staff/gradio_api/file=CANARY_PATH /staff/gradio_api/file/CANARY_PATH
/staff/gradio_api/run/show /staff/gradio_api/call/show /staff/gradio_api/heartbeat/x /staff/gradio_api/app_id
/staff/gradio_api/stream/a /staff/gradio_api/openapi.json /staff/gradio_api/upload_progress?upload_id=a
/staff/gradio_api/startup-events /staff/gradio_api/proxy=http://127.0.0.1/ /staff/gradio_api/queue/status
//staff //staff/ //staff/config ///staff/config /staff//config /staff//journal.csv /Staff/config /STAFF/CONFIG
/staff/./config /staff/../staff/config /./staff/config /x/../staff/config /staff/login/../config
/staff/login/../journal.csv /staff/login/..%2fconfig /staff/login%2f..%2fconfig /%2fstaff/config /staff%2fconfig
/%73taff/config /staff%252fconfig /staff%0a /staff/%0a /staff/config%0a /staff%0a/config /staff/login%0a /staff/login/
/staff/login/config /staff/login;/config /staff;x=1/config /staff%00/config /staff%5cconfig /staff.json /staff?/config
/staff/login?/../config /gradio_api/../staff/config /gradio_api/queue/join/../../../staff/config""".split()


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT"])
def test_nobody_gets_anything_of_staff_without_a_session(door, method):
    for path in BELOW:
        for cookie in (
            (),
            ("Cookie: quotewell_staff=forged",),
            ("Cookie: quotewell_staff=", "Authorization: Basic amFuZTp4"),
        ):
            answer = door.raw(method, path.replace("CANARY_PATH", str(door.canary)), *cookie)
            code = int(answer[9:12])
            # "/staff?..." and the like are the page itself: it sends people to the form.
            assert code in (303, 401, 403, 404, 405, 422) or path.startswith("/staff/login?"), (path, answer[:80])
            assert code != 303 or b"location: /staff/login\r\n" in answer, path
            assert not any(mark in answer for mark in STAFF_ONLY), path


@pytest.mark.parametrize(
    "path", [p for p in BELOW if re.search(r"file|upload/?$|stream|proxy|openapi|info|run|call", p)]
)
def test_a_session_opens_no_more_than_the_console_needs(door, jane, path):
    cookie = f"Cookie: {COOKIE}={jane.cookies[COOKIE]}"
    answer = door.raw("GET", path.replace("CANARY_PATH", str(door.canary)), cookie)
    assert b"CANARY" not in answer
    if "/gradio_api/" in path and "/upload" not in path:
        assert answer[9:12] in (b"401", b"403", b"404")


@pytest.mark.parametrize("path", ["/", "/openapi.json", "/docs", "/config", "/sources", "/sources.json", "/healthz"])
def test_what_patients_get_says_nothing_of_staff(door, jane, path):
    headers = {"cookie": f"{COOKIE}={jane.cookies[COOKIE]}"}
    for answer in (door.raw("GET", path), httpx.get(door.address + path, headers=headers, timeout=30).content):
        assert b"/staff" not in answer
        assert not any(mark in answer for mark in STAFF_ONLY)


def test_signing_in_opens_it_and_the_short_address_leads_there(door, jane):
    assert b"inspect-question" in jane.get("/staff/config").content
    assert "zebra lamp" in jane.get("/staff/journal.csv").text
    assert jane.get("/staff").headers["location"] == "/staff/"


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"x-forwarded-host": "evil.example"},
        {"x-original-url": "/"},
        {"x-rewrite-url": "/healthz"},
        {"x-http-method-override": "GET"},
    ],
)
def test_no_header_opens_the_wall(door, headers):
    with door.client() as client:
        for path in ("/staff/config", "/staff/journal.csv"):
            assert client.get(path, headers=headers).status_code == 401
        assert "evil.example" not in client.get("/staff/login", headers=headers).text
        assert client.get("/staff/", headers=headers).headers["location"] == "/staff/login"


def alone(work):
    """Run a coroutine in a thread of its own: the browser's tests leave a running loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result(timeout=60)


def test_a_websocket_is_no_way_in(door):
    wish = ("Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    for path in ("/staff/config", "/staff/gradio_api/queue/join", "/gradio_api/queue/join"):
        assert door.raw("GET", path, *wish)[9:12] in (b"401", b"403", b"405")
    sent = []

    async def send(message):
        sent.append(message["type"])

    guard = Guard(None, limiter=Limiter(1), say=lambda name: {})
    alone(guard({"type": "websocket", "path": "/staff/", "headers": []}, None, send))
    assert sent == ["websocket.close"]  # a server that speaks it must get an answer


# Queues and files.


def test_the_patients_queue_does_not_call_the_console(door, jane):
    staffs = {d["id"]: len(d["inputs"]) for d in jane.get("/staff/config").json()["dependencies"]}
    patients = {d["id"] for d in jane.get("/config").json()["dependencies"]}
    with door.client() as client:
        for number, inputs in staffs.items():
            told = call(client, "", number, [""] * inputs, f"p{number}") if number not in patients else ""
            told += call(client, "/staff", number, [""] * inputs, f"p{number}")
            assert not any(mark.decode() in told for mark in STAFF_ONLY), number
        # Those whose numbers both pages have are the patients' own.
        for number in patients & set(staffs):
            for count in {staffs[number], 2}:
                told = call(client, "", number, [ASKED] * count, f"q{number}{count}")
                assert not any(mark.decode() in told for mark in STAFF_ONLY[1:]), number


def test_nothing_of_staff_waits_in_a_queue_where_others_could_fetch_it(door, jane):
    names = {d["api_name"]: d["id"] for d in jane.get("/staff/config").json()["dependencies"]}
    form = ["", "any", "any", "any", "", "", "", "any"]
    body = {"data": form, "fn_index": names["newest"], "session_hash": "theirs", "trigger_id": 1}
    assert "zebra lamp" in jane.post("/staff/gradio_api/run/predict", json=body).text
    with door.client() as client:
        for who in (client, jane):
            for prefix in ("", "/staff"):
                assert who.post(f"{prefix}/gradio_api/queue/join", json=body).status_code in (401, 403)
                assert who.get(f"{prefix}/gradio_api/queue/data?session_hash=theirs").status_code in (401, 403)


def test_the_file_component_reads_no_file_of_the_server(door, jane):
    names = {d["api_name"]: d["id"] for d in jane.get("/staff/config").json()["dependencies"]}
    before = sorted(door.settings.corpus.iterdir())
    path, meta = str(door.canary), {"_type": "gradio.FileData"}
    shapes = [
        {"path": path, "meta": meta},
        {"path": path},
        {"path": path, "meta": {}},
        {"path": path, "meta": {"_type": "x"}},
        {"path": path, "meta": None},
        {"path": path, "meta": meta, "is_stream": True},
        path,
        {"path": "file://" + path, "meta": meta},
        {"path": "/gradio_api/file=" + path, "meta": meta},
        {"path": f"/tmp/gradio/../..{path}", "meta": meta},
        {"path": door.address + "/sources.json", "meta": meta},
        {"path": "a.txt", "url": "file://" + path, "meta": meta},
        {"path": "/etc/passwd", "orig_name": "a.txt", "meta": meta},
    ]
    for number, shape in enumerate(shapes):
        for value in ([shape], shape):
            told = call(jane, "/staff", names["add"], [value, None], f"f{number}{isinstance(value, list)}")
            assert told.startswith('{"error":'), shape
            assert "CANARY" not in told
    # The other events take words, never files: a file's shape gets nothing out of them.
    for name in ("show", "find", "picked", "quoted", "withhold", "undo"):
        inputs = next(
            len(d["inputs"]) for d in jane.get("/staff/config").json()["dependencies"] if d["api_name"] == name
        )
        told = call(jane, "/staff", names[name], [shapes[0]] * inputs, f"w{name}")
        assert "CANARY" not in told
        assert "gradio_api/file=" not in told
    assert sorted(door.settings.corpus.iterdir()) == before


def test_article_names_lead_nowhere_else(door, jane):
    names = {d["api_name"]: d["id"] for d in jane.get("/staff/config").json()["dependencies"]}
    outside = door.settings.corpus.parent / "outside.toml"
    outside.write_text('title = "x"\n')
    for article in ("../outside", str(outside.with_suffix("")), "..%2foutside"):
        told = call(jane, "/staff", names["set_status"], [article, "approved"], f"a{len(article)}")
        assert told.startswith('{"error":')
    assert outside.read_text() == 'title = "x"\n'


@pytest.mark.parametrize(
    "name",
    [
        "../../evil.txt",
        "/etc/evil.txt",
        "..\\..\\evil.txt",
        "..%2f..%2fevil.txt",
        "a/../evil.txt",
        "..",
        "evil.txt\0.exe",
        "x" * 300 + ".txt",
        "<script>.txt",
    ],
)
def test_uploads_need_a_session_and_stay_in_their_folder(door, jane, name):
    import tempfile
    from pathlib import Path

    files = {"files": (name, f"uploaded as {name!r}".encode())}
    with door.client() as client:
        for path in (
            "/gradio_api/upload",
            "/upload",
            "/staff/gradio_api/upload",
            "/staff/upload",
            "/staff/gradio_api/upload/",
        ):
            assert client.post(path, files=files).status_code in (401, 403, 404, 405)
    answer = jane.post("/staff/gradio_api/upload", files=files)
    assert answer.status_code in (200, 400)
    for path in answer.json() if answer.status_code == 200 else ():
        kept = Path(path).resolve()
        assert kept.parent.parent == (Path(tempfile.gettempdir()) / "gradio").resolve()
        kept.unlink()


# The form.


def test_five_wrong_passwords_lock_that_name_for_that_visitor_only(door):
    with door.client("127.0.0.2") as guesser, door.client("127.0.0.3") as other:
        seen = [enter(guesser, password="a wrong guess") for _ in range(7)]
        assert [answer.status_code for answer in seen] == [401] * 5 + [429] * 2
        locked = enter(guesser)
        assert (locked.status_code, COOKIE in locked.cookies) == (429, False)
        assert enter(other).status_code == 303
        assert enter(guesser, name="joe").status_code == 401  # the other name is not closed
        assert enter(guesser, name=" JANE ").status_code == 429  # but the same one written in another way is


def test_guesses_at_the_same_moment_are_counted_too(door):
    def guess(_):
        with door.client("127.0.0.4") as guesser:
            form = {"name": "jane", "password": "a wrong guess", "token": "t"}
            return guesser.post("/staff/login", data=form, headers={"cookie": f"{TOKEN}=t"}).status_code

    with ThreadPoolExecutor(20) as pool:
        codes = list(pool.map(guess, range(20)))
    assert sorted(codes) == [401] * 5 + [429] * 15


def test_other_headers_make_no_other_visitor(door):
    with door.client("127.0.0.5") as guesser:
        codes = [
            enter(guesser, password="a wrong guess", **{"x-forwarded-for": f"10.0.0.{n}", "x-real-ip": f"10.0.0.{n}",
                  "forwarded": f"for=10.0.0.{n}", "true-client-ip": f"10.0.0.{n}"}).status_code
            for n in range(6)
        ]  # fmt: skip
    assert codes == [401] * 5 + [429]


def test_trying_many_names_is_closed_as_well():
    now = [0.0]
    lockout = Lockout(clock=lambda: now[0])
    assert sum(lockout.take("v", f"name{n}") for n in range(100)) == 30
    assert not lockout.take("v", "jane")
    assert lockout.take("w", "jane")
    now[0] = LOCKED + 1
    assert lockout.take("v", "jane")
    lockout.right("v", "jane")
    for _ in range(5):
        assert lockout.take("v", "jane")
    assert not lockout.take("v", "jane")


def test_signing_in_oneself_gives_no_more_guesses_at_others():
    """Somebody with an account must not clear the count by signing in between."""
    lockout = Lockout(clock=lambda: 0.0)
    guesses = 0
    for _ in range(50):
        guesses += lockout.take("v", "jane")
        if lockout.take("v", "joe"):
            lockout.right("v", "joe")
    assert guesses == 5


def test_a_refusal_does_not_tell_which_names_exist(door):
    def text(answer):
        return answer.status_code, re.sub(r'name="token" value="[^"]+"', "", answer.text), sorted(answer.headers.keys())

    with door.client("127.0.0.6") as client:
        known, unknown = (text(enter(client, name=name, password="a wrong guess")) for name in ("jane", "nobody"))
        assert known == unknown
        for name in ("jane", "nobody"):
            for _ in range(4):
                enter(client, name=name, password="x")
        assert text(enter(client)) == text(enter(client, name="nobody"))


def test_the_form_needs_its_token(door):
    with door.client("127.0.0.7") as client, door.client("127.0.0.7") as other:
        form = {"name": "jane", "password": PASSWORD}
        stolen = token_of(other)
        assert client.post("/staff/login", data=form).status_code == 403  # no token at all
        assert (
            client.post("/staff/login", data=form | {"token": ""}, headers={"cookie": f"{TOKEN}="}).status_code == 403
        )
        assert client.post("/staff/login", data=form | {"token": stolen}).status_code == 403  # of another browser
        token = token_of(client)
        assert client.post("/staff/login", data=form | {"token": token + "x"}).status_code == 403
        assert (
            client.get("/staff/login", params=form | {"token": token}).status_code == 200
        )  # an address signs nobody in
        assert COOKIE not in client.cookies


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "https://evil.example"},
     {"origin": "http://127.0.0.1:1"}, {"origin": "https://evil.example", "x-forwarded-host": "evil.example"}],
)  # fmt: skip
def test_another_site_can_neither_sign_in_nor_out(door, jane, headers):
    with door.client("127.0.0.8") as client:
        assert enter(client, **headers).status_code in (401, 403)
        assert COOKIE not in client.cookies
    assert jane.post("/staff/logout", headers=headers).status_code in (401, 403)
    body = {"data": [], "fn_index": 0, "session_hash": "x", "trigger_id": 1}
    assert jane.post("/staff/gradio_api/queue/join", json=body, headers=headers).status_code in (401, 403)
    assert jane.get("/staff/journal.csv", headers=headers).status_code == 401
    assert is_in(jane)


def test_browsers_that_say_less_can_still_sign_in(door):
    """Without TLS there is no Sec-Fetch-Site, and with our referrer policy a form's origin is "null"."""
    for headers in ({"origin": "null"}, {"origin": door.address}, {"sec-fetch-site": "same-origin", "origin": "null"}):
        with door.client("127.0.0.8") as client:
            assert enter(client, **headers).status_code == 303
            assert is_in(client)


def test_no_redirect_leaves_the_site(door, jane):
    away = "?next=https://evil.example&redirect=//evil.example&url=https://evil.example"
    cookie = f"Cookie: {COOKIE}={jane.cookies[COOKIE]}"
    for path in (
        "/staff",
        "/staff/",
        "/staff/logout",
        "/staff//evil.example",
        "//evil.example/..",
        "//evil.example/%2e%2e/",
        "/staff/%2f%2fevil.example",
        "/staff/login",
        "/\\evil.example",
    ):
        for headers in ((), (cookie,), (cookie, "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https")):
            for location in re.findall(rb"(?i)\nlocation: ([^\r]*)", door.raw("GET", path + away, *headers)):
                assert re.match(rb"/(?![/\\])", location), (path, location)
    with door.client("127.0.0.8") as client:
        form = {"name": "jane", "password": PASSWORD, "token": token_of(client), "next": "//evil.example"}
        assert client.post(f"/staff/login{away}", data=form).headers["location"] == "/staff/"


def test_a_large_body_is_refused(door):
    with door.client() as client:
        for size in (300_000, 20_000_000):
            assert client.post("/staff/login", content=b"name=" + b"x" * size).status_code == 413
        assert client.post("/staff/login", content=iter([b"x" * 65536] * 8)).status_code == 413  # of unknown length


@pytest.mark.parametrize("charset", ["unicode_escape", "utf-7", "utf-16", "hex", "nonsense", "idna"])
def test_a_form_in_any_encoding_is_no_fault(door, charset):
    parts = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n\\ud800+2AA-\r\n'
        for name in ("name", "password", "token")
    )
    headers = {"content-type": f"multipart/form-data; boundary=b; charset={charset}", "cookie": f"{TOKEN}=x"}
    with door.client() as client:
        answer = client.post("/staff/login", content=f"{parts}--b--\r\n", headers=headers)
    assert answer.status_code in (400, 403, 422)
    assert "ud800" not in answer.text


# Sessions.


def flags(answer, name):
    (line,) = [one for one in answer.headers.get_list("set-cookie") if one.startswith(name + "=")]
    return {part.strip().lower() for part in line.split(";")[1:]}


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(door):
    with door.client("127.0.0.8") as client:
        assert flags(client.get("/staff/login"), TOKEN) == {"httponly", "path=/staff/login", "samesite=strict"}
        assert flags(enter(client), COOKIE) == {"httponly", "path=/staff", "samesite=strict"}
        assert not client.get("/").headers.get_list("set-cookie")


def test_cookies_are_secure_over_https(door, answerer):
    app, sessions = FastAPI(), Sessions(door.accounts)
    app.include_router(login_routes(door.accounts, sessions, answerer.words))
    app.add_middleware(StaffWall, sessions=sessions)

    async def sign_in():
        transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="https://clinic.example") as client:
            shown = await client.get("/staff/login")
            token = re.search(r'name="token" value="([^"]+)"', shown.text)[1]
            form = {"name": "jane", "password": PASSWORD, "token": token}
            return shown, await client.post("/staff/login", data=form)

    shown, entered = alone(sign_in())
    assert "secure" in flags(shown, TOKEN)
    assert "secure" in flags(entered, COOKIE)


def test_a_forged_cookie_is_nobodys(door, jane):
    real = jane.cookies[COOKIE]
    for secret in (
        "",
        "x",
        real[:-1],
        real + "x",
        real.swapcase(),
        "jane",
        "null",
        "%00",
        "*",
        '"' + real + 'x"',
        "x" * 5000,
    ):
        with door.client() as client:
            assert not is_in(client, secret), secret
    assert is_in(jane)


def test_every_sign_in_gets_a_new_secret_and_ends_the_old_session(door):
    with door.client("127.0.0.8") as client:
        client.cookies.set(COOKIE, "planted-by-somebody-else", path="/staff")
        assert enter(client).status_code == 303
        first = next(c.value for c in client.cookies.jar if c.name == COOKIE and c.value != "planted-by-somebody-else")
        client.cookies.clear()
        assert not is_in(client, "planted-by-somebody-else")
        assert is_in(client, first)
        form = {"name": "jane", "password": PASSWORD, "token": "t"}
        again = client.post("/staff/login", data=form, headers={"cookie": f"{TOKEN}=t; {COOKIE}={first}"})
        second = again.cookies[COOKIE]
        assert second != first
        assert len(second) >= 43  # 256 bits
        assert is_in(client, second)
        assert not is_in(client, first)


def test_signing_out_ends_the_session_on_the_server(door):
    with door.client("127.0.0.8") as client:
        enter(client)
        secret = client.cookies[COOKIE]
        for method in ("GET", "HEAD"):  # a link or an image must sign nobody out
            assert client.request(method, "/staff/logout").headers["location"] == "/staff/"
        assert is_in(client)
        assert client.post("/staff/logout").headers["location"] == "/staff/login"
        assert not is_in(client, secret)
        assert client.get("/staff/journal.csv", headers={"cookie": f"{COOKIE}={secret}"}).status_code == 401


def test_a_removed_account_and_a_new_password_end_sessions_at_once(door):
    with door.client("127.0.0.8") as client:
        other = Accounts(door.settings.data / "staff.json")  # as the command line of another process does it
        other.add("joe", PASSWORD)
        enter(client, name="joe")
        assert is_in(client)
        other.add("joe", PASSWORD)  # even the same one, as its salt is new
        assert not is_in(client)
        enter(client, name="joe")
        assert is_in(client)
        other.remove("joe")
        assert not is_in(client)
        assert enter(client, name="joe").status_code == 401


@pytest.fixture
def clocked(tmp_path):
    """The hands of a clock, sessions that go by it, and their accounts."""
    now, accounts = [0.0], Accounts(tmp_path / "data" / "staff.json")
    accounts.add("jane", PASSWORD)
    return now, Sessions(accounts, clock=lambda: now[0]), accounts


def test_a_session_ends_when_idle_and_after_a_working_day(clocked):
    now, sessions, accounts = clocked
    secret = sessions.open("jane", accounts.stamp("jane"))
    now[0] = IDLE - 1
    assert sessions.name_of(secret) == "jane"
    now[0] += IDLE + 1
    assert sessions.name_of(secret) is None
    now[0] -= 10  # not even when the time runs back
    assert sessions.name_of(secret) is None
    secret, began = sessions.open("jane", accounts.stamp("jane")), now[0]
    while now[0] + IDLE / 2 < began + LONGEST:
        now[0] += IDLE / 2
        assert sessions.name_of(secret) == "jane"
    now[0] = began + LONGEST
    assert sessions.name_of(secret) is None


def test_a_session_begun_while_the_account_went_away_is_none(clocked):
    _, sessions, accounts = clocked
    before = accounts.stamp("jane")
    accounts.add("jane", PASSWORD + "!")
    assert sessions.name_of(sessions.open("jane", before)) is None
    accounts.remove("jane")
    assert sessions.name_of(sessions.open("jane", accounts.stamp("jane"))) is None


def test_sessions_do_not_fill_the_memory(clocked):
    _, sessions, accounts = clocked
    stamp = accounts.stamp("jane")
    secrets = [sessions.open("jane", stamp) for _ in range(10_001)]
    assert len(set(secrets)) == 10_001
    assert len(sessions._open) == 10_000


def test_a_damaged_file_of_accounts_closes_the_console_and_nothing_else(door):
    path = door.settings.data / "staff.json"
    sound = path.read_bytes()
    with door.client("127.0.0.8") as client:
        enter(client)
        path.write_bytes(b'{"jane": {"salt": "zz"}}')
        try:
            seen = [client.get(p) for p in ("/staff/config", "/staff/login")] + [client.post("/staff/login", data={})]
            assert [answer.status_code for answer in seen] == [503] * 3
            assert all("zz" not in answer.text and str(path) not in answer.text for answer in seen)
            assert client.get("/healthz").status_code == 200
        finally:
            path.write_bytes(sound)
        assert is_in(client)


# Feedback.


def test_a_code_can_only_be_voted_on(door, jane):
    with door.client() as client:
        code = ask(client, "is there any nausea after the infusion")
        seen = [
            say(client, "zzzzzzzzzz", "x", helpful=True),
            say(client, code, "mine", helpful=True),
            say(client, code, "theirs", helpful=False),
            say(client, code, article="no-such-article", start=1, end=2),
            say(client, code, article="../../etc/passwd", start=1, end=2),
        ]
    assert {(answer.status_code, answer.content) for answer in seen} == {(204, b"")}
    assert len({tuple(sorted(set(answer.headers.keys()) - {"date"})) for answer in seen}) == 1
    (row,) = [row for row in rows(jane) if row["code"] == code]
    assert (row["helpful"], row["reason"], row["reported"]) == ("False", "theirs", "0")
    assert not [row for row in rows(jane) if row["code"] == "zzzzzzzzzz"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"trace_id": "x"},
        {"trace_id": "zzzzzzzzzz\n"},
        {"trace_id": "ZZZZZZZZZZ"},
        {"trace_id": ["zzzzzzzzzz"]},
        {"trace_id": "zzzzzzzzzz", "row": 1},
        {"trace_id": "zzzzzzzzzz", "helpful": "yes"},
        {"trace_id": "zzzzzzzzzz", "start": -1},
        {"trace_id": "zzzzzzzzzz", "start": 10**30},
        {"trace_id": "zzzzzzzzzz", "start": 1.5},
        [],
        "zzzzzzzzzz",
        None,
        {"trace_id": "zzzzzzzzzz", "reason": "x" * 2001},
        {"trace_id": "zzzzzzzzzz", "article": "x" * 201},
    ],
)
def test_feedback_of_another_shape_is_refused(door, body):
    with door.client() as client:
        answer = client.post("/api/feedback", json=body)
    assert answer.status_code == 422
    assert "x" * 50 not in answer.text


def test_feedback_of_a_hostile_text_is_no_fault(door):
    with door.client() as client:
        code = ask(client, "how long does an infusion take")
        kind = {"content-type": "application/json"}
        for reason in (r"\ud800", r"\u0000", r"\u202e", "'; DROP TABLE answers; --", r"\ud83d\ude00" * 100):
            body = f'{{"trace_id": "{code}", "reason": "{reason}"}}'
            assert client.post("/api/feedback", content=body, headers=kind).status_code in (204, 422)
        assert say(client, code, "x" * 300_000).status_code == 413
        assert client.post("/api/feedback", content=b"[" * 100_000, headers=kind).status_code in (400, 422)


def test_identifiers_never_reach_the_disk(door):
    told = {
        "jo.miller@example.org": "mail me at jo.miller@example.org",
        "555-867-5309": "call 555-867-5309 please",
        "123-45-6789": "my number is 123-45-6789",
        "Ottilie": "my name is Ottilie Quandt",
        "4111 1111 1111 1111": "card 4111 1111 1111 1111",
        "jo.cut@example.org": "x" * 480 + " jo.cut@example.org",  # across the cut at 500 characters
    }
    with door.client() as client:
        for reason in told.values():
            assert say(client, ask(client, f"does it hurt, {reason}"), reason).status_code == 204
        kept = ask(client, "does it hurt at all")
        say(client, kept, "marker of a kept reason")
    files = [file for file in door.settings.data.rglob("*") if file.is_file()]
    stored = b"".join(file.read_bytes() for file in files)
    assert b"marker of a kept reason" in stored
    for identifier in (*told, "jo.cut"):
        assert identifier.encode() not in stored, identifier
    assert {file.stat().st_mode & 0o077 for file in files} == {0}


def test_ten_thousand_posts_are_counted(built, answerer, tmp_path):
    journal = Journal(tmp_path / "data" / "journal.db")
    with serving(Answerer(answerer.library, built), journal=journal) as address:
        host, port = urlsplit(address).hostname, urlsplit(address).port
        body = b'{"trace_id": "zzzzzzzzzz", "helpful": true}'
        head = "POST /api/feedback HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length:"
        one = f"{head} {len(body)}\r\n\r\n".encode()
        codes = []
        begun = time.monotonic()
        with socket.create_connection((host, port), timeout=30) as wire:
            for _ in range(100):
                wire.sendall((one + body) * 100)
                seen = b""
                while len(found := re.findall(rb"HTTP/1.1 (\d+)", seen)) < 100:
                    seen += wire.recv(65536)
                codes += found
        allowed = built.questions_per_minute * 8 * (1 + (time.monotonic() - begun) // 60)
        assert len(codes) == 10_000
        assert set(codes) == {b"204", b"429"}
        assert codes.count(b"204") <= allowed
        assert httpx.get(address + "/healthz", timeout=60).status_code == 200
        # Without accounts there is no console behind the wall that is not there.
        for path in ("/staff", "/staff/login", "/staff/config", "/staff/journal.csv"):
            assert httpx.get(address + path, timeout=60).status_code == 404
    journal.close()


# Downloads.


def test_no_cell_is_a_formula_and_each_row_has_the_disclaimer(door, jane):
    with door.client() as client:
        for formula in FORMULAS:
            say(client, ask(client, f"{formula} does it hurt"), f"{formula} it helped")
    found = rows(jane)
    assert len([row for row in found if "1+1" in row["reason"] or "SUM" in row["reason"]]) == len(FORMULAS)
    for row in found + list(csv.DictReader(io.StringIO(jane.get("/staff/gaps.csv").text, newline=""))):
        assert "consult your physician" in row["disclaimer"]
        for name, cell in row.items():
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")), (name, cell)


def test_no_cell_is_a_formula_after_a_line_feed_or_in_full_width(door, jane):
    with door.client() as client:
        for sign in ("\n=", "\uff1d", "\uff0b", "\uff0d", "\uff20"):
            say(client, ask(client, "does it hurt at all"), f"{sign}1+1 full")
    for row in rows(jane):
        assert not row["reason"].startswith(("\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"))


HOSTILE_FILTERS = (
    """text=%22 text='%20OR%201=1-- text=a%20NEAR(b) text=* text=%00 text=col:x text=%F0%9F%98%80
text=%ff%fe text=-%22%22%22 text=((( text=AND status=%27 status=x route=%00
article=../../etc/passwd article=%27%3BDROP%20TABLE%20answers since=x since=2026-02-30
since=0001-01-01 until=9999-12-31 since=0000-00-00 since=2026-W01-1 since=%00 since=99999-01-01
below=nan below=inf below=-1e999 below=x below=1_0 below=%EF%BC%91 votes=any votes=
text=a&text=b before=1 self=1 code=x wanted=x""".split()
    + ["text=" + "x" * 8000, "text=" + "a%20" * 1000]
)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_hostile_filter_is_refused_or_finds_something(jane, kind):
    for query in HOSTILE_FILTERS:
        answer = jane.get(f"/staff/journal.{kind}?{query}")
        assert answer.status_code in (200, 400), query
        assert "Traceback" not in answer.text
        if answer.status_code == 200 and kind == "jsonl":
            assert "consult your physician" in json.loads(answer.text.splitlines()[0])["disclaimer"]
    assert "zebra lamp" in jane.get("/staff/journal.csv").text  # all is still there


def test_an_unknown_vote_is_refused(jane):
    assert jane.get("/staff/journal.csv?votes=x").status_code == 400


@pytest.mark.parametrize(
    "path",
    [
        "journal.exe",
        "journal.",
        "journal.csv.csv",
        "journal.CSV",
        "journal.%00",
        "gaps.csv?days=x",
        "gaps.csv?days=",
        "gaps.csv?days=" + "9" * 5000,
        "gaps.csv?days=-1",
        "gaps.csv?days=1e9",
    ],
)
def test_a_hostile_download_is_no_fault(jane, path):
    assert jane.get(f"/staff/{path}").status_code in (200, 400, 404, 422)


# The console in a browser.


@pytest.mark.browser
def test_a_hostile_question_runs_nothing_in_the_console(door, open_page):
    with door.client() as client:
        code = ask(client, HOSTILE)
        say(client, code, HOSTILE, helpful=False)
    page = open_page(f"{door.address}/staff/login", ready="[name=name]")
    page.fill("[name=name]", "jane")
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector("#inspect-question")
    page.get_by_role("tab", name="Journal").click()
    row = page.locator("#journal-shown tbody tr", has_text=code)
    row.wait_for(timeout=30_000)
    for text in (
        "<script>window.pwned=1</script>",
        "onerror=window.pwned=1",
        "${window.pwned=1}",
        "{{window.pwned=1}}",
    ):
        assert text in row.locator("td").nth(1).text_content()
        assert text in row.text_content().split("did not help")[1]
    page.goto(f"{door.address}/staff/?code={code}")
    page.locator("#inspect-answer", has_text="window.pwned").wait_for(timeout=30_000)
    page.locator("#inspect-told", has_text="Reason").wait_for(timeout=30_000)
    for name, ready in (("What is missing", "#gaps-shown table"), ("Overview", "#overview-told table")):
        page.get_by_role("tab", name=name).click()
        page.wait_for_selector(ready, timeout=30_000)
    page.goto(f"{door.address}/staff/?code=%3Cimg%20src=x%20onerror=window.pwned=1%3E$%7Bpwned=1%7D")
    page.locator("#inspect-told", has_text="<img src=x").wait_for(timeout=30_000)
    page.wait_for_timeout(300)
    assert page.evaluate("window.pwned") is None
    assert page.locator("img[src=x]").count() == 0


# The program as it is started.


@pytest.fixture(scope="module")
def started(built, tmp_path_factory):
    """The address and data folder of ``python -m bot serve``, with one account made by the command line."""
    home = tmp_path_factory.mktemp("started")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    call, known = [sys.executable, "-m", "bot"], os.environ | {"BOT_DATA": str(home)}
    subprocess.run(
        [*call, "staff", "add", "jane"], input=PASSWORD.encode(), check=True, cwd=ROOT, env=known, timeout=60
    )
    serve = [*call, "serve", "--port", str(port), "--index", str(built.index)]
    with subprocess.Popen(serve, cwd=ROOT, env=known, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            try:
                httpx.get(f"http://127.0.0.1:{port}/healthz")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", home
        process.terminate()
        process.wait(timeout=20)


def test_an_account_removed_by_the_command_line_is_signed_out(started):
    address, home = started
    with httpx.Client(base_url=address, timeout=60) as client:
        assert enter(client).status_code == 303
        assert is_in(client)
        call = [sys.executable, "-m", "bot", "staff", "remove", "jane", "--data", str(home)]
        subprocess.run(call, check=True, cwd=ROOT, timeout=60, stdout=subprocess.DEVNULL)
        assert not is_in(client)


def test_a_forwarding_header_makes_no_other_visitor_behind_a_local_forwarder(started):
    """A tunnel that copies bytes (ssh -R, socat) also comes from 127.0.0.1, with the header that the guesser wrote."""
    with httpx.Client(base_url=started[0], timeout=60) as client:
        codes = [
            enter(client, password="a wrong guess", **{"x-forwarded-for": f"10.0.0.{n}"}).status_code for n in range(6)
        ]
    assert codes == [401] * 5 + [429]
