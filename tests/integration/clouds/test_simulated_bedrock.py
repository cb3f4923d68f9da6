"""AWS's own SDK against the simulator: its signatures are checked, its events and lists are read. What pleases it is
real."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from tests.support.simulator import RunningSimulator
from turnpike.simulator.dialects import amazon

MODEL = "amazon.nova-lite-v1:0"
CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
QUESTION = {"role": "user", "content": [{"text": "What is this?"}]}


def client(simulator: RunningSimulator, service: str = "bedrock-runtime", **keys: str) -> Any:
    credentials = {
        "aws_access_key_id": amazon.ACCESS_KEY_ID, "aws_secret_access_key": amazon.SECRET_ACCESS_KEY, **keys,
    }  # fmt: skip
    config = Config(retries={"total_max_attempts": 1})
    return boto3.client(service, region_name="eu-west-1", endpoint_url=simulator.url, config=config, **credentials)  # pyright: ignore[reportCallIssue]


@pytest.fixture
def bedrock(simulator: RunningSimulator) -> Iterator[Any]:
    made = client(simulator)
    yield made
    made.close()


def test_a_signed_converse_is_answered(bedrock: Any) -> None:
    answer = bedrock.converse(modelId=MODEL, messages=[QUESTION], system=[{"text": "Be brief."}])
    (block,) = answer["output"]["message"]["content"]
    assert "You said: What is this?" in block["text"]
    assert answer["stopReason"] == "end_turn"
    assert answer["usage"]["totalTokens"] == answer["usage"]["inputTokens"] + answer["usage"]["outputTokens"]


def test_an_arn_is_signed_as_it_is_sent(bedrock: Any) -> None:
    arn = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.amazon.nova-lite-v1:0"
    assert bedrock.converse(modelId=arn, messages=[QUESTION])["stopReason"] == "end_turn"


def test_a_wrong_secret_is_found_out(simulator: RunningSimulator) -> None:
    with pytest.raises(ClientError, match="signature we calculated") as raised:
        client(simulator, aws_secret_access_key="another").converse(modelId=MODEL, messages=[QUESTION])
    assert raised.value.response["Error"]["Code"] == "InvalidSignatureException"


def test_temporary_keys_need_their_token(simulator: RunningSimulator) -> None:
    keys = {"aws_access_key_id": amazon.TEMPORARY_KEY_ID}
    good = client(simulator, **keys, aws_session_token=amazon.SESSION_TOKEN)
    assert good.converse(modelId=MODEL, messages=[QUESTION])["stopReason"] == "end_turn"
    with pytest.raises(ClientError, match="security token"):
        client(simulator, **keys, aws_session_token="stale").converse(modelId=MODEL, messages=[QUESTION])


def test_a_stream_is_amazons_own_events(bedrock: Any) -> None:
    tool = {"toolSpec": {"name": "look", "inputSchema": {"json": {"type": "object", "properties": {}}}}}
    message = {"role": "user", "content": [{"text": "[tool] [think:3] Look."}]}
    stream = bedrock.converse_stream(modelId=MODEL, messages=[message], toolConfig={"tools": [tool]})["stream"]
    kinds = [next(iter(event)) for event in stream]
    assert kinds[0] == "messageStart"
    assert kinds[-2:] == ["messageStop", "metadata"]
    assert "contentBlockStart" in kinds


def test_an_exception_amid_a_stream_is_raised(bedrock: Any) -> None:
    model = "sim/error-event=2,status=429"
    with pytest.raises(EventStreamError, match="throttling"):
        list(bedrock.converse_stream(modelId=model, messages=[QUESTION])["stream"])


def test_anthropics_form_is_invoked_whole_and_streamed(bedrock: Any) -> None:
    body = json.dumps({
        "anthropic_version": "bedrock-2023-05-31", "max_tokens": 50,
        "messages": [{"role": "user", "content": "Hello"}],
    })  # fmt: skip
    whole = json.loads(bedrock.invoke_model(modelId=CLAUDE, body=body)["body"].read())
    assert whole["type"] == "message"
    chunks = [
        json.loads(event["chunk"]["bytes"])
        for event in bedrock.invoke_model_with_response_stream(modelId=CLAUDE, body=body)["body"]
    ]
    assert [chunks[0]["type"], chunks[-1]["type"]] == ["message_start", "message_stop"]


def test_models_and_profiles_are_listed(simulator: RunningSimulator) -> None:
    listing = client(simulator, "bedrock")
    assert MODEL in [row["modelId"] for row in listing.list_foundation_models()["modelSummaries"]]
    profiles = listing.list_inference_profiles(maxResults=10)["inferenceProfileSummaries"]
    assert [row["inferenceProfileId"] for row in profiles] == [CLAUDE]
