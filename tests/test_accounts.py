"""The file of staff accounts: private, whole at every moment, and of no use to whoever reads it."""

import hashlib
import json
import os
import statistics
import subprocess
import sys
import threading
import time

import pytest
from conftest import ROOT

import bot.accounts
from bot.accounts import Accounts
from bot.errors import AccountError

PASSWORD = "correct horse battery"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "staff.json"


@pytest.fixture
def accounts(path):
    made = Accounts(path)
    made.add("jane", PASSWORD)
    return made


def staff(path, *call, given=b"", **environment):
    done = subprocess.run(
        [sys.executable, "-m", "bot", "staff", *call, "--data", str(path.parent)],
        input=given, capture_output=True, cwd=ROOT, timeout=60, env=os.environ | environment,
    )  # fmt: skip
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_only_the_own_user_can_read_it(accounts, path):
    old = os.umask(0)
    try:
        accounts.add("joe", PASSWORD)
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["staff.json"]


def test_a_folder_that_others_use_is_refused_and_left_as_it_is(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    with pytest.raises(AccountError, match="BOT_DATA"):
        Accounts(shared / "staff.json").add("jane", PASSWORD)
    assert shared.stat().st_mode & 0o7777 == 0o1777
    assert not list(shared.iterdir())


def test_the_stored_hash_reveals_nothing(accounts, path):
    accounts.add("joe", PASSWORD)
    stored = json.loads(path.read_text())
    jane, joe = stored["jane"], stored["joe"]
    assert jane["salt"] != joe["salt"]
    assert jane["hash"] != joe["hash"]
    digests = [hashlib.new(name, PASSWORD.encode()).hexdigest() for name in ("md5", "sha1", "sha256", "sha512")]
    for trace in (PASSWORD, PASSWORD.encode().hex(), *digests):
        assert trace not in path.read_text().lower()
    assert jane["n"] * jane["r"] * 128 >= 32 * 2**20  # bytes that each guess takes
    assert len(jane["hash"]) == 128
    cost = {name: jane[name] for name in ("n", "r", "p")}
    made = hashlib.scrypt(PASSWORD.encode(), salt=bytes.fromhex(jane["salt"]), maxmem=2**27, **cost)
    assert made.hex() == jane["hash"]


def test_only_the_right_password_opens(accounts):
    assert accounts.check("jane", PASSWORD)
    for name, password in (
        ("jane", PASSWORD + " "), ("jane", PASSWORD.upper()), ("jane", ""), ("Jane", PASSWORD), ("joe", PASSWORD),
        ("", ""),
    ):  # fmt: skip
        assert not accounts.check(name, password)


def test_what_is_too_long_is_refused_and_not_cut(accounts):
    longest = "abcde" * 40
    accounts.add("jane", longest)
    assert accounts.check("jane", longest)
    assert not accounts.check("jane", longest + "f")


@pytest.mark.parametrize(
    "password",
    ["", "short", "elevenchars", "x" * 201, " " * 12, "aaaaaaaaaaaa", "abababababab", "jane.from.the.desk",
     "JANE.from.the.DESK", "a long enough one\r", "a long\0enough one", "a long enough \udcc3\udca4"],
)  # fmt: skip
def test_a_weak_or_unusable_password_is_refused(path, password):
    accounts = Accounts(path)
    with pytest.raises(AccountError, match="password") as caught:
        accounts.add("jane.from.the.desk", password)
    assert len(password) < 5 or password not in str(caught.value)
    assert accounts.names() == ()


@pytest.mark.parametrize("password", ["twelve chars", "correct horse", "pässwörter zählen", "密码密码是很长的一个词语"])
def test_a_long_enough_password_of_any_alphabet_is_taken(path, password):
    accounts = Accounts(path)
    accounts.add("jane", password)
    assert Accounts(path).check("jane", password)


@pytest.mark.parametrize(
    "name",
    ["", "j", "Jane", "1jane", "../jane", "jane/x", "jane\n", "jäne", "j" * 41, "jane doe", "{}", "<b>", "\u212aim"],
)
def test_a_name_with_anything_else_is_refused(path, name):
    with pytest.raises(AccountError, match="cannot be a name"):
        Accounts(path).add(name, PASSWORD)
    assert not path.exists()


def test_another_process_sees_every_change_at_once(accounts, path):
    other = Accounts(path)
    assert other.names() == ("jane",)
    before = other.stamp("jane")
    assert not accounts.add("jane", PASSWORD + "!")
    assert other.stamp("jane") not in ("", before)
    assert not other.check("jane", PASSWORD)
    accounts.remove("jane")
    assert other.stamp("jane") == ""
    with pytest.raises(AccountError, match="no account 'jane'"):
        other.remove("jane")


ADDING = """
import sys
from pathlib import Path
from bot.accounts import Accounts
accounts = Accounts(Path(sys.argv[1]))
sys.stdin.readline()
for number in range(3):
    accounts.add(f"{sys.argv[2]}{number}", "correct horse battery")
accounts.remove(f"{sys.argv[2]}0")
"""


def test_two_processes_lose_nothing(accounts, path):
    call = [sys.executable, "-c", ADDING, str(path)]
    workers = [subprocess.Popen([*call, who], stdin=subprocess.PIPE, cwd=ROOT) for who in ("left", "right")]
    for worker in workers:
        worker.stdin.write(b"\n")
        worker.stdin.close()
    while any(worker.poll() is None for worker in workers):
        assert "jane" in accounts.names()  # a reader never finds half a file
        time.sleep(0.001)
    assert [worker.wait() for worker in workers] == [0, 0]
    assert accounts.names() == ("jane", *(f"{who}{n}" for who in ("left", "right") for n in range(1, 3)))


def test_many_threads_lose_nothing(accounts, monkeypatch):
    made = bot.accounts._hashed(PASSWORD)
    monkeypatch.setattr(bot.accounts, "_hashed", lambda password: made)  # so that all of them write at once
    threads = [threading.Thread(target=accounts.add, args=(f"user{n:02}", PASSWORD)) for n in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert accounts.names() == ("jane", *(f"user{n:02}" for n in range(40)))


def test_a_write_that_fails_leaves_the_old_file(accounts, path, monkeypatch):
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(AccountError, match="No space left on device"):
        accounts.add("joe", PASSWORD)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["staff.json"]


def test_what_a_dead_process_left_is_told_and_never_followed(accounts, path, tmp_path, monkeypatch):
    monkeypatch.setattr(bot.accounts, "WAIT", 0.1)
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    left = path.with_name(".staff.json-new")
    left.symlink_to(victim)
    with pytest.raises(AccountError, match="delete it"):
        accounts.add("joe", PASSWORD)
    assert victim.read_text() == "untouched"
    left.unlink()
    assert accounts.add("joe", PASSWORD)


def with_jane(**changed):
    return json.dumps({"jane": {"salt": "0" * 32, "hash": "f" * 128, "n": 2**15, "r": 8, "p": 3} | changed}).encode()


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"jane": 1}', b'{"jane": {}}', with_jane(salt="zz" * 16),
     with_jane(salt=""), with_jane(hash=""), with_jane(n=0), with_jane(n=3), with_jane(n=2**40), with_jane(r=0),
     with_jane(p=10**9)],
)  # fmt: skip
def test_a_damaged_file_is_one_clear_line(path, body):
    path.parent.mkdir()
    path.write_bytes(body)
    for act in (
        lambda a: a.names(), lambda a: a.check("jane", PASSWORD), lambda a: a.stamp("jane"),
        lambda a: a.add("joe", PASSWORD), lambda a: a.remove("jane"),
    ):  # fmt: skip
        with pytest.raises(AccountError, match="staff add NAME") as caught:
            act(Accounts(path))
        assert str(path) in str(caught.value)
        assert "zz" * 16 not in repr(caught.value.__cause__)
    assert path.read_bytes() == body


def test_a_sound_stored_account_of_a_lower_cost_still_opens(path):
    salt = "ab" * 16
    made = hashlib.scrypt(PASSWORD.encode(), salt=bytes.fromhex(salt), n=2**14, r=8, p=1, maxmem=2**27).hex()
    path.parent.mkdir()
    path.write_bytes(with_jane(salt=salt, hash=made, n=2**14, p=1))
    assert Accounts(path).check("jane", PASSWORD)


def test_an_unknown_name_takes_as_long_as_a_known_one(accounts):
    spent = {"jane": [], "nobody": []}
    for _ in range(5):
        for name, times in spent.items():
            begun = time.perf_counter()
            assert not accounts.check(name, "not the right password")
            times.append(time.perf_counter() - begun)
    known, unknown = (statistics.median(times) for times in spent.values())
    assert 0.5 < known / unknown < 2
    assert min(known, unknown) > 0.02


def test_the_command_line_adds_lists_and_removes(path):
    assert staff(path, "add", "Jane", given=PASSWORD.encode() + b"\n") == (0, "Added jane. Sign in at /staff.\n", "")
    assert Accounts(path).check("jane", PASSWORD)
    code, told, _ = staff(path, "add", "jane", given=b"another long one")
    assert (code, "New password for jane" in told) == (0, True)
    assert Accounts(path).check("jane", "another long one")
    assert staff(path, "list") == (0, "jane\n", "")
    assert staff(path, "remove", "jane")[0] == 0
    code, told, faults = staff(path, "remove", "jane")
    assert (code, told, "no account 'jane'" in faults) == (3, "", True)


@pytest.mark.parametrize("given", [b"", b"\n", b"too short\n", b"a long enough one\r\n"])
def test_a_bad_pipe_is_one_line_without_the_password(path, given):
    code, told, faults = staff(path, "add", "jane", given=given)
    assert (code, told) == (3, "")
    assert "password" in faults
    assert "Traceback" not in faults
    assert len(given) < 5 or given.decode().strip() not in faults
    assert not path.exists()


def test_a_pipe_in_another_encoding_is_one_line(path):
    code, _, faults = staff(
        path, "add", "jane", given="pässwörter zählen\n".encode("latin-1"), PYTHONIOENCODING="utf-8"
    )
    assert code == 3
    assert "Traceback" not in faults
