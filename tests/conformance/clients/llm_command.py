"""The `llm` command, a process of its own for each case."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from harness import PERSON, PROMPT, TOOL_PROMPT, Asked, run

COMMAND = Path(sys.executable).with_name("llm")
FUNCTION = 'def get_weather(city: str) -> str:\n    "Weather at a place"\n    return f"sunny in {city}"\n'


class LlmCommandFailed(Exception):
    pass


def command(asked: Asked, *arguments: str) -> str:
    """What it prints on standard output. Its configuration is what its manual shows for a server of one's own."""
    with tempfile.TemporaryDirectory() as folder:
        entry = [
            "- model_id: ours",
            f"  model_name: {asked.model}",
            f"  api_base: {asked.url}/v1",
            "  api_key_name: turnpike",
            "  supports_schema: true",
            "  supports_tools: true",
        ]
        (Path(folder) / "extra-openai-models.yaml").write_text("\n".join(entry))
        (Path(folder) / "keys.json").write_text(json.dumps({"turnpike": asked.key}))
        done = subprocess.run(
            [COMMAND, "-m", "ours", *arguments],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=60,
            env={**os.environ, "LLM_USER_PATH": folder, "LLM_LOAD_PLUGINS": ""},
        )
    if done.returncode:
        raise LlmCommandFailed(done.stderr)
    return done.stdout


def chat(asked: Asked) -> dict[str, Any]:
    return {"text": command(asked, "--no-stream", PROMPT).strip()}


def stream(asked: Asked) -> dict[str, Any]:
    return {"text": command(asked, PROMPT).strip()}


def tools(asked: Asked) -> dict[str, Any]:
    said = command(asked, "--functions", FUNCTION, "--td", "--no-stream", TOOL_PROMPT)
    return {
        "calls": [["get_weather", {"city": "simulated city"}]] if "get_weather" in said else [],
        "text": said.strip(),
    }


def structured(asked: Asked) -> dict[str, Any]:
    return {"value": json.loads(command(asked, "--schema", json.dumps(PERSON), "--no-stream", PROMPT))}


run({"chat": chat, "stream": stream, "tools": tools, "structured": structured})
