"""/api/v1/settings/own/providers: one's own settings at all providers; each is changed at its provider's address."""

from fastapi import APIRouter
from sqlalchemy import select

from turnpike.control.db.models import Credential, Provider, ProviderSetting
from turnpike.control.domains.catalog.own_settings import view_setting
from turnpike.control.domains.catalog.schemas import SettingView
from turnpike.control.domains.listing import Columns, contains, ordered
from turnpike.control.web.database import Reading
from turnpike.control.web.envelope import Envelope, page_of
from turnpike.control.web.params import Paged, Search, Sort
from turnpike.control.web.principal import AnyKey
from turnpike.kit.pagination import parse_sort

router = APIRouter(prefix="/api/v1/settings/own", tags=["settings"])
ORDER: Columns = {"provider": Provider.slug, "created_at": ProviderSetting.created_at_ms}


@router.get("/providers")
async def list_own_provider_settings(
    actor: AnyKey, session: Reading, page: Paged, search: Search = None, sort: Sort = None
) -> Envelope[list[SettingView]]:
    """Where the person who asks has a key of their own, a limit, or a wish; keys are masked."""
    query = (
        select(ProviderSetting, Provider, Credential)
        .join(Provider, Provider.id == ProviderSetting.provider_id)
        .outerjoin(Credential, Credential.id == ProviderSetting.credential_id)
        .where(ProviderSetting.user_id == actor.person())
    )
    if search:
        query = query.where(contains(Provider.slug, search))
    orders = parse_sort(sort, ORDER, "provider")
    rows = (await session.execute(ordered(query, orders, ORDER, ProviderSetting.id))).all()
    shown = rows[page.offset : page.offset + page.per_page]
    views = [view_setting(actor, provider, row, credential) for row, provider, credential in shown]
    return page_of(views, page, len(rows))
