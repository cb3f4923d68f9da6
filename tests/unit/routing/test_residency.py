"""Data stays where policies say: no plan, be it of a model, a route, a roll-out, a fallback or a copy, leads out."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnpike.contract.events import Caller
from turnpike.contract.grants import KeyGrant
from turnpike.contract.routes import Conditions, Member, Mirror, Need, ResidencySpec, Rollout, RouteSpec, Rule
from turnpike.contract.routing.conditions import Facts, needed, unmet
from turnpike.contract.routing.planning import Index
from turnpike.contract.routing.residency import in_region
from turnpike.contract.snapshot import AuthSpec, CredentialSpec, ModelSpec, ProviderSpec, Snapshot
from turnpike.errors import Forbidden, ModelNotFound, PolicyRefused
from turnpike.relay.backend import Backends
from turnpike.relay.catalog import Catalog
from turnpike.relay.connect import Connector
from turnpike.relay.endpoints import route_of
from turnpike.relay.metrics import Metrics
from turnpike.relay.outbox import Outbox
from turnpike.relay.pools import Pools, Tick
from turnpike.relay.profiles import Profiles
from turnpike.wire.vendor import OperationSpec

REGIONS = ("eu-1", "eu-2", "us-1", None)
CHAT = route_of(b"POST", b"/v1/chat/completions")


def provider(number: int, region: str | None) -> ProviderSpec:
    return ProviderSpec(
        id=f"p{number}", slug=f"p{number}", name="p", vendor="openai", base_url="https://example.com/v1",
        operations={"chat": (OperationSpec("openai_chat", "/chat/completions"),)},
        auth=AuthSpec(header="authorization", prefix="Bearer "), headers={},
        credentials=(CredentialSpec(f"c{number}", "s"),), needs_credential=True, allow_addresses=(), proxy=None,
        shared_for_users=True, shared_for_normal_admins=True, region=region,
    )  # fmt: skip


def row(number: int, at: int, region: str | None) -> ModelSpec:
    return ModelSpec(f"d{number}", f"p{at}", f"m{number % 3}", f"u{number}", ("chat",), ("chat",), region=region)


def grant(default_provider: str | None = None) -> KeyGrant:
    return KeyGrant("k", "k", "u", "dep", "user", 1, "free", (), (), 0, default_provider=default_provider)


class Asking:
    body = b"{}"
    streams = False

    def __init__(self, tags: tuple[str, ...]) -> None:
        self.head: Any = type("Head", (), {"tags": tags, "session": None})()
        self.entry: Any = type("Entry", (), {"caller": Caller("k", "k", "u", "dep"), "tier": "free"})()


def profiles_of(snapshot: Snapshot) -> Any:
    connector = Connector(timeout_s=1, own_ports=(), ca_file=None, proxy=None, no_proxy=())
    pools = Pools(connector, tick=Tick(0.0), outbox=Outbox(), limit=8, read_timeout_s=1, idle_s=1)
    return Profiles(Catalog(snapshot, Backends(), pools, Metrics()))


MEMBERS = st.sampled_from(
    [*(Member(model=f"m{at}") for at in range(3)), *(Member(deployment=f"d{at}") for at in range(6))]
)
RULES = st.builds(
    Rule,
    groups=st.lists(st.lists(MEMBERS, min_size=1, max_size=3).map(tuple), min_size=1, max_size=3).map(tuple),
    fallbacks=st.lists(st.sampled_from(["m0", "m1", "m2"]), max_size=2).map(tuple),
    rollout=st.none() | st.builds(Rollout, MEMBERS, st.just(100.0)),
    mirror=st.none() | st.builds(Mirror, MEMBERS, st.just(100.0)),
)
POLICIES = st.builds(
    ResidencySpec,
    id=st.sampled_from(["1", "2", "3"]),
    name=st.just("policy"),
    regions=st.sampled_from([("eu-*",), ("eu-1",), ("us-1", "eu-2"), ("EU-1",)]),
    departments=st.sampled_from([(), ("dep",), ("other",)]),
    keys=st.sampled_from([(), ("k",), ("other",)]),
    tags=st.sampled_from([(), ("secret",)]),
)


def everything(plan: Any) -> list[Any]:
    found = list(plan.targets)
    tried: tuple[Any, ...] = ()
    while (target := plan.next_after(tried, 0.0, None)) is not None:
        tried = (*tried, target)
    found += tried
    if plan.routed is not None and plan.routed.mirror is not None:
        found += plan.routed.mirror[1].targets
    return found


@given(
    regions=st.lists(st.sampled_from(REGIONS), min_size=3, max_size=3),
    rows=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(REGIONS)), min_size=6, max_size=6),
    rule=RULES,
    policies=st.lists(POLICIES, max_size=3, unique_by=lambda policy: policy.id),
    tags=st.sampled_from([(), ("secret",)]),
    name=st.sampled_from(["route", "m0", "m1"]),
    default_provider=st.sampled_from([None, "p1"]),
)
def test_no_plan_leads_out_of_the_allowed_regions(
    regions: Any, rows: Any, rule: Rule, policies: Any, tags: Any, name: str, default_provider: str | None
) -> None:
    providers = tuple(provider(at, region) for at, region in enumerate(regions))
    models = tuple(row(number, at, region) for number, (at, region) in enumerate(rows))
    snapshot = Snapshot(
        1, 1, 0, b"p", providers, models, routes=(RouteSpec("route", (rule,)),), residency=tuple(policies)
    )
    profiles = profiles_of(snapshot)
    profile = profiles.of(grant(default_provider))
    call: Any = Asking(tags)
    holding = [
        each
        for each in policies
        if not (each.departments or each.keys or each.tags)
        or "dep" in each.departments
        or "k" in each.keys
        or set(tags) & set(each.tags)
    ]
    region_of = {each.id: each.region or regions[int(each.provider_id[1])] for each in models}
    allowed = {each.id for each in models if all(in_region(region_of[each.id], one.regions) for one in holding)}
    try:
        plan = profile.make_plan(CHAT, name)
        if plan.router is not None:
            plan = plan.router.plan_for(call)
    except (Forbidden, ModelNotFound) as error:
        index = Index(snapshot)
        named = [*(each for group in rule.groups for each in group), *(Member(model=one) for one in rule.fallbacks)]
        named += [rule.rollout.to] if rule.rollout is not None else []
        asked = named if name == "route" else [Member(model=name)]
        assert not {each.id for member in asked for each in index.rows_of(member)} & allowed
        assert isinstance(error, ModelNotFound) or "policy" in error.message  # noqa: PT017 - no error is right too
        return
    found = {target.served.deployment_id for target in everything(plan)}
    assert found
    assert found <= allowed


def test_plans_are_remembered_for_each_set_of_policies() -> None:
    policies = (ResidencySpec("1", "secret", ("eu-1",), tags=("secret",)),)
    rows = (row(0, 0, "eu-1"), row(3, 1, "us-1"))
    snapshot = Snapshot(1, 1, 0, b"p", (provider(0, None), provider(1, None)), rows, residency=policies)
    profiles = profiles_of(snapshot)
    plan = profiles.of(grant()).make_plan(CHAT, "m0")
    plain, secret = (plan.router.plan_for(Asking(tags)) for tags in ((), ("secret",)))  # pyright: ignore[reportArgumentType, reportOptionalMemberAccess]
    assert [len(each.targets) for each in (plain, secret)] == [2, 1]
    assert plan.router is not None
    assert plan.router.plan_for(Asking(("secret",))) is secret
    assert plan.router.plan_for(Asking(())) is plain


def facts(**more: Any) -> Facts:
    values: dict[str, Any] = {
        "tags": (), "tier": "free", "department_id": None, "user_id": "u", "key_id": "k", "operation": "chat",
        "input_tokens": 10, "needs": lambda need: need is Need.TOOLS,
    }  # fmt: skip
    return Facts(**{**values, **more})


@pytest.mark.parametrize(
    ("when", "met"),
    [
        (Conditions(), True),
        (Conditions(tiers=("pro",)), False),
        (Conditions(tiers=("pro", "free")), True),
        (Conditions(departments=("d",)), False),
        (Conditions(users=("u",), keys=("k",)), True),
        (Conditions(users=("u",), keys=("x",)), False),
        (Conditions(operations=("embeddings",)), False),
        (Conditions(needs=(Need.TOOLS,)), True),
        (Conditions(needs=(Need.TOOLS, Need.VISION)), False),
        (Conditions(min_input_tokens=10, max_input_tokens=10), True),
        (Conditions(min_input_tokens=11), False),
        (Conditions(max_input_tokens=9), False),
    ],
)
def test_all_conditions_must_hold(when: Conditions, met: bool) -> None:
    assert (unmet(when, facts()) is None) == met


@pytest.mark.parametrize(
    ("body", "needs"),
    [
        (b'{"messages":[{"role":"user","content":"use \\"tools\\": [1]"}]}', set[Need]()),
        (b'{"tools":[{"type":"function"}]}', {Need.TOOLS}),
        (b'{"tools": []}', set[Need]()),
        (b'{"content":[{"type":"image_url","image_url":{}}]}', {Need.VISION}),
        (b'{"content":[{"type":"image","source":{}}]}', {Need.VISION}),
        (b'{"contents":[{"parts":[{"inlineData":{"mimeType":"audio/wav"}}]}]}', {Need.AUDIO}),
        (b'{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png"}}]}]}', {Need.VISION}),
        (b'{"contents":[{"parts":[{"file_data":{"mime_type":"image/png","file_uri":"x"}}]}]}', {Need.VISION}),
        (b'{"contents":[{"parts":[{"fileData":{"fileUri":"x","mimeType":"audio/mp3"}}]}]}', {Need.AUDIO}),
        (b'{"messages":[{"content":[{"image":{"format":"png","source":{}}}]}]}', {Need.VISION}),
        (b'{"messages":[{"role":"user","content":"image"}]}', set[Need]()),
        (b'{"modalities":["text","audio"],"audio":{"voice":"alloy"}}', {Need.AUDIO}),
        (b'{"generationConfig":{"responseModalities":["AUDIO"]}}', {Need.AUDIO}),
        (b'{"modalities":["text"]}', set[Need]()),
        (b'{"response_format":{"type":"json_object"}}', {Need.JSON}),
        (b'{"response_format":{"json_schema":{"schema":{"type":"object"}},"type":"json_schema"}}', {Need.JSON}),
        (b'{"response_format":{"type":"text"}}', set[Need]()),
        (b'{"text":{"format":{"type":"json_schema","name":"n","schema":{}}}}', {Need.JSON}),
        (b'{"text":{"format":{"type":"json_object"}}}', {Need.JSON}),
        (b'{"text":{"format":{"type":"text"}}}', set[Need]()),
        (b'{"text":{"verbosity":"low"}}', set[Need]()),
        (b'{"output_config":{"format":{"type":"json_schema","schema":{}}}}', {Need.JSON}),
        (b'{"output_config":{"effort":"low"}}', set[Need]()),
        (b'{"output_format":{"type":"json_schema","schema":{}}}', {Need.JSON}),
        (b'{"outputConfig":{"textFormat":{"type":"json_schema","structure":{}}}}', {Need.JSON}),
        (b'{"generationConfig":{"responseMimeType":"application/json"}}', {Need.JSON}),
        (b'{"generation_config":{"response_mime_type":"text/plain"}}', set[Need]()),
        (b'{"generationConfig":{"responseJsonSchema":{"type":"object"}}}', {Need.JSON}),
        (b'{"messages":[{"role":"user","content":"\\"response_format\\": {"}]}', set[Need]()),
        (b'{"output_config":[],"text":1,"generationConfig":"x"}', set[Need]()),
        (b"no json", set[Need]()),
    ],
)
def test_needs_are_read_from_field_names_and_not_from_prompts(body: bytes, needs: set[Need]) -> None:
    assert {need for need in Need if needed(body, need, streams=False)} == needs
    assert needed(body, Need.STREAMING, streams=True)


def test_a_route_without_a_rule_for_a_request_says_why() -> None:
    rule = Rule(((Member(model="m0"),),), when=Conditions(tags=("x",)))
    snapshot = Snapshot(1, 1, 0, b"p", (provider(0, None),), (row(0, 0, None),), routes=(RouteSpec("r", (rule,)),))
    profiles = profiles_of(snapshot)
    plan = profiles.of(grant()).make_plan(CHAT, "r")
    assert plan.router is not None
    with pytest.raises(PolicyRefused, match="tags: none is not among x"):
        plan.router.plan_for(Asking(()))  # pyright: ignore[reportArgumentType]
