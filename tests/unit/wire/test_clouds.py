"""What clouds want otherwise: Anthropic's body, Anthropic's events in Amazon's, lists of models, credentials."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnpike.errors import InvalidRequest, UpstreamCut, UpstreamGarbage
from turnpike.kit.eventstream import encode_message
from turnpike.kit.sse import encode_sse
from turnpike.wire.aws.chunks import AnthropicChunks
from turnpike.wire.aws.sigv4 import AwsKeys
from turnpike.wire.credentials import (
    EntraApplication,
    ExternalAccount,
    MetadataServer,
    PlainKey,
    ServiceAccount,
    read_credential,
)
from turnpike.wire.dialect import Target
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.dialects.common.body import change_members
from turnpike.wire.dialects.models import read_bedrock, read_vertex
from turnpike.wire.parameters import check_values, fill, with_derived
from turnpike.wire.vendors import VENDORS

MESSAGES = DIALECTS["anthropic_messages"]
BEDROCK, VERTEX = VENDORS["bedrock"], VENDORS["vertex"]


# ---- Anthropic's body


def spliced(body: bytes, vendor: Any) -> dict[str, Any]:
    return json.loads(MESSAGES.splice(body, MESSAGES.read_head(body), "upstream", vendor.quirks))


def test_a_callers_body_goes_to_bedrock_without_model_and_stream() -> None:
    body = b'{ "model": "m", "unknown": {"model": 1, "stream": [2]}, "stre\\u0061m": true, "messages": [] }'
    assert spliced(body, BEDROCK) == {
        "anthropic_version": "bedrock-2023-05-31", "unknown": {"model": 1, "stream": [2]}, "messages": [],
    }  # fmt: skip


def test_a_callers_body_goes_to_vertex_without_its_model() -> None:
    body = b'{"model":"m","stream":true,"anthropic_version":"mine","messages":[]}'
    assert spliced(body, VERTEX) == {"anthropic_version": "vertex-2023-10-16", "stream": True, "messages": []}


def test_a_translated_body_is_written_the_same_way() -> None:
    request = DIALECTS["openai_chat"].read_request(
        b'{"model":"m","stream":true,"messages":[{"role":"user","content":"x"}]}'
    )
    sent = json.loads(MESSAGES.write_request(request, Target("claude-x", quirks=BEDROCK.quirks)))
    assert sent["anthropic_version"] == "bedrock-2023-05-31"
    assert not {"model", "stream"} & set(sent)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(("model", "stream", "a", "b", "v")), json_values), st.sampled_from((None, 1)))
def test_members_are_changed_and_no_other(body: dict[str, Any], indent: int | None) -> None:
    changed = change_members(json.dumps(body, indent=indent).encode(), ("model", "stream"), {"v": "new"})
    kept = {name: value for name, value in body.items() if name not in ("model", "stream", "v")}
    assert json.loads(changed) == {"v": "new", **kept}


# ---- Anthropic's events inside Amazon's


def chunk(event: dict[str, Any]) -> bytes:
    payload = {"bytes": base64.b64encode(json.dumps(event).encode()).decode(), "p": "abc"}
    return encode_message({":event-type": "chunk", ":message-type": "event"}, json.dumps(payload).encode())


@given(
    st.lists(st.fixed_dictionaries({"type": st.sampled_from(("ping", "message_stop")), "x": json_values}), max_size=4),
    st.data(),
)
def test_events_are_unwrapped_wherever_they_are_cut(events: list[dict[str, Any]], data: st.DataObject) -> None:
    raw = b"".join(chunk(event) for event in events)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    unwrap = AnthropicChunks()
    out = b"".join(unwrap.feed(raw[start:end]) for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True))
    unwrap.end()
    assert out == b"".join(encode_sse(json.dumps(event), event=event["type"]) for event in events)


def test_an_exception_becomes_anthropics_error_event() -> None:
    headers = {":exception-type": "throttlingException", ":message-type": "exception"}
    out = AnthropicChunks().feed(encode_message(headers, b'{"message":"Slow down."}'))
    assert out.startswith(b"event: error\ndata: ")
    error = json.loads(out.partition(b"data: ")[2])["error"]
    assert error == {"type": "rate_limit_error", "message": "Slow down."}


def test_half_an_event_is_a_cut_and_what_is_no_event_garbage() -> None:
    unwrap = AnthropicChunks()
    unwrap.feed(chunk({"type": "ping"})[:-3])
    with pytest.raises(UpstreamCut):
        unwrap.end()
    with pytest.raises(UpstreamGarbage):
        AnthropicChunks().feed(encode_message({":event-type": "chunk", ":message-type": "event"}, b'{"bytes":"%%%"}'))


# ---- lists


def test_of_bedrocks_lists_what_can_be_called_is_kept() -> None:
    models = {
        "modelSummaries": [
            {"modelId": "a.text", "outputModalities": ["TEXT"], "inferenceTypesSupported": ["ON_DEMAND"]},
            {
                "modelId": "b.by-profile-only",
                "outputModalities": ["TEXT"],
                "inferenceTypesSupported": ["INFERENCE_PROFILE"],
            },
            {"modelId": "c.image", "outputModalities": ["IMAGE"], "inferenceTypesSupported": ["ON_DEMAND"]},
            {"modelId": "d.old", "outputModalities": ["TEXT"], "modelLifecycle": {"status": "LEGACY"}},
        ]
    }
    assert [row.id for row in read_bedrock(json.dumps(models).encode()).rows] == ["a.text"]
    profiles = {"inferenceProfileSummaries": [{"inferenceProfileId": "us.a", "status": "ACTIVE"}], "nextToken": "n"}
    found = read_bedrock(json.dumps(profiles).encode())
    assert ([row.id for row in found.rows], found.next_after_id) == (["us.a"], "n")


def test_of_vertexs_lists_gemini_claude_and_what_paints_are_kept() -> None:
    names = (
        "google/models/gemini-2.5-pro",
        "google/models/gemini-2.5-flash-image",
        "google/models/imagen-4.0-upscale-preview",
        "google/models/imagen-4.0-fast-generate-001",
        "anthropic/models/claude-opus-4-5",
        "meta/models/llama",
    )
    body = {"publisherModels": [{"name": f"publishers/{name}"} for name in names], "nextPageToken": "t"}
    found = read_vertex(json.dumps(body).encode())
    kept = ["gemini-2.5-pro", "imagen-4.0-fast-generate-001", "claude-opus-4-5"]
    assert ([row.id for row in found.rows], found.next_after_id) == (kept, "t")
    assert found.rows[1].capabilities == ("image",)
    assert read_vertex(b"{}").rows == ()


@pytest.mark.parametrize("read", [read_bedrock, read_vertex])
def test_what_is_no_list_is_garbage(read: Any) -> None:
    for body in (b"[]", b"<html>", b'{"error": 1}'):
        with pytest.raises(UpstreamGarbage):
            read(body)


# ---- addresses


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("global", "aiplatform.googleapis.com"),
        ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
    ],
)
def test_vertexs_host_follows_from_the_location(location: str, host: str) -> None:
    values = with_derived(VERTEX, check_values(VERTEX, {"project": "my-project", "location": location}))
    assert fill(VERTEX.base_url or "", values) == f"https://{host}"


@pytest.mark.parametrize(("region", "domain"), [("us-east-1", "amazonaws.com"), ("cn-north-1", "amazonaws.com.cn")])
def test_bedrocks_host_follows_from_the_region(region: str, domain: str) -> None:
    values = with_derived(BEDROCK, check_values(BEDROCK, {"region": region}))
    assert fill(BEDROCK.base_url or "", values) == f"https://bedrock-runtime.{region}.{domain}"


# ---- credentials

ACCOUNT = {"type": "service_account", "client_email": "a@b", "private_key": "-----BEGIN PRIVATE KEY-----"}
FEDERATED = {
    "type": "external_account", "audience": "//iam", "subject_token_type": "t", "token_url": "https://sts.googleapis.com/v1/token",
    "credential_source": {"file": "/var/run/token"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("vendor", "secret", "kind"),
    [
        ("vertex", {"credentials": json.dumps(ACCOUNT)}, ServiceAccount),
        ("vertex", {"credentials": json.dumps(FEDERATED)}, ExternalAccount),
        ("vertex", {"credentials": '{"type": "metadata_server"}'}, MetadataServer),
        ("bedrock", {"access_key_id": "AKIA1", "secret_access_key": "s"}, AwsKeys),
        ("bedrock", {"api_key": "k"}, PlainKey),
        ("azure_openai", {"api_key": "k"}, PlainKey),
        ("azure_openai", {"tenant_id": "t", "client_id": "c", "client_secret": "s"}, EntraApplication),
    ],
)
def test_each_kind_of_credential_is_read(vendor: str, secret: dict[str, str], kind: type) -> None:
    found = read_credential(VENDORS[vendor].auth, json.dumps(secret))
    assert isinstance(found, kind)
    assert "PRIVATE" not in repr(found)


@pytest.mark.parametrize(
    "source",
    [{}, {"file": "a", "url": "https://b.example"}, {"environment_id": "aws1", "url": "https://b.example"},
     {"executable": {"command": "/bin/sh"}}, {"url": "file:///etc/passwd"}],
)  # fmt: skip
def test_a_federated_identity_names_one_file_or_one_address(source: dict[str, Any]) -> None:
    given = json.dumps({**FEDERATED, "credential_source": source})
    with pytest.raises(InvalidRequest):
        read_credential(VERTEX.auth, json.dumps({"credentials": given}))
