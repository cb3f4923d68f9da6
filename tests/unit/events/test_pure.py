"""Signatures, back-off, receivers and scores: what needs no database."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from turnpike.control.db.models import AlertSilence, AlertTarget, EventRow, WebhookEndpoint
from turnpike.control.delivery import signing, words
from turnpike.control.delivery.backoff import LONGEST_S, delay_s, retry_after_s
from turnpike.control.delivery.fanout import receivers, silence_of
from turnpike.control.domains.alerts.anomaly import score
from turnpike.control.events.kinds import KINDS, is_pattern, wanted
from turnpike.control.infra.mail import Mail, MailFailed, composed


@given(body=st.text().map(str.encode), at_s=st.integers(0, 2**33))
def test_signatures_are_those_of_the_standards_own_library(body: bytes, at_s: int) -> None:
    secret = signing.new_secret()
    theirs = Webhook(secret).sign("msg_1", datetime.fromtimestamp(at_s, UTC), body.decode())
    assert signing.signature(secret, "msg_1", at_s, body) == theirs


def test_secrets_are_long_and_never_the_same() -> None:
    made = {signing.new_secret() for _ in range(50)}
    assert len(made) == 50
    assert all(24 <= len(Webhook(secret)._whsecret) <= 64 for secret in made)  # pyright: ignore[reportPrivateUsage]


def test_delays_grow_to_a_bound_and_are_spread() -> None:
    middle = [delay_s(count, draw=lambda: 0.5) for count in range(1, 13)]
    assert middle[:4] == [5, 20, 80, 320]
    assert all(earlier <= later for earlier, later in pairwise(middle))
    assert middle[-1] == LONGEST_S
    assert len({delay_s(3) for _ in range(50)}) > 40
    assert all(64 <= delay_s(3) <= 96 for _ in range(200))
    assert delay_s(1, 600) == 600
    assert delay_s(1, 10**9) == 24 * 3600


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0), (" 7 ", 7.0), ("Thu, 01 Jan 1970 00:20:00 GMT", 200.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("soon", None), ("-5", None), ("", None), (None, None), ("9" * 400, 999999999.0),
    ],
)  # fmt: skip
def test_retry_after_is_read_in_both_its_forms(text: str | None, seconds: float | None) -> None:
    assert retry_after_s(text, 1000.0) == seconds


def event(kind: str, **values: Any) -> EventRow:
    data = values.pop("data", {})
    return EventRow(id="e", type=kind, version=1, at_ms=0, data=data, **values)


def endpoint(name: str, *types: str, department_id: str | None = None) -> WebhookEndpoint:
    return WebhookEndpoint(id=name, event_types=list(types) or ["*"], department_id=department_id)


def target(name: str, kind: str = "email", **values: Any) -> AlertTarget:
    return AlertTarget(id=name, kind=kind, **{"budget_alerts": True, **values})


BUDGET = {"kind": "user", "subject": "u1", "percent": 80, "amount_usd": "10.00"}


def test_each_receiver_is_told_once_and_nobody_of_what_is_not_theirs() -> None:
    endpoints = [endpoint("all"), endpoint("keys", "key.*"), endpoint("mine", department_id="d1")]
    assert {each.id for each in receivers(event("key.created"), endpoints, [], [])} == {"all", "keys"}
    told = receivers(event("user.created", department_id="d1"), endpoints, [], [])
    assert {each.id for each in told} == {"all", "mine"}
    both = [target("t", "webhook", endpoint_id="all")]
    assert len(receivers(event("alert.firing", targets=["t"]), endpoints, both, [])) == 1
    assert receivers(event("webhook.test"), endpoints, [], []) == []
    assert [each.id for each in receivers(event("webhook.test", only="keys"), endpoints, [], [])] == ["keys"]


def test_budgets_percentages_go_to_the_targets_of_alerts_unless_silenced() -> None:
    targets = [target("mail"), target("other", department_id="d9"), target("none", budget_alerts=False)]
    told = receivers(event("budget.alert", data=BUDGET, department_id="d1"), [], targets, [])
    assert [(each.channel, each.id) for each in told] == [("email", "mail")]
    silence = AlertSilence(id="s", rule="budget", subject="user:*")
    assert receivers(event("budget.alert", data=BUDGET), [], targets, [silence]) == []
    assert receivers(event("budget.alert", data=BUDGET), [endpoint("hook")], targets, [silence]) != []


def test_a_silence_takes_only_the_star_for_a_wildcard() -> None:
    silence = AlertSilence(id="s", rule="spend [a]?", subject="*")
    assert silence_of("spend [a]?", "x", [silence]) == "s"
    assert silence_of("spend ab", "x", [silence]) is None


def test_patterns_of_types_are_names_or_beginnings_of_names() -> None:
    assert all(is_pattern(each) for each in ("*", "key.*", *KINDS))
    assert not any(is_pattern(each) for each in ("", "k*", "key", "nothing.*", "*.created", "key.made"))
    assert wanted(["user.*", "key.revoked"], "key.revoked")
    assert not wanted(["user.*", "key.revoked"], "key.created")


def test_no_event_has_a_field_for_a_secret() -> None:
    for kind in KINDS.values():
        names = {field.name for field in msgspec.structs.fields(kind)}
        assert not names & {"key", "secret", "token", "password", "prompt", "email", "url"}, kind


def test_every_type_of_event_is_documented() -> None:
    text = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text()
    assert [name for name in KINDS if f"`{name}`" not in text] == []


def test_an_hour_unlike_the_others_scores_high_and_a_mad_one_before_it_does_not_hide_it() -> None:
    usual = [1.0, 1.2, 0.9, 1.1] * 24
    assert score(1.2, usual) is not None
    calm, mad = score(1.2, usual), score(9.0, [*usual, 500.0, 800.0])
    assert calm is not None
    assert mad is not None
    assert calm.z < 2
    assert mad.z > 6
    assert score(9.0, usual[:23]) is None
    nothing = score(5.0, [0.0] * 48)
    assert nothing is not None
    assert nothing.z == 500.0


def test_what_would_be_another_header_is_no_mail() -> None:
    with pytest.raises(MailFailed):
        composed(Mail(("a@example.com",), "hello\r\nBcc: all@example.com", "x"), "t@example.com")


def test_words_for_chats_mean_no_markup() -> None:
    data = {"rule": "<!channel> & more", "subject": "", "severity": "critical", "message": "a\x1bb"}
    shown = words.slack(cast("EventRow", SimpleNamespace(type="alert.firing", data=data)))
    assert "<!channel>" not in shown["text"]
    assert "&lt;!channel&gt; &amp; more" in shown["text"]
