"""Requests that are text and nothing else, told by one decode: what it says is what a search would have said."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnpike.wire import bounds, text_only
from turnpike.wire.bounds import contents_of
from turnpike.wire.text_only import is_text_only

TEXTS = st.text(max_size=40)
MESSAGES = st.lists(st.fixed_dictionaries({"role": TEXTS, "content": TEXTS | st.none()}, optional={"name": TEXTS}))
BODIES = st.fixed_dictionaries(
    {"model": TEXTS, "messages": MESSAGES},
    optional={
        "system": TEXTS, "stream": st.booleans(), "max_tokens": st.integers(0, 10**9), "stop": TEXTS | st.lists(TEXTS),
        "temperature": st.floats(0, 2), "stream_options": st.fixed_dictionaries({"include_usage": st.booleans()}),
    },
)  # fmt: skip


@given(body=BODIES, ascii_only=st.booleans())
def test_a_body_of_text_holds_nothing_else(body: dict[str, Any], ascii_only: bool) -> None:
    sent = json.dumps(body, ensure_ascii=ascii_only).encode()
    assert is_text_only(sent)
    assert contents_of(sent)[1:] == (False, False, False)


@pytest.mark.parametrize(
    "more",
    [
        {"service_tier": "priority"}, {"tools": [{"type": "web_search"}]}, {"previous_response_id": "resp_1"},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x"}}]}]},
        {"messages": [{"role": "user", "content": "x", "cache_control": {"type": "ephemeral"}}]},
        {"messages": [{"role": "user", "content": "x", "audio": {"id": "audio_1"}}]}, {"prompt": {"id": "pmpt_1"}},
        {"stream_options": {"include_usage": True, "service_tier": "flex"}}, {"input": [{"image": "data:"}]},
    ],
)  # fmt: skip
def test_what_names_more_than_its_text_is_searched(more: dict[str, Any]) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], **more}
    assert not is_text_only(json.dumps(body).encode())


@pytest.mark.parametrize("body", [b"", b"[]", b'{"model": 1}', b'{"model": "m"', b"\xff", b"[" * 100_000])
def test_what_cannot_be_read_is_not_said_to_be_text(body: bytes) -> None:
    assert not is_text_only(body)


def test_it_knows_no_member_that_the_search_would_look_behind() -> None:
    """Else a body would be bounded lower by the short way than by the long one."""
    shapes = [
        shape
        for shape in vars(text_only).values()
        if isinstance(shape, type) and shape.__module__ == text_only.__name__
    ]
    names = {field.encode_name.encode() for shape in shapes for field in msgspec.structs.fields(shape)}
    assert len(shapes) == 3
    assert names <= bounds._PLAIN  # pyright: ignore[reportPrivateUsage]
