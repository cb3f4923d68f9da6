"""Where the gateway's own secrets come from: settings, else a file in the data folder that is made on first start.

Two secrets: Fernet keys (newest first) that encrypt what must come back in clear, and a pepper that keys the digests
of API keys. Production mode refuses what could be guessed or read by others, and says how to mend it.
"""

import base64
import binascii
import stat
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Self

import msgspec
from cryptography.fernet import Fernet

from turnpike.errors import ConfigurationError
from turnpike.kit.crypto import guessable, random_text
from turnpike.kit.files import private_folder, write_private
from turnpike.settings import Settings

_MEND_KEYS = "make one with: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
_MEND_PEPPER = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'"
_FEWEST_DISTINCT_BYTES = 12
"""32 random bytes have fewer distinct values with a chance of less than 1e-15."""


class SecretsFile(msgspec.Struct):
    secret_keys: list[str]
    key_pepper: str
    version: int = 1


@dataclass(frozen=True)
class Keyring:
    fernet_keys: tuple[str, ...]
    """Newest first: it seals, all of them open."""
    pepper: bytes
    """32 bytes derived from the pepper's text, whatever its length (contract.grants.key_digest)."""
    file: Path | None
    """Where the Fernet keys are kept; None when settings give them, and only there can they be changed."""
    fresh: bool = False
    """Made just now: nothing in any database can have been sealed with it."""
    audit_seed: bytes = b""
    """32 bytes derived from the pepper's text apart from `pepper`, which relays have: signs the audit log's heads."""

    def __repr__(self) -> str:
        return f"Keyring({len(self.fernet_keys)} keys)"

    def with_new_key(self) -> Self:
        """A new key in front, in the file as well. Raises ConfigurationError when the keys come from settings."""
        return self._rewritten((Fernet.generate_key().decode(), *self.fernet_keys))

    def with_newest_only(self) -> Self:
        return self._rewritten(self.fernet_keys[:1])

    def _rewritten(self, keys: tuple[str, ...]) -> Self:
        if self.file is None:
            raise ConfigurationError(
                "The encryption keys come from TURNPIKE_SECRET_KEYS: put the new key in front of the others there, "
                "restart every control process, and rotate again."
            )
        content = _read(self.file)
        content.secret_keys = list(keys)
        write_private(self.file, msgspec.json.format(msgspec.json.encode(content)).decode())
        return replace(self, fernet_keys=keys, fresh=False)


def load_keyring(settings: Settings) -> Keyring:
    """Reads the secrets, making what is missing. Raises ConfigurationError for secrets that cannot be used or, in
    production, should not be."""
    given_keys = settings.secret_keys.get_secret_value() if settings.secret_keys else None
    given_pepper = settings.key_pepper.get_secret_value() if settings.key_pepper else None
    stored, fresh = None, False
    if given_keys is None or given_pepper is None:
        stored, fresh = _load_file(settings)
    keys = _split(given_keys) if given_keys is not None else tuple(stored.secret_keys if stored else ())
    pepper = given_pepper if given_pepper is not None else (stored.key_pepper if stored else "")
    keys_from = "TURNPIKE_SECRET_KEYS" if given_keys is not None else str(settings.secrets_file)
    pepper_from = "TURNPIKE_KEY_PEPPER" if given_pepper is not None else str(settings.secrets_file)
    _check_keys(keys, keys_from, strict=settings.is_production)
    _check_pepper(pepper, pepper_from, strict=settings.is_production)
    derived = blake2b(pepper.encode(), digest_size=32, person=b"tp-key-pepper").digest()
    seed = blake2b(pepper.encode(), digest_size=32, person=b"tp-audit-sign").digest()
    return Keyring(keys, derived, settings.secrets_file if given_keys is None else None, fresh, seed)


def _split(text: str) -> tuple[str, ...]:
    return tuple(part for part in (piece.strip() for piece in text.split(",")) if part)


def _load_file(settings: Settings) -> tuple[SecretsFile, bool]:
    """The file's content, and whether it was made just now."""
    path = settings.secrets_file
    if not path.exists():
        private_folder(path.parent)
        made = SecretsFile([Fernet.generate_key().decode()], random_text(384))
        write_private(path, msgspec.json.format(msgspec.json.encode(made)).decode())
        return made, True
    if settings.is_production:
        _check_file_mode(path)
    return _read(path), False


def _read(path: Path) -> SecretsFile:
    try:
        return msgspec.json.decode(path.read_bytes(), type=SecretsFile)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}. It holds the gateway's secrets") from error
    except msgspec.DecodeError as error:
        # The cause may quote the file: it is not repeated.
        raise ConfigurationError(
            f"{path} is not the secrets file that Turnpike wrote. Restore it from a backup: without it, stored "
            "provider keys cannot be read and API keys are unknown."
        ) from (error if isinstance(error, msgspec.ValidationError) else None)


def _check_file_mode(path: Path) -> None:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise ConfigurationError(
            f"{path} can be read by others (mode {mode:04o}). Run: chmod 600 {path} — and, if others may have read "
            "it, `turnpike secrets rotate` afterwards."
        )


def _check_keys(keys: tuple[str, ...], source: str, *, strict: bool) -> None:
    if not keys:
        raise ConfigurationError(f"{source} names no Fernet key; {_MEND_KEYS}")
    for place, key in enumerate(keys, 1):
        try:
            raw = base64.urlsafe_b64decode(key.encode("ascii"))
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) != 32:
            raise ConfigurationError(
                f"{source}: key {place} of {len(keys)} is not a Fernet key (32 bytes in URL-safe base64, 44 "
                f"characters); {_MEND_KEYS}"
            )
        if strict and len(set(raw)) < _FEWEST_DISTINCT_BYTES:
            raise ConfigurationError(f"{source}: key {place} of {len(keys)} is not random; {_MEND_KEYS}")
    if len(set(keys)) != len(keys):
        raise ConfigurationError(f"{source} names the same Fernet key twice; remove the repetition")


def _check_pepper(pepper: str, source: str, *, strict: bool) -> None:
    if not pepper:
        raise ConfigurationError(f"{source}: the key pepper is empty; {_MEND_PEPPER}")
    weakness = guessable(pepper)
    if strict and weakness:
        raise ConfigurationError(
            f"{source}: the key pepper is too weak for production ({weakness}); {_MEND_PEPPER}. "
            "A new pepper makes every existing API key unknown."
        )
