"""Where a request would go, and why: asked of the functions that relays plan with, over the snapshot that they have."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from turnpike.contract.events import Caller
from turnpike.contract.routes import Need, RouteSpec, Rule, StickyBy, Strategy
from turnpike.contract.routing.conditions import Facts, rule_for, unmet
from turnpike.contract.routing.hashing import in_share
from turnpike.contract.routing.measuring import MEASURED
from turnpike.contract.routing.ordering import Ordered, ordered
from turnpike.contract.routing.planning import Candidate, Index, Place, Survey, error_code
from turnpike.contract.routing.residency import InForce
from turnpike.contract.routing.standing import Standing
from turnpike.control.db.sessions import ReadSession
from turnpike.control.domains.routes.caller import Who, find_caller
from turnpike.control.domains.routes.measured import RelayView
from turnpike.control.domains.routes.schemas import (
    CandidateView,
    ExplainBody,
    ExplainView,
    PolicyView,
    RuleView,
    WhoView,
)
from turnpike.control.domains.routes.spent import spent
from turnpike.control.domains.routes.switched_off import switched_off
from turnpike.control.services import ControlServices
from turnpike.control.web.principal import Principal
from turnpike.errors import NotFound, PolicyRefused, TurnpikeError, Unavailable


class Now(NamedTuple):
    """What holds at the moment, and may be otherwise in a second."""

    seen: RelayView
    relays: tuple[int, ...] = ()
    spent: Mapping[str, str] = {}
    """By deployment: the limit or budget that keeps it out."""

    def against(self, candidate: Candidate) -> str | None:
        """Why it is passed over."""
        return self.spent.get(candidate.row.id) or self.seen.rests(candidate)


class Plan(NamedTuple):
    """What was found of the request's way."""

    rules: list[RuleView]
    number: int | None
    rule: Rule | None
    rolled: bool | None
    candidates: list[Candidate]
    mirrors: list[Candidate]
    error: str | None
    route: RouteSpec | None = None
    policies: InForce = ()


async def explain(control: ControlServices, session: ReadSession, actor: Principal, asked: ExplainBody) -> ExplainView:
    """Raises NotFound for a key, user or relay that is no more, Unavailable before there is a snapshot."""
    keeper = control.keeper
    if keeper.in_force is None or keeper.in_force.version < keeper.known_snapshot_version:
        await keeper.refresh()  # what was just changed here is meant
    snapshot = keeper.in_force
    if snapshot is None:
        raise Unavailable("There is no snapshot yet.", retry_after_s=2)
    who = await find_caller(keeper, session, actor, asked.key_id, asked.user_id)
    index = Index(snapshot)
    plan = _plan(index, who, asked)
    relays = control.metrics.states()
    number = asked.relay if asked.relay is not None else min(relays, default=None)
    if number is not None and number not in relays:
        known = ", ".join(map(str, sorted(relays))) or "none"
        raise NotFound(f"No relay {number} is connected here (there are: {known}).", details={"param": "relay"})
    seen = RelayView(number, relays[number] if number is not None else ())
    used_up = await spent(session, control.lender.leases, plan.candidates, asked.operation)
    off = await switched_off(session, asked.model, plan.rule)
    return explained(index, who, asked, plan, Now(seen, tuple(sorted(relays)), used_up), off)


def explained(  # noqa: PLR0917 - all that is shown
    index: Index, who: Who, asked: ExplainBody, plan: Plan, now: Now, off: Sequence[CandidateView] = ()
) -> ExplainView:
    """Pure. `off`: deployments that are switched off."""
    grant = who.grant
    rule = plan.rule
    strategy = rule.strategy if rule is not None else index.snapshot.policies.default_strategy
    key = _sticky_key(asked, who, rule.sticky_by if rule else StickyBy.SESSION)
    order = _order(plan.candidates, strategy, key, now)
    # Where all rest, one that only a guess speaks against is asked all the same.
    first = order[0].candidate.row.id if order and order[0].share == 1.0 else None
    views = [_view(index, each, now) for each in order]
    shown = {each.candidate.row.id for each in order}
    rest = [each for each in plan.candidates if each.row.id not in shown]
    views += [_view(index, Ordered(each, None, 0.0), now) for each in rest if each.out is None]
    views += [_view(index, Ordered(each, None, 0.0), now) for each in rest if each.out is not None]
    views = [*_once(views), *off]
    error = plan.error or (None if any(each.included for each in views) else error_code(plan.candidates))
    return ExplainView(
        model=asked.model,
        route=plan.route.name if plan.route is not None else None,
        route_version=plan.route.version if plan.route is not None else None,
        rules=plan.rules,
        rule=plan.number,
        strategy=strategy,
        in_rollout=plan.rolled,
        caller=WhoView(
            key_id=who.key_id,
            user_id=who.user_id,
            department_id=grant.department_id,
            role=grant.role,
            tier=grant.tier,
        ),
        residency=[PolicyView(name=each.name, regions=list(each.regions)) for each in plan.policies],
        candidates=views,
        mirrors=[_view(index, Ordered(each, None, None), now) for each in plan.mirrors],
        first=first,
        relay=now.seen.relay,
        relays=list(now.relays),
        allowed=error is None,
        error_code=error,
        summary=_summary(order, strategy, first, error, now),
    )


def _order(found: Sequence[Candidate], strategy: Strategy, key: bytes, now: Now) -> list[Ordered]:
    """Of those that are not passed over at the moment."""
    figure = None if now.seen.relay is None else partial(now.seen.figure, strategy)
    return ordered([each for each in found if now.against(each) is None], strategy, key, figure)


def _once(views: Sequence[CandidateView]) -> list[CandidateView]:
    """Each where it stands first."""
    found: dict[str, CandidateView] = {}
    for each in views:
        found.setdefault(each.deployment_id, each)
    return list(found.values())


def _plan(index: Index, who: Who, asked: ExplainBody) -> Plan:
    grant = who.grant
    caller = Caller(grant.key_id, grant.key_name, grant.user_id, grant.department_id)
    policies = index.residency.of(caller, tuple(asked.tags))
    route = index.route(asked.model) if asked.provider is None else None
    return _planned(index, who, asked, route, policies)._replace(route=route, policies=policies)


def _planned(index: Index, who: Who, asked: ExplainBody, route: RouteSpec | None, policies: InForce) -> Plan:
    survey = Survey(index, Standing(who.grant), asked.operation, asked.model, policies)
    if route is None:
        return _model_plan(survey, asked, [])
    facts = _facts(who, asked)
    rules = [
        RuleView(number=number, met=reason is None, reason=reason)
        for number, rule in enumerate(route.rules, 1)
        for reason in (unmet(rule.when, facts),)
    ]
    found = rule_for(route, facts)
    if found is None:
        if index.meant(asked.model):
            return _model_plan(survey, asked, rules)
        return Plan(rules, None, None, None, [], [], PolicyRefused.code)
    place, rule = found
    rolled = None
    if rule.rollout is not None:
        member = who.grant.key_id if rule.rollout.by == "key" else who.grant.user_id
        rolled = in_share(route.name, member, rule.rollout.percent)
    candidates = survey.rule(rule, rolled=rolled is True)
    return Plan(rules, place + 1, rule, rolled, candidates, survey.mirror(rule), None)


def _model_plan(survey: Survey, asked: ExplainBody, rules: list[RuleView]) -> Plan:
    try:
        return Plan(rules, None, None, None, survey.model(asked.provider), [], None)
    except TurnpikeError as error:  # a retired model
        return Plan(rules, None, None, None, [], [], error.code)


def _facts(who: Who, asked: ExplainBody) -> Facts:
    wanted = frozenset(asked.needs)

    def needs(need: Need) -> bool:
        return need in wanted

    grant = who.grant
    return Facts(
        tags=tuple(asked.tags),
        tier=grant.tier,
        department_id=grant.department_id,
        user_id=grant.user_id,
        key_id=grant.key_id,
        operation=asked.operation,
        input_tokens=asked.input_tokens,
        needs=needs,
    )


def _sticky_key(asked: ExplainBody, who: Who, by: StickyBy) -> bytes:
    """A prompt's beginning is not known here: without a session the user decides."""
    if by is StickyBy.SESSION and asked.session:
        return asked.session.strip().encode()
    return who.grant.user_id.encode()


def _view(index: Index, each: Ordered, now: Now) -> CandidateView:
    candidate = each.candidate
    row = candidate.row
    against = now.against(candidate) if candidate.out is None else None
    return CandidateView(
        deployment_id=row.id,
        model=row.name,
        upstream_model=row.upstream_model,
        provider=candidate.provider.slug,
        region=index.region_of(row),
        place=candidate.place,
        group=candidate.group,
        weight=candidate.weight,
        included=candidate.out is None,
        reason=candidate.out.reason if candidate.out is not None else against,
        resting=against is not None,
        rank=each.rank,
        share=each.share,
        measured=now.seen.view(candidate),
    )


def _summary(order: Sequence[Ordered], strategy: Strategy, first: str | None, error: str | None, now: Now) -> str:
    if error is not None:
        return f"It would be refused with {error}."
    if not order:
        return "Every deployment rests at the moment: it would wait for a short rest, or be refused."
    names = [f"{each.candidate.provider.slug}/{each.candidate.row.name}" for each in order]
    if first is not None:
        then = f", then {', '.join(names[1:])}" if len(names) > 1 else ""
        return f"It would go to {names[0]}{then}."
    among = [name for name, each in zip(names, order, strict=True) if each.share != 0.0]
    others = sum(each.candidate.place is Place.FALLBACK for each in order)
    behind = f" Behind them are {others} to fall back to." if others else ""
    if strategy in MEASURED and now.seen.relay is not None:
        behind = f", as relay {now.seen.relay} has measured." + behind
        return f"It would go to one of {', '.join(among)}, by the strategy {strategy}{behind}"
    return f"It would go to one of {', '.join(among)}, by the strategy {strategy}.{behind}"
