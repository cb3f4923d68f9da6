"""Who calls with a token in the place of an API key: a session's access token, or one that a trusted issuer gave to a
service or a person (RFC 7523 calls it a bearer; the issuer's settings say whose tokens count, and as whom)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import structlog

from turnpike.contract.grants import KeyGrant
from turnpike.contract.scopes import to_bits
from turnpike.control.db.database import UNREACHABLE, Database
from turnpike.control.grant_query import rules_of
from turnpike.control.keeper import Keeper
from turnpike.control.oidc.issuers import Issuers
from turnpike.control.oidc.jose import peek
from turnpike.control.oidc.persons import check_domain, read_person, user_of
from turnpike.control.oidc.tokens import TokenChecker, Trusted
from turnpike.control.signin import store
from turnpike.control.signin.access_tokens import AccessTokens
from turnpike.control.signin.presence import Presence
from turnpike.errors import Forbidden, Unauthenticated, Unavailable, UpstreamError

RETRY_AFTER_S = 2.0
log = structlog.get_logger()


@dataclass(frozen=True)
class Called:
    grant: KeyGrant
    """`key_id` is the session's id, or the person's where an issuer's token came: so each change of the person is
    heard of by whoever remembers this."""
    session_id: str | None = None


class Callers:
    def __init__(  # noqa: PLR0917 - what it is put together of
        self,
        database: Database,
        keeper: Keeper,
        tokens: AccessTokens,
        presence: Presence,
        issuers: Issuers,
        checker: TokenChecker,
    ) -> None:
        self._database = database
        self._keeper = keeper
        self._tokens = tokens
        self._presence = presence
        self._issuers = issuers
        self._checker = checker

    async def resolve(self, token: str) -> Called | None:
        """None for a token that nobody vouches for. Raises Unavailable when that cannot be found out now."""
        try:
            while True:
                generation = self._presence.generation
                found = await self._resolve(token)
                if found is not None:
                    found = replace(found, grant=await self._keeper.grants.dress(found.grant))
                if generation == self._presence.generation:
                    return found
                # Something changed meanwhile: the answer may be of before.
        except UNREACHABLE as error:
            raise Unavailable(
                "The database cannot be reached, so this token cannot be checked.", retry_after_s=RETRY_AFTER_S
            ) from error

    async def _resolve(self, token: str) -> Called | None:
        peeked = peek(token)
        if peeked is None:
            return None
        issuer = peeked.claims.get("iss")
        if issuer == self._tokens.issuer:
            return await self._of_session(token)
        for trusted in await self._issuers.active():
            if trusted.config.bearer_audiences and (issuer == trusted.place.issuer or trusted.config.tenants):
                found = await self._of_issuer(trusted, token)
                if found is not None:
                    return found
        return None

    async def _of_session(self, token: str) -> Called | None:
        access = await self._tokens.read(token)
        present = await self._presence.by_id(access.session_id) if access is not None else None
        if access is None or present is None or present.grant.user_id != access.user_id:
            return None
        until = min(access.expires_at_ms, present.expires_at_ms)
        return Called(msgspec.structs.replace(present.grant, expires_at_ms=until), access.session_id)

    async def _of_issuer(self, trusted: Trusted, token: str) -> Called | None:
        try:
            claims = await self._checker.bearer(trusted, token)
            user_id = await self._user_of(trusted, claims)
        except (Unauthenticated, Forbidden) as error:
            log.info("callers_token_refused", issuer=trusted.slug, reason=error.message)
            return None
        except UpstreamError as error:
            log.warning("callers_token_not_checked", issuer=trusted.slug, reason=error.message)
            raise Unavailable(
                "The issuer's keys cannot be read, so this token cannot be checked.", retry_after_s=RETRY_AFTER_S
            ) from error
        if user_id is None:
            log.info("callers_token_of_nobody", issuer=trusted.slug)
            return None
        async with self._database.read() as session:
            rows = await store.person(session, user_id)
            rules = await rules_of(session, [], rows)
        if not rows or not rows[0].is_active:
            return None
        scopes = to_bits(trusted.config.bearer_scopes)
        name = f"{trusted.slug}: {_service(claims)}"[:200]
        return Called(self._presence.grant_of(rows, rules, user_id, name, scopes, int(claims["exp"] * 1000)))

    async def _user_of(self, trusted: Trusted, claims: Mapping[str, Any]) -> str | None:
        """Whom a rule names, else whom the token is about."""
        for rule in trusted.config.bearer_rules:
            if claims.get(rule.claim) == rule.value:
                return rule.user_id
        person = read_person(trusted, claims)
        check_domain(trusted.config, person)
        async with self._database.read() as session:
            user = await user_of(session, trusted, person, by_email=trusted.config.bearer_by_email)
        return user.id if user is not None else None


def _service(claims: Mapping[str, Any]) -> str:
    """What lists and the ledger call such a caller."""
    named = (claims.get(name) for name in ("azp", "appid", "client_id", "sub"))
    found = next((value for value in named if isinstance(value, str)), "")
    return "".join(each for each in found if each.isprintable())
