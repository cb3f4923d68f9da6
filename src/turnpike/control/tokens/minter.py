"""Keeps a token for each credential that needs one: got at once, renewed before it expires, asked for again with
growing pauses when that fails. Knows no database; whoever holds the credentials says which are wanted."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec
import structlog

from turnpike.control.health import OK
from turnpike.control.outbound import Outbound
from turnpike.control.tokens.asking import Asking, Token, TokenRefused
from turnpike.control.tokens.entra import entra_token
from turnpike.control.tokens.google import google_token
from turnpike.errors import TurnpikeError
from turnpike.wire.credentials import EntraApplication, TokenSources
from turnpike.wire.vendor import AuthSpec

EARLY_S = 300.0
"""How long before its end a token is renewed, if it lives much longer than that."""
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
FIRST_WAIT_S = 5.0
"""How long somebody waits for the first token of a credential."""

log = structlog.get_logger()


class Wanted(msgspec.Struct, frozen=True):
    """A credential that needs a token. Two that are equal share theirs."""

    id: str
    provider: str
    """For people: its slug."""
    source: TokenSources
    auth: AuthSpec
    allow_addresses: tuple[str, ...]
    proxy: str | None

    def __repr__(self) -> str:
        return f"Wanted({self.id}, {self.provider})"


@dataclass
class _Kept:
    wanted: Wanted
    task: asyncio.Task[None] | None = None
    token: Token | None = None
    fault: str | None = None
    first: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the first attempt is over, whatever came of it."""


class Minter:
    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._kept: dict[str, _Kept] = {}
        self._listeners: list[Callable[[str], None]] = []

    def on_change(self, listener: Callable[[str], None]) -> None:
        """`listener` is told the id of a credential whose token or fault is another now."""
        self._listeners.append(listener)

    def keep(self, wanted: Wanted) -> None:
        """From now on there is a token for this credential; one that is kept already goes on."""
        kept = self._kept.get(wanted.id)
        if kept is not None and kept.wanted == wanted:
            return
        self.drop(wanted.id)
        kept = self._kept[wanted.id] = _Kept(wanted)
        kept.task = asyncio.create_task(self._run(kept), name=f"token of {wanted.provider}")

    def drop(self, credential_id: str) -> None:
        kept = self._kept.pop(credential_id, None)
        if kept is not None and kept.task is not None:
            kept.task.cancel()

    def drop_others(self, wanted: Iterable[str], *, but: Iterable[str] = ()) -> None:
        """Only these, and those of `but`, are still needed."""
        needed = {*wanted, *but}
        for credential_id in [each for each in self._kept if each not in needed]:
            self.drop(credential_id)

    def current(self, credential_id: str) -> tuple[str | None, str]:
        """The token in force, or None and why there is none."""
        kept = self._kept.get(credential_id)
        if kept is None:
            return None, "its token has not been asked for"
        if kept.token is not None and kept.token.expires_at_s > time.time():
            return kept.token.value, ""
        return None, kept.fault or "its first token is being asked for"

    async def settled(self, credential_id: str) -> None:
        """Waits for the first answer, within bounds."""
        kept = self._kept.get(credential_id)
        if kept is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FIRST_WAIT_S):
                    await kept.first.wait()

    async def stop(self) -> None:
        tasks = [kept.task for kept in self._kept.values() if kept.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._kept.clear()

    def check(self) -> str:
        """For health: which provider's token cannot be got, and why."""
        faults = [f"{kept.wanted.provider}: {kept.fault}" for kept in self._kept.values() if kept.fault]
        return "; ".join(faults) or OK

    async def _run(self, kept: _Kept) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                token = await self._mint(kept.wanted)
            except TurnpikeError as error:
                final = isinstance(error, TokenRefused) and error.final
                if final:
                    pause_s = LONGEST_PAUSE_S  # the credential is wrong: asking often helps nobody
                self._failed(kept, error)
                wait_s = pause_s * random.uniform(0.8, 1.2)  # noqa: S311 - jitter, no secret
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            else:
                pause_s = FIRST_PAUSE_S
                kept.token, kept.fault = token, None
                wait_s = renew_in_s(token.expires_at_s - time.time())
                self._told(kept)
            if kept.token is not None:
                wait_s = self._until_end(kept, wait_s)
            await asyncio.sleep(wait_s)
            if kept.token is not None and kept.token.expires_at_s <= time.time() and kept.fault:
                kept.token = None
                self._told(kept)

    def _until_end(self, kept: _Kept, wait_s: float) -> float:
        """While asking fails, the moment at which the old token ends must not be slept through."""
        left_s = (kept.token.expires_at_s if kept.token else 0.0) - time.time()
        return min(wait_s, left_s) if kept.fault and left_s > 0 else wait_s

    async def _mint(self, wanted: Wanted) -> Token:
        ask = Asking(self._outbound, wanted.allow_addresses, wanted.proxy)
        if isinstance(wanted.source, EntraApplication):
            return await entra_token(wanted.source, wanted.auth.token_url, wanted.auth.scope, ask)
        return await google_token(wanted.source, wanted.auth.scope, ask)

    def _failed(self, kept: _Kept, error: TurnpikeError) -> None:
        if kept.fault != error.message:
            log.warning("token_not_got", provider=kept.wanted.provider, reason=error.message)
        changed = kept.fault != error.message and kept.token is None
        kept.fault = error.message
        kept.first.set()
        if changed:
            self._tell(kept.wanted.id)

    def _told(self, kept: _Kept) -> None:
        kept.first.set()
        self._tell(kept.wanted.id)

    def _tell(self, credential_id: str) -> None:
        for listener in self._listeners:
            listener(credential_id)


def renew_in_s(life_s: float) -> float:
    """When a token that still lives this long is renewed: minutes before its end, or half-way for a short life."""
    return life_s - EARLY_S if life_s > 2 * EARLY_S else max(life_s / 2, 0.2)
