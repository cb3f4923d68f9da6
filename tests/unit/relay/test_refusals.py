"""Which rule said no, in the words of the ledger."""

import pytest

from turnpike.errors import (
    BudgetSpent,
    InvalidRequest,
    ModelNotFound,
    PolicyRefused,
    RateLimited,
    ScopeMissing,
    TurnpikeError,
)
from turnpike.relay.refusals import reason_of

LIMIT = {"id": "l1", "subject": "tier", "name": "free", "resource": "requests", "amount": 10, "window_s": 60}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RateLimited("m", details={"limit": LIMIT}),
         "limit=l1;subject=tier;name=free;resource=requests;amount=10;window_s=60"),
        (BudgetSpent("m", details={"budget": "b1", "kind": "key", "subject": "k", "period": "day"}),
         "budget=b1;kind=key;period=day"),
        (PolicyRefused("m", details={"policy": "p", "guard": "g", "kind": "email", "where": "prompt"}),
         "policy=p;guard=g;kind=email;where=prompt"),
        (ScopeMissing("m", details={"scope": "inference:text", "scopes": []}), "scope=inference:text"),
        (RateLimited("m", details={"limit": "rate"}), None),
        (InvalidRequest("m", details={"param": "what the caller sent"}), None),
        (ModelNotFound("m"), None),
        (TurnpikeError(), None),
    ],
)  # fmt: skip
def test_ids_and_names_and_nothing_that_a_caller_sent(error: TurnpikeError, reason: str | None) -> None:
    assert reason_of(error) == reason


def test_it_fits_its_column() -> None:
    long = PolicyRefused("m", details={"policy": "p" * 300, "guard": "g", "kind": "k", "where": "prompt"})
    assert len(reason_of(long) or "") == 255
