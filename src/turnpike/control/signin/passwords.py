"""Passwords: Argon2id hashes (RFC 9106), and whether a password is good enough.

Hashing takes 64 MiB and a tenth of a second, off the event loop and a few at a time.
"""

import asyncio

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from zxcvbn_rs_py import zxcvbn

from turnpike.errors import InvalidRequest
from turnpike.settings import Settings

AT_ONCE = 2
MAX_CHARACTERS = 256
_SCORED_CHARACTERS = 100
"""What zxcvbn looks at: a longer password is no weaker for its end."""
_NOBODYS = "$argon2id$v=19$m=65536,t=3,p=4$06PSfCsrzPxLjUDbM9MHfg$HZHSI3yQG4KcQd6//hyDUxXxQd676PP4+/0FkqlE28Y"
"""Compared with where there is no account, so that this takes as long as where there is one."""


class Passwords:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._hasher = PasswordHash((Argon2Hasher(),))
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def hash(self, password: str) -> str:
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password: str, stored: str | None) -> tuple[bool, str | None]:
        """Whether it is the one (never, without `stored`, and not sooner either), and a new hash where the old one is
        of weaker parameters."""
        async with self._slots:
            right, renewed = await asyncio.to_thread(self._hasher.verify_and_update, password, stored or _NOBODYS)
        return right and stored is not None, renewed if stored is not None else None

    def check(self, password: str, *known: str | None) -> None:
        """`known`: words that others know of this person. Raises InvalidRequest, with what would be better."""
        settings = self._settings
        if len(password) < settings.password_min_length:
            raise _weak(f"it has {len(password)} characters; {settings.password_min_length} or more are needed")
        words = [word for text in known if text for word in (text, *text.replace("@", " ").split())]
        found = zxcvbn(password[:_SCORED_CHARACTERS], ["turnpike", *words])
        if int(found.score) >= settings.password_min_score:
            return
        said = str(found.feedback.warning or "") if found.feedback else ""
        raise _weak(
            f"{said.rstrip('.') or 'it is easy to guess'} (strength {int(found.score)} of 4; "
            f"{settings.password_min_score} is needed). Several words that do not belong together are better"
        )


def _weak(reason: str) -> InvalidRequest:
    return InvalidRequest(f"password: {reason}.", details={"param": "password"})
