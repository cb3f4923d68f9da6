"""Whom a policy holds for, which one comes first, and the bounds that forms and sessions have."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from turnpike.contract.policies import BoundsSpec, GuardSpec, PolicySpec
from turnpike.relay.guards.ruleset import Ruleset
from turnpike.relay.guards.store import Guards
from turnpike.wire.guards.bounds import check_form
from turnpike.wire.guards.filter import Blocked, Finds, whole
from turnpike.wire.guards.placeholders import Vault


def masking(name: str, replacement: str, **facts: Any) -> PolicySpec:
    guard = GuardSpec("mails", "pii", "mask", detect=("email",), replacement=replacement)
    return PolicySpec(id=name, name=name, guards=(guard,), **facts)


def rules_of(*policies: PolicySpec, models: set[str], **caller: Any) -> Ruleset | None:
    """What a relay makes of them for a caller."""
    who = SimpleNamespace(**{"key_id": "k1", "user_id": "u1", "department_id": "d1", **caller})
    entry = SimpleNamespace(caller=who, tier=caller.get("tier", "free"), exempt=False)
    relay = SimpleNamespace(catalog=SimpleNamespace(snapshot=SimpleNamespace(guard_policies=policies)))
    return Guards(cast("Any", relay)).rules_for(cast("Any", entry), models)


@pytest.mark.parametrize(
    ("narrowed", "held", "free"),
    [
        ({"keys": ("k1",)}, {}, {"key_id": "k2"}),
        ({"users": ("u1",)}, {}, {"user_id": "u2"}),
        ({"departments": ("d1",)}, {}, {"department_id": None}),
        ({"tiers": ("free",)}, {}, {"tier": "pro"}),
    ],
)
def test_a_policy_holds_for_the_callers_that_it_names(
    narrowed: dict[str, Any], held: dict[str, Any], free: dict[str, Any]
) -> None:
    policy = masking("house", "[X]", **narrowed)
    assert rules_of(policy, models={"m"}, **held) is not None
    assert rules_of(policy, models={"m"}, **free) is None


def test_a_policy_holds_for_the_models_that_it_names_and_where_nobody_knows_the_model() -> None:
    policy = masking("house", "[X]", models=("gpt-*",))
    assert rules_of(policy, models={"gpt-5"}) is not None
    assert rules_of(policy, models={"alias", "gpt-5"}) is not None
    assert rules_of(policy, models=set()) is not None
    assert rules_of(policy, models={"claude"}) is None


def test_of_two_policies_that_change_the_same_the_first_one_does() -> None:
    first, second = masking("a", "[FIRST]"), masking("b", "[SECOND]")
    for order, wanted in (((first, second), "to [FIRST]"), ((second, first), "to [SECOND]")):
        rules = rules_of(*order, models={"m"})
        assert rules is not None
        assert whole(rules.prompt, "to bob@example.com", Finds(), Vault()) == wanted


def test_a_policy_that_blocks_is_not_overruled_by_one_that_masks_before_it() -> None:
    blocking = PolicySpec(id="b", name="b", guards=(GuardSpec("mails", "pii", "block", detect=("email",)),))
    rules = rules_of(masking("a", "[X]"), blocking, models={"m"})
    assert rules is not None
    with pytest.raises(Blocked) as told:
        whole(rules.prompt, "to bob@example.com", Finds(), Vault())
    assert told.value.source.policy == "b"


@pytest.mark.parametrize(
    ("bounds", "fields", "parameter"),
    [
        (BoundsSpec(max_input_bytes=99), {}, "input"),
        (BoundsSpec(forbidden_parameters=("temperature",)), {"temperature": "0.5"}, "temperature"),
        (BoundsSpec(allowed_parameters=("language",)), {"language": "en", "prompt": "x", "n": "1"}, "n"),
        (BoundsSpec(ranges={"n": (None, 1)}), {"n": "2"}, "n"),
        (BoundsSpec(ranges={"n": (None, 1)}), {"n": "many"}, "n"),
        (BoundsSpec(ranges={"n": (None, 2)}, max_input_bytes=100, max_input_tokens=1), {"n": "2"}, None),
    ],
)
def test_forms_have_bounds(bounds: BoundsSpec, fields: dict[str, str], parameter: str | None) -> None:
    excess = check_form(bounds, {"model": "m", **fields}, 100)
    assert (None if excess is None else excess.parameter) == parameter
