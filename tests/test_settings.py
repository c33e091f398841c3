"""Settings: defaults, environment, one-line errors; every setting is documented."""

import pytest
from conftest import ROOT

from bot.errors import SettingsError
from bot.settings import ANSWERING, Settings, load_settings


def test_environment_overrides_the_default(monkeypatch):
    monkeypatch.setenv("BOT_PORT", "8123")
    assert load_settings().port == 8123
    assert load_settings(port=9000).port == 9000


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "many"), ("PORT", "0"), ("TOP_K", "-1"), ("ANSWER_THRESHOLD", "2"), ("MAX_QUOTES", "9")],
)
def test_a_wrong_setting_is_one_line_with_its_name_and_value(monkeypatch, name, value):
    monkeypatch.setenv(f"BOT_{name}", value)
    with pytest.raises(SettingsError) as error:
        load_settings()
    assert f"BOT_{name}='{value}'" in str(error.value)
    assert "\n" not in str(error.value)


def test_settings_cannot_change_under_a_running_program():
    with pytest.raises(ValueError, match="frozen"):
        load_settings().port = 1


def test_the_id_changes_only_with_what_changes_an_answer():
    base = load_settings()
    assert base.id == load_settings(port=8000, host="::1").id
    changed = {"region": "XX", "top_k": 7, "max_quotes": 1, "answer_threshold": 0.9, "extra_threshold": 0.9}
    changed |= {"max_question_chars": 300, "rerank": False, "large": False, "screen_model": False}
    assert set(changed) == set(ANSWERING)
    assert all(load_settings(**{name: value}).id != base.id for name, value in changed.items())


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_described_and_documented(name):
    assert Settings.model_fields[name].description
    assert f"`BOT_{name.upper()}`" in (ROOT / "README.md").read_text(encoding="utf-8")
