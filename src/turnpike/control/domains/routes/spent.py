"""Which deployments are out because a limit or a hard budget of their own is used up."""

from collections.abc import Iterable, Sequence

from turnpike.contract.budgets import BudgetSpec
from turnpike.contract.limits import LimitRule
from turnpike.contract.routing.planning import Candidate
from turnpike.control.db.sessions import ReadSession
from turnpike.control.domains.budgets import service as budgets
from turnpike.control.domains.limits import counters
from turnpike.control.domains.limits.counters import Counter
from turnpike.control.infra.leases import Leases, LeasesUnreachable
from turnpike.control.rights.policy import everything
from turnpike.errors import NotFound
from turnpike.kit.patterns import matches

_SPENT = 0.995
"""What is left then is less than a call's bound, or will be in a moment."""


async def spent(session: ReadSession, leases: Leases, found: Sequence[Candidate], operation: str) -> dict[str, str]:
    """By deployment: what keeps it out. Of limits what relays hold counts, used or not yet. Where the limits' counters
    cannot be asked, they are passed over."""
    of_limits = await _full(leases, found, operation)
    used_up: dict[str, str | None] = {}
    result: dict[str, str] = {}
    for each in found:
        reason = of_limits.get(each.row.id)
        for spec in _budgets(each):
            if spec.id not in used_up:
                used_up[spec.id] = await _used_up(session, spec)
            reason = reason or used_up[spec.id]
        if reason is not None:
            result[each.row.id] = reason
    return result


async def _full(leases: Leases, found: Iterable[Candidate], operation: str) -> dict[str, str]:
    wanted: dict[tuple[str, str, int], Counter] = {}
    of: dict[str, list[tuple[str, str, int]]] = {}
    for each in found:
        for rules, name in ((each.row.limits, each.row.id), (each.provider.limits, each.provider.id)):
            for rule in rules:
                if _concerns(rule, each.row.name, operation):
                    counter = Counter(rule, name)
                    wanted[counter.key] = counter
                    of.setdefault(each.row.id, []).append(counter.key)
    if not wanted:
        return {}
    try:
        used = {each.key: each for each in await counters.read(leases, tuple(wanted.values()))}
    except LeasesUnreachable:
        return {}
    result: dict[str, str] = {}
    for deployment_id, keys in of.items():
        full = next((used[key] for key in keys if used[key].used >= used[key].rule.limit), None)
        if full is not None:
            result[deployment_id] = _said(full.rule)
    return result


def _concerns(rule: LimitRule, model: str, operation: str) -> bool:
    return (not rule.model or matches(rule.model, model)) and (not rule.operation or rule.operation == operation)


def _said(rule: LimitRule) -> str:
    window = f" in {rule.window_s} s" if rule.window_s else " at once"
    return f"the limit of its {rule.subject} is used up: {rule.limit} {rule.resource.replace('_', ' ')}{window}"


def _budgets(candidate: Candidate) -> Iterable[BudgetSpec]:
    """Of the deployment's model and provider, and of its credential where it has a single one."""
    yield from candidate.row.budgets
    yield from candidate.provider.budgets
    if len(candidate.credentials) == 1 and candidate.credentials[0] is not None:
        yield from candidate.credentials[0].budgets


async def _used_up(session: ReadSession, spec: BudgetSpec) -> str | None:
    if not spec.hard:
        return None
    try:
        row = await budgets.get(session, everything("routes are explained by who manages them all"), spec.id)
    except NotFound:
        return None
    stand = await budgets.standing(session, row)
    return f"{spec.shown} is spent" if stand.spent >= _SPENT * spec.amount_nanousd else None
