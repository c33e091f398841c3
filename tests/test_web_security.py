"""The ways a mounted Gradio app leaks files or runs foreign script, each tried for real."""

import json

import httpx
import pytest


@pytest.fixture(scope="module")
def client(site):
    with httpx.Client(base_url=site, timeout=30) as opened:
        yield opened


@pytest.fixture(scope="module")
def canary(tmp_path_factory):
    path = tmp_path_factory.mktemp("canary") / "secret.txt"
    path.write_text("CANARY-7731")
    return path


def file_data(path):
    return {"path": str(path), "meta": {"_type": "gradio.FileData"}, "orig_name": "a.txt"}


@pytest.mark.parametrize(
    "route", ["/gradio_api/call/ask", "/gradio_api/run/ask", "/gradio_api/api/ask", "/gradio_api/queue/join"]
)
def test_direct_calls_are_closed(client, route, canary):
    assert client.post(route, json={"data": [file_data(canary), None]}).status_code == 403


def test_no_event_gives_a_file_of_the_server(client, canary):
    """Every event of the page is sent a server path where it takes input; the file never comes back."""
    config = client.get("/config").json()
    for number in range(len(config["dependencies"])):
        inputs = config["dependencies"][number]["inputs"]
        for shape in (file_data(canary), [file_data(canary)], {"text": "x", "files": [file_data(canary)]}):
            session = f"s{number}"
            body = {"data": [shape] * len(inputs), "fn_index": number, "session_hash": session, "trigger_id": 1}
            seen = client.post("/gradio_api/run/predict", json=body).text
            assert "CANARY-7731" not in seen
            assert "/gradio_api/file=" not in seen


@pytest.mark.parametrize("prefix", ["/gradio_api/file=", "/file=", "/gradio_api/file/", "/gradio_api/proxy="])
def test_files_and_proxy_are_closed(client, canary, prefix):
    response = client.get(prefix + str(canary))
    assert response.status_code in (403, 404)
    assert "CANARY" not in response.text


@pytest.mark.parametrize("path", ["/gradio_api/info%0a", "/gradio_api%0a/info", "/gradio_api/upload%0a", "/login%0a"])
def test_a_line_break_in_the_address_opens_nothing(client, path):
    assert client.get(path).status_code in (403, 404)
    assert client.post(path).status_code in (403, 404)


def test_gradios_own_check_of_paths_is_on(answerer, tmp_path):
    """Mounting leaves it off; the console takes files, and the chat must not begin to."""
    from bot.accounts import Accounts
    from bot.live import Live
    from bot.web import build_app

    app = build_app(Live(answerer), accounts=Accounts(tmp_path / "staff.json"))
    mounted = [route.app for route in app.routes if hasattr(getattr(route, "app", None), "get_blocks")]
    assert [app.get_blocks().has_launched for app in mounted] == [True, True]


def test_stopping_does_not_wait_for_open_pages(built):
    import socket
    import subprocess
    import sys
    import time

    from conftest import ROOT

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    call = [sys.executable, "-m", "bot", "serve", "--port", str(port), "--index", str(built.index)]
    with subprocess.Popen(call, cwd=ROOT, stderr=subprocess.DEVNULL) as process:
        for _ in range(300):
            try:
                httpx.get(f"http://127.0.0.1:{port}/healthz")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        with httpx.stream("GET", f"http://127.0.0.1:{port}/gradio_api/heartbeat/abc", timeout=30) as page:
            assert page.status_code == 200
            process.terminate()
            process.wait(timeout=15)


def test_nobody_can_upload(client):
    response = client.post("/gradio_api/upload", files={"files": ("evil.exe", b"MZ")})
    assert response.status_code == 403


@pytest.mark.parametrize("path", ["/", "/config", "/api/ask", "/sources", "/healthz"])
def test_other_sites_may_not_read_answers(client, path):
    headers = {"origin": "https://evil.example", "host": "clinic.example"}
    response = client.options(path, headers=headers | {"access-control-request-method": "POST"})
    assert "access-control-allow-origin" not in response.headers
    assert "access-control-allow-origin" not in client.get(path, headers=headers).headers


def test_other_sites_may_not_ask(client):
    response = client.post("/api/ask", json={"question": "x"}, headers={"sec-fetch-site": "cross-site"})
    assert response.status_code == 403


@pytest.mark.parametrize("path", ["/", "/sources", "/api/ask", "/nowhere"])
def test_security_headers_are_everywhere(client, path):
    headers = client.get(path).headers
    assert "frame-ancestors 'self'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "path",
    ["/gradio_api/info", "/gradio_api/openapi.json", "/gradio_api/runs", "/monitoring", "/login", "/gradio_api/mcp"],
)
def test_what_no_page_needs_is_closed(client, path):
    assert client.get(path).status_code in (403, 404)


def test_the_log_is_never_an_input(client):
    """A chatbot or file component as input is what lets a client name files: none may be one."""
    config = client.get("/config").json()
    types = {component["id"]: component["type"] for component in config["components"]}
    given = {types[i] for dependency in config["dependencies"] for i in dependency["inputs"]}
    assert given <= {"textbox", "state", "button"}
    assert config["analytics_enabled"] is False


def test_flooding_gets_a_message_that_still_shows_where_help_is(built, answerer):
    from web import serving

    from bot.answer import open_answerer

    slow = open_answerer(built.model_copy(update={"questions_per_minute": 3}))
    with serving(slow) as address, httpx.Client(base_url=address, timeout=60) as client:
        answers = [client.post("/api/ask", json={"question": "how long"}) for _ in range(5)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429, 429]
    assert "911" in answers[-1].json()["message"]
    assert "988" in answers[-1].json()["message"]
    assert json.loads(answers[-1].text)["disclaimer"]


def test_a_port_in_use_is_one_line(built):
    import subprocess
    import sys

    from conftest import ROOT

    from bot.web import listen

    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        call = [sys.executable, "-m", "bot", "serve", "--port", str(port), "--index", str(built.index)]
        done = subprocess.run(call, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 3
    assert f"Port {port} is in use. Set BOT_PORT" in done.stderr
    assert "Traceback" not in done.stderr
