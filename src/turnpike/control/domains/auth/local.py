"""Local accounts: signing in with e-mail and password, changing it, and one-time links that set one.

Every refusal of a login reads the same and takes as long, whether there is such an account or not.
"""

from dataclasses import dataclass

from sqlalchemy import delete, select

from turnpike.contract.grants import key_digest
from turnpike.control.db.models import EntryLink, Password, User
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.auth.schemas import LoginBody, PasswordBody, UseLinkBody
from turnpike.control.domains.identity import service as identity
from turnpike.control.services import ControlServices
from turnpike.control.signin import store
from turnpike.control.signin.sessions import Opened, Proof, Visitor
from turnpike.control.web.principal import Principal
from turnpike.errors import Forbidden, InvalidRequest, Unauthenticated
from turnpike.kit.clock import now_ms
from turnpike.kit.crypto import random_text

LINK_PREFIX = "tpl-"
LINK_PAGE = "/welcome"
_WRONG = "E-mail or password is wrong."
_DEAD_LINK = "This link is unknown, used or over: ask an administrator for a new one."


@dataclass(frozen=True)
class MadeLink:
    row: EntryLink
    token: str

    @property
    def path(self) -> str:
        # In the fragment, which no server and no proxy gets to see.
        return f"{LINK_PAGE}#{self.token}"

    def __repr__(self) -> str:
        return f"MadeLink({self.row.id})"


class LocalAccounts:
    def __init__(self, control: ControlServices) -> None:
        self._control = control
        self._signin = control.signin
        self._pepper = control.sealer.keyring.pepper

    # ---- signing in

    async def login(self, body: LoginBody, visitor: Visitor, *, by_cookie: bool) -> Opened:
        """Raises Forbidden, RateLimited or Unauthenticated."""
        self._check_on()
        await self._signin.throttle.enter(body.email, visitor.address)
        async with self._control.database.read() as session:
            found = await store.password_of(session, body.email)
        password = body.password.get_secret_value()
        right, renewed = await self._signin.passwords.verify(password, found[1].hash if found else None)
        if not right or found is None:
            raise Unauthenticated(_WRONG)
        await self._signin.throttle.passed(body.email, visitor.address)
        await self._signin.tokens.ready()
        async with self._control.database.write() as session:
            user = await session.get(User, found[0].id)
            current = await session.get(Password, found[0].id)
            if user is None or not user.is_active or current is None or current.hash != found[1].hash:
                raise Unauthenticated(_WRONG)
            if renewed is not None:
                current.hash = renewed
            return await self._signin.sessions.open(session, user, Proof("local"), visitor, by_cookie=by_cookie)

    def _check_on(self) -> None:
        if not self._control.settings.local_accounts:
            raise Forbidden("Local accounts are switched off here: sign in through an issuer.")

    # ---- passwords

    async def change_password(self, actor: Principal, body: PasswordBody, visitor: Visitor) -> None:
        """Every other session of the person ends. Raises Forbidden, RateLimited, Unauthenticated or InvalidRequest."""
        self._check_on()
        user_id = actor.person()
        await self._signin.throttle.enter(user_id, visitor.address)
        async with self._control.database.read() as session:
            user = await identity.get_user(session, actor.scope, user_id)
            stored = await session.get(Password, user_id)
        current = body.current_password.get_secret_value()
        right, _ = await self._signin.passwords.verify(current, stored.hash if stored else None)
        if not right:
            raise Unauthenticated("The current password is wrong, or this person has none.")
        await self._signin.throttle.passed(user_id, visitor.address)
        hashed = await self._hashed(body.new_password.get_secret_value(), user, user.email)
        async with self._control.database.write() as session:
            await self._set(session, user_id, hashed, keep=actor.session_id)

    async def first_password(self, password: str, email: str, display_name: str | None) -> str:
        """The hash, of somebody who is not here yet. Raises Forbidden or InvalidRequest."""
        self._check_on()
        self._signin.passwords.check(password, email, display_name)
        return await self._signin.passwords.hash(password)

    async def set_first(self, session: WriteSession, user: User, hashed: str) -> None:
        await self._set(session, user.id, hashed)

    async def _hashed(self, password: str, user: User, email: str | None) -> str:
        self._signin.passwords.check(password, email, user.display_name)
        return await self._signin.passwords.hash(password)

    async def _set(self, session: WriteSession, user_id: str, hashed: str, keep: str | None = None) -> None:
        row = await session.get(Password, user_id)
        if row is None:
            session.add(Password(user_id=user_id, hash=hashed))
        else:
            row.hash, row.changed_at_ms = hashed, now_ms()
        await session.execute(delete(EntryLink).where(EntryLink.user_id == user_id))
        await store.end_sessions_of(session, user_id, "password_changed", but=keep)

    # ---- links

    async def make_link(self, session: WriteSession, actor: Principal, user_id: str | None) -> MadeLink:
        """Ends the person's earlier links. Raises NotFound, Forbidden or InvalidRequest."""
        if user_id is None:
            if not actor.is_operator:
                raise InvalidRequest("user_id: say whom the link is for.", details={"param": "user_id"})
            user_id = (await identity.operators_user(session)).id
        user = await identity.get_user(session, actor.scope, user_id)
        await identity.check_rank_of(session, actor, user.role, "Letting this person in")
        if not user.is_active:
            raise InvalidRequest("This user is not active; a link would not work.", details={"param": "user_id"})
        await session.execute(delete(EntryLink).where(EntryLink.user_id == user.id))
        token = LINK_PREFIX + random_text(256)
        hours = self._control.settings.entry_link_hours
        row = EntryLink(
            user_id=user.id,
            digest=self._digest(token),
            created_by=actor.user_id,
            expires_at_ms=now_ms() + int(hours * 3_600_000),
        )
        session.add(row)
        await session.flush()
        return MadeLink(row, token)

    async def use_link(self, body: UseLinkBody, visitor: Visitor, *, by_cookie: bool) -> Opened:
        """Sets the password, ends the person's other sessions and signs in. Raises Unauthenticated for a link that does
        not work, InvalidRequest for what is missing or weak (the link goes on working then), Conflict."""
        async with self._control.database.read() as session:
            user = await self._linked(session, body.token)
        wants = self._wanted(body, user)
        hashed = None
        if body.password is not None and self._control.settings.local_accounts:
            hashed = await self._hashed(body.password.get_secret_value(), user, body.email or user.email)
        await self._signin.tokens.ready()
        async with self._control.database.write() as session:
            digest = self._digest(body.token)
            used = await session.execute(
                delete(EntryLink).where(EntryLink.digest == digest).returning(EntryLink.user_id)
            )
            user = await session.get(User, user.id)
            if used.scalar_one_or_none() is None or user is None:
                raise Unauthenticated(_DEAD_LINK)
            await identity.complete_user(session, user, wants)
            if hashed is not None:
                await self._set(session, user.id, hashed)
            return await self._signin.sessions.open(session, user, Proof("link"), visitor, by_cookie=by_cookie)

    async def _linked(self, session: ReadSession, token: str) -> User:
        query = select(User).join(EntryLink, EntryLink.user_id == User.id)
        alive = (EntryLink.digest == self._digest(token), EntryLink.expires_at_ms > now_ms(), User.is_active)
        user = (await session.scalars(query.where(*alive))).first()
        if user is None:
            raise Unauthenticated(_DEAD_LINK)
        return user

    def _wanted(self, body: UseLinkBody, user: User) -> dict[str, str]:
        if self._control.settings.local_accounts:
            if body.password is None:
                raise InvalidRequest("password: choose one.", details={"param": "password"})
            if user.email is None and body.email is None:
                raise InvalidRequest("email: it will be the name to sign in with.", details={"param": "email"})
        if user.email is not None and body.email not in (None, user.email):
            raise InvalidRequest(
                "email: this person has one already; an administrator may change it.", details={"param": "email"}
            )
        wants = {"email": body.email, "display_name": body.display_name}
        return {name: value for name, value in wants.items() if value is not None}

    def _digest(self, token: str) -> bytes:
        return key_digest(token.encode(), self._pepper)
