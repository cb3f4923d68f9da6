"""AWS's own SDK, with a key of the gateway's as its bearer token, calls any model in Converse's form.

The SDK sends a bearer token over TLS only; here the header is put in by hand, over plain HTTP.
"""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from tests.support.clouds import PROFILE, add_model
from tests.support.gateway import RunningGateway

QUESTION = {"role": "user", "content": [{"text": "What is this?"}]}
TOOL = {"toolSpec": {"name": "look", "inputSchema": {"json": {"type": "object", "properties": {}}}}}
MODELS = ["nova", "claude-at-bedrock", "claude-at-vertex", "gpt-at-azure"]


def with_key(gateway: RunningGateway, key: str) -> Any:
    def add_key(request: Any, **_: Any) -> None:
        request.headers["Authorization"] = f"Bearer {key}"

    config = Config(retries={"total_max_attempts": 1}, signature_version=UNSIGNED)
    made = boto3.client("bedrock-runtime", region_name="us-east-1", endpoint_url=gateway.url, config=config)
    made.meta.events.register("before-send.bedrock-runtime", add_key)
    return made


@pytest.fixture
def client(gateway: RunningGateway) -> Iterator[Any]:
    made = with_key(gateway, gateway.admin_key)
    yield made
    made.close()


@pytest.mark.parametrize("model", MODELS)
def test_the_same_answer_whole_and_streamed(client: Any, model: str) -> None:
    wishes = {"modelId": model, "messages": [QUESTION], "inferenceConfig": {"maxTokens": 100}}
    whole = client.converse(**wishes)
    (block,) = whole["output"]["message"]["content"]
    assert "You said: What is this?" in block["text"]
    events = list(client.converse_stream(**wishes)["stream"])
    pieces = [event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event]
    assert "".join(pieces) == block["text"]
    assert events[-1]["metadata"]["usage"]["inputTokens"] == whole["usage"]["inputTokens"] == 3


@pytest.mark.parametrize("model", MODELS)
def test_tools_are_called(client: Any, model: str) -> None:
    message = {"role": "user", "content": [{"text": "[tool] Look."}]}
    answer = client.converse(
        modelId=model, messages=[message], toolConfig={"tools": [TOOL]}, inferenceConfig={"maxTokens": 100}
    )
    assert answer["stopReason"] == "tool_use"
    assert answer["output"]["message"]["content"][-1]["toolUse"]["name"] == "look"


def test_a_guardrails_trace_passes_untouched(client: Any) -> None:
    guardrail = {"guardrailIdentifier": "g", "guardrailVersion": "1", "trace": "enabled"}
    answer = client.converse(modelId="nova", messages=[QUESTION], guardrailConfig=guardrail)
    assert "inputAssessment" in answer["trace"]["guardrail"]


def test_a_model_that_is_not_there_is_amazons_own_exception(client: Any) -> None:
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="no model"):
        client.converse(modelId="no-such-model", messages=[QUESTION])


def test_a_models_name_with_a_colon_is_found(gateway: RunningGateway, client: Any) -> None:
    add_model(gateway, "bedrock-key", PROFILE, PROFILE)
    gateway.wait_for_model(PROFILE)
    assert client.converse(modelId=PROFILE, messages=[QUESTION])["stopReason"] == "end_turn"


def test_an_exception_amid_a_stream_is_amazons_own(gateway: RunningGateway, client: Any) -> None:
    add_model(gateway, "azure", "failing-at-azure", "sim/error-event=3,status=429")
    gateway.wait_for_model("failing-at-azure")
    stream = client.converse_stream(modelId="failing-at-azure", messages=[QUESTION])["stream"]
    with closing(stream), pytest.raises(EventStreamError):
        list(stream)


def test_a_wrong_key_is_refused(gateway: RunningGateway) -> None:
    wrong = with_key(gateway, "tp-nobody")
    with pytest.raises(ClientError, match="AccessDenied"):
        wrong.converse(modelId="nova", messages=[QUESTION])
    wrong.close()
