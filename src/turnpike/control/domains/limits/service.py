"""What other rooms may ask of limits: the rules as relays have them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import and_, or_, select

from turnpike.contract.limits import ANY, LimitRule, Resource, Subject
from turnpike.control.db.models import Limit, Tier
from turnpike.control.db.sessions import ReadSession
from turnpike.errors import InvalidRequest
from turnpike.settings import Settings

OPEN = "open"
ESTIMATE = "estimate"
DEFAULT_RULE = "TURNPIKE_RATE_LIMIT_ENABLED"
"""Stands for the id of the rule that settings make."""
_OF_GRANTS = (Subject.KEY, Subject.USER)
Rules = dict[str, tuple[LimitRule, ...]]


def rule_of(row: Limit) -> LimitRule:
    return LimitRule(
        id=row.id,
        subject=row.subject,
        name=row.name,
        resource=row.resource,
        amount=row.amount,
        window_s=row.window_s,
        burst=row.burst,
        open=row.on_unreachable == OPEN,
        model=row.model,
        operation=row.operation,
        estimate=row.counting == ESTIMATE,
    )


def default_rules(settings: Settings) -> tuple[LimitRule, ...]:
    """The simple limit of every address, if the settings ask for it."""
    if not settings.rate_limit_enabled:
        return ()
    amount, window_s = settings.rate_limit_requests, settings.rate_limit_window
    return (LimitRule(DEFAULT_RULE, Subject.IP, ANY, Resource.REQUESTS, amount, window_s),)


async def check_tier(session: ReadSession, name: str) -> None:
    """A key of a tier that nobody made would have no limits. Raises InvalidRequest."""
    if await session.get(Tier, name) is None:
        names = (await session.scalars(select(Tier.name).order_by(Tier.name).limit(20))).all()
        raise InvalidRequest(f"There is no tier {name!r}; take one of {', '.join(names)}.", details={"param": "tier"})


async def shared_rules(session: ReadSession) -> tuple[LimitRule, ...]:
    """All but those of keys and users, of which there may be millions."""
    rows = await session.scalars(select(Limit).where(Limit.subject.not_in(_OF_GRANTS)).order_by(Limit.id))
    return tuple(rule_of(row) for row in rows)


def of_subject(rules: Iterable[LimitRule], subject: Subject) -> Rules:
    """By name."""
    found: defaultdict[str, list[LimitRule]] = defaultdict(list)
    for rule in rules:
        if rule.subject == subject:
            found[rule.name].append(rule)
    return {name: tuple(each) for name, each in found.items()}


async def rules_of_callers(session: ReadSession, key_ids: Sequence[str], user_ids: Sequence[str]) -> Rules:
    """Of these keys and users, by their ids."""
    of_keys = and_(Limit.subject == Subject.KEY, Limit.name.in_(key_ids))
    of_users = and_(Limit.subject == Subject.USER, Limit.name.in_(user_ids))
    rows = await session.scalars(select(Limit).where(or_(of_keys, of_users)).order_by(Limit.id))
    rules = [rule_of(row) for row in rows]
    return {**of_subject(rules, Subject.KEY), **of_subject(rules, Subject.USER)}
