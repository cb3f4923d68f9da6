"""Deployments that a request would come to if they, or their providers, were not switched off: relays do not know
them."""

from collections.abc import Sequence

from sqlalchemy import or_, select

from turnpike.contract.routes import Rule
from turnpike.contract.routing.planning import Place, members
from turnpike.control.db.models import Model, Provider
from turnpike.control.db.sessions import ReadSession
from turnpike.control.domains.routes.schemas import CandidateView

_AT_MOST = 100


async def switched_off(session: ReadSession, asked: str, rule: Rule | None) -> Sequence[CandidateView]:
    """Of the model that was asked for, or of all that a route's rule names."""
    named = list(members(rule)) if rule is not None else []
    names = {each.model for each in named if each.model is not None} | set(rule.fallbacks if rule is not None else ())
    names = names or {asked}
    bare = {name.partition("/")[2] for name in names if "/" in name}
    ids = {each.deployment for each in named if each.deployment is not None}
    query = (
        select(Model, Provider)
        .join(Provider)
        .where(or_(Model.name.in_(names | bare), Model.id.in_(ids)))
        .where(or_(Model.is_active.is_(False), Provider.is_active.is_(False)))
        .order_by(Model.name, Model.id)
        .limit(_AT_MOST)
    )
    return [_view(model, provider) for model, provider in (await session.execute(query)).all()]


def _view(model: Model, provider: Provider) -> CandidateView:
    reason = "it is switched off" if not model.is_active else f"its provider '{provider.slug}' is switched off"
    return CandidateView(
        deployment_id=model.id,
        model=model.name,
        upstream_model=model.model_id,
        provider=provider.slug,
        region=model.region or provider.region,
        place=Place.MEMBER,
        group=0,
        weight=model.weight,
        included=False,
        reason=reason,
        resting=False,
        rank=None,
        share=0.0,
        measured=None,
    )
