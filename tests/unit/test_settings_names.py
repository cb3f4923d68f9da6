"""Settings that are read by more than one name, and such as do not go together."""

from pathlib import Path

import pytest

from turnpike.settings import Settings

PLAIN_NAMES = ("rate_limit_enabled", "rate_limit_requests", "rate_limit_window")


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In an empty folder, with none of them set."""
    monkeypatch.chdir(tmp_path)
    for name in PLAIN_NAMES:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(f"TURNPIKE_{name.upper()}", raising=False)


def limit(made: Settings) -> tuple[bool, int, int]:
    return made.rate_limit_enabled, made.rate_limit_requests, made.rate_limit_window


def test_the_limit_of_addresses_is_read_by_its_plain_names(monkeypatch: pytest.MonkeyPatch) -> None:
    assert limit(Settings()) == (False, 100, 60)
    for name, value in zip(PLAIN_NAMES, ("true", "7", "30"), strict=True):
        monkeypatch.setenv(name.upper(), value)
    assert limit(Settings()) == (True, 7, 30)
    monkeypatch.setenv("TURNPIKE_RATE_LIMIT_REQUESTS", "9")
    assert limit(Settings()) == (True, 9, 30), "the name with the prefix goes first"


def test_the_file_has_them_too_and_the_environment_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("RATE_LIMIT_ENABLED=true\nRATE_LIMIT_REQUESTS=7\nRATE_LIMIT_WINDOW=30\n")
    monkeypatch.setenv("RATE_LIMIT_WINDOW", "20")
    assert limit(Settings()) == (True, 7, 20)


def test_no_other_setting_is_read_without_its_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "192.0.2.1")
    monkeypatch.setenv("PORT", "1")
    assert (Settings().host, Settings().port) == ("127.0.0.1", 8080)


def test_a_childs_settings_are_its_parents_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Settings().to_child()
    monkeypatch.setenv("RATE_LIMIT_ENABLED", "true")
    assert Settings.from_parent(line).rate_limit_enabled is False
