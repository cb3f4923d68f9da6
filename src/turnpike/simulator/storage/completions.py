"""POST /v1/completions: the older form of text. Source: OpenAI API reference, "Completions"."""

from typing import Any

import msgspec

from turnpike.simulator.dialects import openai
from turnpike.simulator.exchange import Answer, Call, Operation, Refused, json_answer, stream_answer
from turnpike.simulator.store import CREATED_S

_TEXT = "This is the Turnpike simulator, not a real model."


def completions(call: Call) -> Answer:
    prompt = call.data.get("prompt")
    model = call.data.get("model")
    if not isinstance(prompt, str) or not isinstance(model, str):
        raise Refused("Missing required parameter: 'prompt' or 'model'.", param="prompt")
    openai.refuse_missing_model(model)
    words, said = len(prompt.split()), len(_TEXT.split())
    usage = {"prompt_tokens": words, "completion_tokens": said, "total_tokens": words + said}
    headers = openai.OPENAI.headers(call.number)
    whole: dict[str, Any] = {
        "id": f"cmpl-sim{call.number}",
        "object": "text_completion",
        "created": CREATED_S,
        "model": model,
        "choices": [{"index": 0, "text": _TEXT, "logprobs": None, "finish_reason": "stop"}],
        "usage": usage,
    }
    if call.data.get("stream") is True:
        events = [b"data: " + msgspec.json.encode(whole) + b"\n\n", b"data: [DONE]\n\n"]
        return stream_answer(events, headers)
    return json_answer(whole, headers)


OPERATIONS = (Operation("POST", "/v1/completions", openai.vendor, completions),)
