"""A response of OpenAI's as the stream of events that tells the same.

Source: the OpenAI API reference, "Responses", "Streaming events".
"""

from collections.abc import Iterator
from itertools import count
from typing import Any

import msgspec

from turnpike.simulator.replies import Reply

Json = dict[str, Any]

ARGUMENT_PIECE = 12
"""Characters of a function call's arguments in one event."""


def event(name: str, data: Json) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"


def events_of(whole: Json, reply: Reply) -> Iterator[bytes]:
    numbers = count()
    for kind, members in _all(whole, reply):
        name = f"response.{kind}"
        yield event(name, {"type": name, "sequence_number": next(numbers), **members})


def _all(whole: Json, reply: Reply) -> Iterator[tuple[str, Json]]:
    begun = {**whole, "status": "in_progress", "incomplete_details": None, "output": [], "usage": None}
    yield "created", {"response": begun}
    yield "in_progress", {"response": begun}
    for index, item in enumerate(whole["output"]):
        for kind, members in _item(item, reply):
            yield kind, {"output_index": index, **members}
    yield whole["status"], {"response": whole}


def _item(item: Json, reply: Reply) -> Iterator[tuple[str, Json]]:
    kind = item["type"]
    begun = {name: value for name, value in item.items() if name not in {"encrypted_content", "action"}}
    if "status" in begun:
        begun["status"] = "in_progress"
    for name, empty in (("content", []), ("summary", []), ("arguments", "")):
        if name in begun:
            begun[name] = empty
    yield "output_item.added", {"item": begun}
    inner = {"message": _message, "function_call": _call, "reasoning": _reasoning}.get(kind, _search)
    for name, members in inner(item, reply):
        yield name, {"item_id": item["id"], **members}
    yield "output_item.done", {"item": item}


def _search(item: Json, _reply: Reply) -> Iterator[tuple[str, Json]]:
    for step in ("in_progress", "searching", "completed"):
        yield f"{item['type']}.{step}", {}


def _reasoning(item: Json, reply: Reply) -> Iterator[tuple[str, Json]]:
    for part in item["summary"]:
        at = {"summary_index": 0}
        yield "reasoning_summary_part.added", {**at, "part": {**part, "text": ""}}
        for piece in reply.thinking:
            yield "reasoning_summary_text.delta", {**at, "delta": piece}
        yield "reasoning_summary_text.done", {**at, "text": part["text"]}
        yield "reasoning_summary_part.done", {**at, "part": part}
    for part in item.get("content", ()):
        at = {"content_index": 0}
        yield "content_part.added", {**at, "part": {**part, "text": ""}}
        for piece in reply.thinking:
            yield "reasoning_text.delta", {**at, "delta": piece}
        yield "reasoning_text.done", {**at, "text": part["text"]}
        yield "content_part.done", {**at, "part": part}


def _message(item: Json, reply: Reply) -> Iterator[tuple[str, Json]]:
    (part,) = item["content"]
    at = {"content_index": 0}
    if part["type"] == "refusal":
        yield "content_part.added", {**at, "part": {"type": "refusal", "refusal": ""}}
        for piece in reply.text:
            yield "refusal.delta", {**at, "delta": piece}
        yield "refusal.done", {**at, "refusal": part["refusal"]}
    else:
        yield "content_part.added", {**at, "part": {**part, "text": "", "annotations": [], "logprobs": []}}
        for number, piece in enumerate(reply.text):
            yield "output_text.delta", {**at, "delta": piece, "logprobs": part["logprobs"][number : number + 1]}
        for number, annotation in enumerate(part["annotations"]):
            yield "output_text.annotation.added", {**at, "annotation_index": number, "annotation": annotation}
        yield "output_text.done", {**at, "text": part["text"], "logprobs": part["logprobs"]}
    yield "content_part.done", {**at, "part": part}


def _call(item: Json, _reply: Reply) -> Iterator[tuple[str, Json]]:
    arguments: str = item["arguments"]
    for start in range(0, len(arguments), ARGUMENT_PIECE):
        yield "function_call_arguments.delta", {"delta": arguments[start : start + ARGUMENT_PIECE]}
    yield "function_call_arguments.done", {"arguments": arguments, "name": item["name"]}
