"""What a call can cost at most."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnpike.wire import bounds
from turnpike.wire.bounds import Bound, contents_of
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.estimate import TEMPLATE_TOKENS
from turnpike.wire.prices import Rates, Service, cost_nanousd
from turnpike.wire.types.usage import Usage

RATES = Rates(input=1_000_000, output=2_000_000)
CHAT = DIALECTS["openai_chat"]


def bound(body: dict[str, Any] | bytes, dialect: str = "openai_chat", **model: Any) -> int | None:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    facts = {"rates": RATES, "context_window": 100_000, "max_output_tokens": 1000, **model}
    return Bound(**facts).of(DIALECTS[dialect].read_head(raw), contents_of(raw))


def chat(content: Any = "Hello!", **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": content}], **more}


def test_text_is_bounded_by_its_bytes_and_by_what_may_be_written() -> None:
    body = chat(max_tokens=10)
    assert bound(body) == (len(json.dumps(body)) + TEMPLATE_TOKENS) * 1000 + 10 * 2000


def test_without_a_limit_the_models_own_counts_for_each_choice() -> None:
    one, three = chat(), chat(n=3)
    longer = len(json.dumps(three)) - len(json.dumps(one))
    assert bound(three) == (bound(one) or 0) + longer * 1000 + 2 * 1000 * 2000


def test_without_any_limit_there_is_no_bound_but_for_what_costs_nothing() -> None:
    assert bound(chat(), max_output_tokens=None, context_window=None) is None
    assert bound(chat(), max_output_tokens=None, context_window=None, rates=Rates(input=1_000_000)) is not None
    assert bound(chat(), max_output_tokens=None) is not None, "the context window bounds it"


def test_what_has_no_price_has_no_bound() -> None:
    assert bound(chat(max_tokens=1), rates=None) is None


PICTURE = [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(chat(PICTURE, max_tokens=1)).encode(),
        json.dumps(chat(PICTURE, max_tokens=1)).replace('"image_url"', '"\\u0069mage\\u005furl"').encode(),
        json.dumps(chat([{"type": "file", "file": {"file_id": "f"}}], max_tokens=1)).encode(),
        json.dumps(chat([{"type": "input_audio", "input_audio": {"data": "AA"}}], max_tokens=1)).encode(),
    ],
)
def test_what_is_not_in_the_body_is_bounded_by_the_context_window_however_it_is_written(body: bytes) -> None:
    assert bound(body) == 100_000 * 1000 + 2000
    assert bound(body, context_window=None) is None


def test_a_text_about_pictures_is_a_text() -> None:
    assert (bound(chat("an image_url, a file and a document", max_tokens=1)) or 0) < 1_000_000


def test_tools_that_the_provider_runs_have_no_bound() -> None:
    body = {"model": "m", "input": "x", "max_output_tokens": 5, "tools": [{"type": "web_search"}]}
    assert bound(body, "openai_responses") is None


def test_a_dearer_service_counts_only_where_it_is_asked_for() -> None:
    rates = Rates(input=1_000_000, output=2_000_000, services=(Service("priority", 2000),))
    plain, asked = chat(max_tokens=1), chat(max_tokens=1, service_tier="priority")
    longer = len(json.dumps(asked)) - len(json.dumps(plain))
    assert bound(asked, rates=rates) == 2 * ((bound(plain, rates=rates) or 0) + longer * 1000)


@given(st.text(max_size=500), st.integers(1, 1000), st.data())
def test_no_usage_that_the_limits_allow_costs_more(text: str, most: int, data: st.DataObject) -> None:
    body = json.dumps(chat(text, max_tokens=most)).encode()
    # A byte-level tokenizer makes no more tokens of a text than its bytes, in whatever way it is sent.
    usage = Usage(
        input_tokens=data.draw(st.integers(0, len(text.encode("utf-8", "replace")))),
        output_tokens=data.draw(st.integers(0, most)),
    )
    assert cost_nanousd(usage, RATES) <= (bound(body) or 0)


def test_escaped_letters_count_as_the_letters_that_they_are() -> None:
    body = chat("你好 привет", max_tokens=1)
    plain = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    escaped = json.dumps(body, separators=(",", ":")).encode()
    assert len(escaped) > len(plain)
    assert bound(escaped) == bound(plain)


def test_members_that_are_taken_for_plain_text_mean_nothing_else() -> None:
    for name in bounds._PLAIN:  # pyright: ignore[reportPrivateUsage] - what the fast way rests on
        member = b'"%b":' % name
        found = [word for word in (*bounds._ELSEWHERE, *bounds._TOOLS, *bounds._TIERS) if word in member]  # pyright: ignore[reportPrivateUsage]
        assert found == [], name


def test_a_text_may_speak_of_files_and_tools() -> None:
    body = chat('the "file_id": of web_search, "image_url" and "tools"', max_tokens=1)
    spaced = json.dumps(body)
    assert bound(spaced.encode()) == (len(spaced) + TEMPLATE_TOKENS) * 1000 + 2000


@pytest.mark.parametrize("member", ['"image_url"', '"image_url" ', '"image_url"\n\t', '"im\\u0061ge_url"'])
def test_a_member_is_found_however_it_is_written(member: str) -> None:
    body = '{"model": "m", "messages": [{"role": "user", "content": [{"text": ": , :", MEMBER: 1}]}], "max_tokens": 1}'
    body = body.replace("MEMBER", member)
    assert bound(body.encode()) == 100_000 * 1000 + 2000


def test_the_most_tokens_are_those_of_the_bytes_and_of_the_answer() -> None:
    body = json.dumps(chat()).encode()
    model = Bound(None, 100_000, 1000)
    head = CHAT.read_head(body)
    assert model.tokens_of(head, contents_of(body), answers=True) == len(body) + TEMPLATE_TOKENS + 1000
    assert model.tokens_of(head, contents_of(body), answers=False) == len(body) + TEMPLATE_TOKENS
    assert Bound(None, None, None).tokens_of(head, contents_of(body), answers=True) is None
    searching = json.dumps(chat(tools=[{"type": "web_search"}])).encode()
    assert model.tokens_of(head, contents_of(searching), answers=True) is None
