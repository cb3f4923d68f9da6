"""Which issuers are trusted, and by whom that is said.

Whoever says how an issuer's people are told apart could be any of them, and each of them may be given any role one day:
so trusting an issuer, and every setting that decides who somebody is, takes the highest role, whoever comes by the
issuer now. The rest (name, secret, whom it lets in, what its groups give) takes managing issuers, what the rules give,
and what those may do who come by it.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from turnpike.control.db.models import Issuer, Session, User, UserIdentity
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.auth.issuer_schemas import IssuerBody, IssuerPatch
from turnpike.control.domains.identity import service as identity
from turnpike.control.domains.listing import Columns, contains, ordered, paged
from turnpike.control.oidc.config import IssuerConfig
from turnpike.control.oidc.metadata import Place, check_url
from turnpike.control.services import ControlServices
from turnpike.control.signin import store
from turnpike.control.web.principal import Principal
from turnpike.errors import Conflict, NotFound
from turnpike.kit.addresses import AddressPolicy
from turnpike.kit.pagination import Page, parse_sort

ORDER: Columns = {"name": Issuer.name, "slug": Issuer.slug, "created_at": Issuer.created_at_ms}
_WHOM_AND_WHAT = frozenset(("scopes", "create_users", "email_domains", "rules", "default_role", "require_rule"))
"""Settings that say whom an issuer lets in and what its claims give. Any other decides who somebody is."""


class IssuerService:
    def __init__(self, control: ControlServices) -> None:
        self._control = control

    async def find(
        self, session: ReadSession, search: str | None, sort: str | None, page: Page
    ) -> tuple[Sequence[Issuer], int]:
        query = select(Issuer)
        if search:
            query = query.where(contains(Issuer.name, search))
        return await paged(session, ordered(query, parse_sort(sort, ORDER, "name"), ORDER, Issuer.id), page)

    async def get(self, session: ReadSession, issuer_id: str) -> Issuer:
        """Raises NotFound."""
        row = await session.get(Issuer, issuer_id)
        if row is None:
            raise NotFound(f"There is no issuer {issuer_id}.")
        return row

    async def create(self, session: WriteSession, actor: Principal, body: IssuerBody) -> Issuer:
        """Raises Conflict, Forbidden, NotFound, or AddressForbidden."""
        _check_highest(actor)
        values = body.values()
        check_url(values["issuer"], self._control.settings)
        taken = select(Issuer.id).where(Issuer.slug == body.slug)
        if (await session.scalars(taken)).first() is not None:
            raise Conflict("Another issuer has this slug.", details={"param": "slug"})
        config: IssuerConfig = values.pop("config")
        await self._check(session, actor, config)
        row = Issuer(
            **values,
            config=config.model_dump(mode="json"),
            sealed_secret=self._sealed(body.client_secret.get_secret_value() if body.client_secret else None),
        )
        session.add(row)
        await session.flush()
        session.changes.all_keys()
        return row

    async def change(self, session: WriteSession, actor: Principal, issuer_id: str, body: IssuerPatch) -> Issuer:
        """Raises NotFound or Forbidden."""
        row = await self._for_change(session, actor, issuer_id)
        given = body.given()
        if given.get("client_id", row.client_id) != row.client_id:
            _check_highest(actor)
        if "client_secret" in given:
            secret = given.pop("client_secret")
            row.sealed_secret = self._sealed(secret.get_secret_value() if secret else None)
        if body.config is not None:
            given["config"] = await self._merged(session, actor, row, body.config)
        for name, value in given.items():
            setattr(row, name, value)
        await session.flush()
        if not row.is_active:
            await store.end_sessions(session, Session.issuer_id == row.id, "issuer_removed")
        session.changes.all_keys()
        return row

    async def _merged(
        self, session: WriteSession, actor: Principal, row: Issuer, change: IssuerConfig
    ) -> dict[str, Any]:
        config = IssuerConfig.model_validate({**row.config, **change.model_dump(mode="json", exclude_unset=True)})
        await self._check(session, actor, config)
        before = IssuerConfig.model_validate(row.config).model_dump(mode="json")
        after = config.model_dump(mode="json")
        if any(before[name] != value for name, value in after.items() if name not in _WHOM_AND_WHAT):
            _check_highest(actor)
        return after

    async def remove(self, session: WriteSession, actor: Principal, issuer_id: str) -> None:
        """Sessions that came by it end; the people stay. Raises NotFound or Forbidden."""
        row = await self._for_change(session, actor, issuer_id)
        await store.end_sessions(session, Session.issuer_id == row.id, "issuer_removed")
        await session.delete(row)
        await session.flush()
        session.changes.all_keys()

    async def _for_change(self, session: WriteSession, actor: Principal, issuer_id: str) -> Issuer:
        """What it gives, whom it lets in and whether it works is the lot of everybody who comes by it."""
        row = await self.get(session, issuer_id)
        await self._check(session, actor, IssuerConfig.model_validate(row.config))
        came = select(User.role).join(UserIdentity, UserIdentity.user_id == User.id)
        for role in await session.scalars(came.where(UserIdentity.issuer_id == row.id).distinct()):
            await identity.check_rank_of(session, actor, role, "Changing an issuer by which people come in")
        return row

    async def test(self, issuer: Issuer) -> str:
        """Reads what the issuer publishes. Raises AddressForbidden or an UpstreamError."""
        config = IssuerConfig.model_validate(issuer.config)
        place = Place(issuer.issuer, tuple(config.allow_addresses))
        found = await self._control.signin.directory.metadata(place)
        keys = await self._control.signin.directory.keys(place, None)
        return f"{found.issuer} answers, and publishes {len(keys)} keys."

    def _sealed(self, secret: str | None) -> str | None:
        return None if secret is None else self._control.sealer.seal(secret)

    async def _check(self, session: ReadSession, actor: Principal, config: IssuerConfig) -> None:
        AddressPolicy(config.allow_addresses)
        for role in {config.default_role, *(rule.role for rule in config.rules if rule.role is not None)}:
            await identity.check_giving(session, actor, role, "An issuer that makes a " + role)
        for rule in config.rules:
            if rule.department_id is not None:
                await identity.get_department(session, actor.scope, rule.department_id)
        for rule in config.bearer_rules:
            user = await identity.get_user(session, actor.scope, rule.user_id)
            await identity.check_rank_of(session, actor, user.role, "Letting a service call in this person's name")
        if config.link_by_email or config.link_by_subject or config.bearer_by_email:
            # Whoever rules such an issuer can be anybody here.
            _check_highest(actor)


def _check_highest(actor: Principal) -> None:
    """Raises Forbidden."""
    identity.check_rank(actor, identity.HIGHEST_ROLE, "Saying by which issuer's word somebody is who")
