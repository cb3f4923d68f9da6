"""Where the gateway's secrets come from, and which of them production refuses."""

import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from tests.support.databases import test_settings
from turnpike.control.infra.secrets import CannotOpen, Sealer, load_keyring
from turnpike.errors import ConfigurationError
from turnpike.settings import Mode

STRONG = "kq8Zr3vT1xYw7Lm2Np5Bc9Df4Gh6Jk0QsUaEoIyWvXt"


def test_secrets_are_made_once_and_private(tmp_path: Path) -> None:
    settings = test_settings(tmp_path / "data")
    first = load_keyring(settings)
    again = load_keyring(settings)
    assert first.fresh
    assert not again.fresh
    assert (first.fernet_keys, first.pepper) == (again.fernet_keys, again.pepper)
    assert stat.S_IMODE(settings.secrets_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.data_dir.stat().st_mode) == 0o700


def test_secrets_in_settings_are_used_and_nothing_is_written(tmp_path: Path) -> None:
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    settings = test_settings(tmp_path, secret_keys=SecretStr(", ".join(keys)), key_pepper=SecretStr(STRONG))
    keyring = load_keyring(settings)
    assert keyring.fernet_keys == tuple(keys)
    assert len(keyring.pepper) == 32
    assert not settings.secrets_file.exists()
    with pytest.raises(ConfigurationError, match="TURNPIKE_SECRET_KEYS"):
        keyring.with_new_key()


def test_a_keyring_shows_no_secret(tmp_path: Path) -> None:
    keyring = load_keyring(test_settings(tmp_path / "data"))
    assert keyring.fernet_keys[0] not in repr(keyring)


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize(
    ("keys", "says"),
    [
        (" , ", "names no Fernet key"),
        ("not-a-key", "key 1 of 1 is not a Fernet key"),
        ("{good},short", "key 2 of 2 is not a Fernet key"),
        ("{good},{good}", "the same Fernet key twice"),
    ],
)
def test_keys_that_cannot_work_are_refused_in_every_mode(tmp_path: Path, mode: Mode, keys: str, says: str) -> None:
    text = keys.replace("{good}", "b0u2vJ4b3lYqB1lY8e2hS3q0m6oX5r9kT7wQz1cV4nE=")
    settings = test_settings(tmp_path, mode=mode, secret_keys=SecretStr(text), key_pepper=SecretStr(STRONG))
    with pytest.raises(ConfigurationError, match=says) as refused:
        load_keyring(settings)
    assert "Fernet" in refused.value.message
    assert "b0u2vJ4b" not in refused.value.message


@pytest.mark.parametrize("pepper", ["short", "changeme" * 4, "a" * 64, "0123456789012345678901234567890123"])
def test_production_refuses_a_weak_pepper_and_says_how_to_mend_it(tmp_path: Path, pepper: str) -> None:
    weak = {"key_pepper": SecretStr(pepper)}
    load_keyring(test_settings(tmp_path / "a", **weak))
    with pytest.raises(ConfigurationError, match="token_urlsafe") as refused:
        load_keyring(test_settings(tmp_path / "b", mode=Mode.PRODUCTION, **weak))
    assert pepper not in refused.value.message


def test_production_refuses_a_key_that_is_not_random(tmp_path: Path) -> None:
    key = SecretStr("A" * 43 + "=")
    load_keyring(test_settings(tmp_path / "a", secret_keys=key))
    with pytest.raises(ConfigurationError, match="not random"):
        load_keyring(test_settings(tmp_path / "b", mode=Mode.PRODUCTION, secret_keys=key))


def test_production_refuses_a_file_that_others_can_read(tmp_path: Path) -> None:
    settings = test_settings(tmp_path / "data", mode=Mode.PRODUCTION)
    load_keyring(settings)
    settings.secrets_file.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        load_keyring(settings)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"secret_keys": "x", "key_pepper": 1}'])
def test_a_damaged_file_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    settings = test_settings(tmp_path / "data")
    load_keyring(settings)
    settings.secrets_file.write_text(content)
    with pytest.raises(ConfigurationError, match="Restore it"):
        load_keyring(settings)
    assert settings.secrets_file.read_text() == content


# ---- sealing


def test_what_is_sealed_opens_with_any_of_the_keys(tmp_path: Path) -> None:
    keyring = load_keyring(test_settings(tmp_path / "data"))
    old = Sealer(keyring).seal("secret")
    newer = Sealer(keyring.with_new_key())
    assert newer.open(old) == "secret"
    assert not old.startswith(newer.current_prefix)
    assert newer.seal("secret").startswith(newer.current_prefix)
    assert Sealer(load_keyring(test_settings(tmp_path / "data"))).newest == newer.newest


def test_a_missing_key_and_a_damaged_value_are_told_without_the_value(tmp_path: Path) -> None:
    sealer = Sealer(load_keyring(test_settings(tmp_path / "a")))
    other = Sealer(load_keyring(test_settings(tmp_path / "b")))
    sealed = sealer.seal("secret")
    for wrong in (other.seal("x"), sealed[:-4] + "AAA=", "no separator", "", "é:x"):
        with pytest.raises(CannotOpen) as refused:
            sealer.open(wrong)
        assert not wrong or wrong not in refused.value.message
