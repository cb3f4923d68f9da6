"""A provider that says again what it was told, and requests in every caller's form."""

import json
from typing import Any

from tests.support.upstream import Received, Wire, answer
from turnpike.contract.policies import BoundsSpec, GuardSpec, PolicySpec

EMAIL, CARD, IBAN = "bob@example.com", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00"
SECRETS = f"write to {EMAIL}, card {CARD}, account {IBAN}, thanks"


def policy(*guards: GuardSpec, name: str = "house", bounds: BoundsSpec | None = None, **facts: Any) -> PolicySpec:
    return PolicySpec(id=f"policy-{name}", name=name, guards=guards, bounds=bounds, **facts)


def pii(action: str, on: str = "both", **facts: Any) -> GuardSpec:
    return GuardSpec(f"pii-{action}", "pii", action, on, **facts)


def said_in(body: dict[str, Any]) -> str:
    """The last text of a chat request in OpenAI's form."""
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    chunk = {
        "id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }  # fmt: skip
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def repeating(text: str | None = None, *, size: int = 3, tool: bool = False) -> Any:
    """A step of an upstream: answers with `text`, or with what was said, in pieces of `size` where it streams; as the
    arguments of a tool call where `tool` says so."""

    async def step(wire: Wire, received: Received) -> None:
        body = received.json()
        said = said_in(body) if text is None else text
        usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
        if not body.get("stream"):
            message: dict[str, Any] = {"role": "assistant", "content": None if tool else said}
            if tool:
                function = {"name": "f", "arguments": said}
                message["tool_calls"] = [{"id": "call_1", "type": "function", "function": function}]
            choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if tool else "stop"}
            whole = {"id": "c1", "object": "chat.completion", "created": 1, "model": "m"}
            await wire.write(answer({**whole, "choices": [choice], "usage": usage}))
            return
        pieces = [said[at : at + size] for at in range(0, len(said), size)]
        events = [_chunk({"role": "assistant", "content": "" if not tool else None})]
        for number, piece in enumerate(pieces):
            if tool:
                call: dict[str, Any] = {"index": 0, "function": {"arguments": piece}}
                if number == 0:
                    call |= {"id": "call_1", "type": "function"}
                    call["function"]["name"] = "f"
                events.append(_chunk({"tool_calls": [call]}))
            else:
                events.append(_chunk({"content": piece}))
        events.append(_chunk({}, "tool_calls" if tool else "stop"))
        last = {
            "id": "c1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [],
            "usage": usage,
        }
        events += [b"data: " + json.dumps(last).encode() + b"\n\n", b"data: [DONE]\n\n"]
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        await wire.write(head, *(b"%x\r\n%b\r\n" % (len(each), each) for each in events), b"0\r\n\r\n")

    return step


def asking(form: str, model: str, text: str, *, stream: bool = False) -> tuple[str, dict[str, Any]]:
    """Path and body of a chat in a caller's form."""
    plain = {"model": model, "stream": stream}
    parts = [{"text": text}]
    match form:
        case "openai_chat":
            return "/v1/chat/completions", {**plain, "messages": [{"role": "user", "content": text}]}
        case "openai_responses":
            return "/v1/responses", {**plain, "store": False, "input": text}
        case "anthropic_messages":
            return "/v1/messages", {**plain, "max_tokens": 500, "messages": [{"role": "user", "content": text}]}
        case "cohere_chat":
            return "/v2/chat", {**plain, "messages": [{"role": "user", "content": text}]}
        case "gemini":
            verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
            return f"/v1beta/models/{model}:{verb}", {"contents": [{"role": "user", "parts": parts}]}
        case "gemini_array":
            return f"/v1beta/models/{model}:streamGenerateContent", {"contents": [{"role": "user", "parts": parts}]}
        case _:
            verb = "converse-stream" if stream else "converse"
            return f"/model/{model}/{verb}", {"messages": [{"role": "user", "content": parts}]}


FORMS = ("openai_chat", "openai_responses", "anthropic_messages", "cohere_chat", "gemini", "bedrock_converse")
