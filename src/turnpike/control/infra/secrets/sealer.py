"""Sealing: text in, text out, with the key's fingerprint in front so that rows sealed with an older key can be found
by the database itself."""

from hashlib import blake2b

from cryptography.fernet import Fernet, InvalidToken

from turnpike.control.infra.secrets.keyring import Keyring
from turnpike.errors import TurnpikeError

_SEPARATOR = ":"


class CannotOpen(TurnpikeError):
    """Something was sealed with a key that this gateway does not have, or was damaged."""

    code = "INTERNAL"


def fingerprint(fernet_key: str) -> str:
    """8 characters that name a key without telling anything of it."""
    return blake2b(fernet_key.encode(), digest_size=4, person=b"tp-fernet").hexdigest()


class Sealer:
    """Fernet (AES-128-CBC with HMAC-SHA256) under the newest key; opens with whichever key sealed.

    One object for the life of a process: `use` changes the keys underneath those who hold it.
    """

    def __init__(self, keyring: Keyring) -> None:
        self.use(keyring)

    def use(self, keyring: Keyring) -> None:
        self.keyring = keyring
        self._keys = {fingerprint(key): Fernet(key) for key in keyring.fernet_keys}
        self.newest = fingerprint(keyring.fernet_keys[0])

    @property
    def current_prefix(self) -> str:
        """What everything begins with that the newest key has sealed."""
        return self.newest + _SEPARATOR

    def seal(self, text: str) -> str:
        return self.seal_bytes(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Raises CannotOpen."""
        return self.open_bytes(sealed.encode()).decode()

    def seal_bytes(self, data: bytes) -> bytes:
        return self.current_prefix.encode() + self._keys[self.newest].encrypt(data)

    def open_bytes(self, sealed: bytes) -> bytes:
        """Raises CannotOpen."""
        name, separator, token = sealed.partition(_SEPARATOR.encode())
        key = self._keys.get(name.decode("ascii", "replace"))
        if not separator or key is None:
            raise CannotOpen("A stored secret was sealed with a key that this gateway does not have.")
        try:
            return key.decrypt(token)
        except InvalidToken as error:
            raise CannotOpen("A stored secret is damaged and cannot be opened.") from error
