"""What limits count at the moment, and setting it back to nought."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from sqlalchemy import and_, or_, select

from turnpike.contract.limits import ANY, LimitRule, Resource, Subject, scope_of
from turnpike.control.db.models import ApiKey, Limit, User
from turnpike.control.db.sessions import ReadSession
from turnpike.control.domains.limits import rules
from turnpike.control.domains.limits.service import default_rules, rule_of
from turnpike.control.infra.leases import Leases, Seats, Window
from turnpike.errors import InvalidRequest, NotFound
from turnpike.kit.networks import counted_address
from turnpike.settings import Settings

_REPLACES_TIER = (Subject.KEY, Subject.USER, Subject.DEPARTMENT)


@dataclass(frozen=True)
class Counter:
    rule: LimitRule
    instance: str
    """Whose it is: the id of the key, the address ..."""
    used: int = 0

    @property
    def key(self) -> tuple[str, str, int]:
        return scope_of(self.rule, self.instance), self.rule.resource, self.rule.length_ms

    @property
    def window(self) -> Window:
        return Window(*self.key, self.rule.limit)


async def of(session: ReadSession, settings: Settings, subject: str, name: str) -> list[Counter]:
    """The counters of a subject; of a key also those that its tier gives it. Raises InvalidRequest or NotFound."""
    if subject == Subject.TIER:
        raise InvalidRequest("A tier counts for each of its keys: name a key.", details={"param": "subject"})
    if subject == Subject.IP:
        return [Counter(rule, counted_address(name)) for rule in await _of_address(session, settings, name)]
    name = await rules.resolve(session, subject, name)
    own = await _rules(session, (subject, name))
    if subject == Subject.KEY:
        own += await _of_tier(session, name, own)
    return [Counter(rule, name) for rule in own]


async def read(leases: Leases, counters: Sequence[Counter]) -> list[Counter]:
    """With what is used of each: all that relays hold slices of. Raises LeasesUnreachable."""
    windows = [each for each in counters if each.rule.resource != Resource.CONCURRENCY]
    seats = [each for each in counters if each.rule.resource == Resource.CONCURRENCY]
    counts: dict[Counter, int] = {}
    if windows:
        counts |= zip(windows, await leases.used([each.window for each in windows]), strict=True)
    if seats:
        held = await leases.seated([Seats(each.key[0], each.rule.limit) for each in seats])
        counts |= zip(seats, held, strict=True)
    return [Counter(each.rule, each.instance, counts[each]) for each in counters]


async def reset(leases: Leases, counters: Sequence[Counter]) -> list[Counter]:
    """Nothing of their windows counts as used any more. Seats stay: their calls go on. Raises LeasesUnreachable."""
    windows = [each for each in counters if each.rule.resource != Resource.CONCURRENCY]
    await leases.reset([each.window for each in windows])
    return windows


async def _rules(session: ReadSession, *wanted: tuple[str, str]) -> list[LimitRule]:
    named = or_(*(and_(Limit.subject == subject, Limit.name == name) for subject, name in wanted))
    query = select(Limit).where(named).order_by(Limit.id)
    return [rule_of(row) for row in await session.scalars(query)]


async def _of_tier(session: ReadSession, key_id: str, own: Sequence[LimitRule]) -> list[LimitRule]:
    query = select(ApiKey.tier, ApiKey.user_id, User.department_id).join(User, User.id == ApiKey.user_id)
    row = (await session.execute(query.where(ApiKey.id == key_id))).one_or_none()
    if row is None:
        raise NotFound(f"There is no key {key_id}.")
    wanted = ((Subject.USER, row.user_id), (Subject.DEPARTMENT, row.department_id), (Subject.TIER, row.tier))
    others = await _rules(session, *((subject, name) for subject, name in wanted if name is not None))
    replaced = {rule.counts for rule in (*own, *others) if rule.subject in _REPLACES_TIER}
    return [rule for rule in others if rule.subject == Subject.TIER and rule.counts not in replaced]


async def _of_address(session: ReadSession, settings: Settings, text: str) -> list[LimitRule]:
    """The narrowest network's, for each resource and window."""
    try:
        address = ip_address(text)
    except ValueError:
        raise InvalidRequest(f"{text[:64]!r} is no address.", details={"param": "name"}) from None
    rows = await session.scalars(select(Limit).where(Limit.subject == Subject.IP).order_by(Limit.id))
    found: dict[tuple[str, int, str, str], tuple[int, LimitRule]] = {}
    for rule in (*(rule_of(row) for row in rows), *default_rules(settings)):
        network = None if rule.name == ANY else ip_network(rule.name, strict=False)
        if network is not None and address not in network:
            continue
        width = -1 if network is None else network.prefixlen
        if rule.counts not in found or width > found[rule.counts][0]:
            found[rule.counts] = (width, rule)
    return [rule for _, rule in found.values()]
