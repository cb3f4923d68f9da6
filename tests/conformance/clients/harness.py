"""What the programs share: reading cases, running them, writing what came out. Standard library only."""

import json
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

WEATHER = {
    "name": "get_weather",
    "description": "Weather at a place",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
PERSON = {
    "title": "Person",
    "description": "Somebody",
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
PROMPT = "hello"
TOOL_PROMPT = "weather? [tool]"
TEXTS = ["red fox", "blue sky"]
RECORDING = (
    b"RIFF"
    + (36 + 16000).to_bytes(4, "little")
    + b"WAVEfmt "
    + bytes.fromhex("1000000001000100401f0000803e000002001000")
    + b"data"
    + (16000).to_bytes(4, "little")
    + bytes(16000)
)
"""A second of silence: 16 bits, 8 kHz, one channel."""


def get_weather(city: str) -> str:
    """Weather at a place"""
    return f"sunny in {city}"


@dataclass
class Asked:
    """One case."""

    name: str
    sdk: str
    do: str
    url: str
    """Without a path."""
    key: str
    model: str


Doing = Callable[[Asked], dict[str, Any]]


def run(doings: dict[str, Doing]) -> None:
    """Answers every line of standard input with one line of standard output."""
    out = sys.stdout
    sys.stdout = sys.stderr  # what an SDK prints is no answer
    for line in sys.stdin:
        asked = Asked(**json.loads(line))
        doing = doings.get(asked.do)
        began = time.monotonic()
        try:
            result = doing(asked) if doing is not None else {"missing": True}
        except Exception as error:  # noqa: BLE001 - what an SDK raises is what is asked here
            result = {
                "raised": [f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(error).__mro__],
                "message": str(error),
                "trace": traceback.format_exc(),
            }
        took_s = round(time.monotonic() - began, 2)
        out.write(json.dumps({"name": asked.name, "took_s": took_s, **result}) + "\n")
        out.flush()
