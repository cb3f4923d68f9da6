"""A case of tests/support/cases.py in the words of Google's SDK, and its answers as `Seen`."""

import mimetypes
from typing import Any

from google.genai import types

from tests.support.cases import Case, Said, Seen, Tool, Usage

GEMINI_STOPS = {
    "end": "STOP",
    "stop_sequence": "STOP",
    "length": "MAX_TOKENS",
    "tools": "STOP",
    "filter": "SAFETY",
}
THINKING_BUDGET = 1024


def gemini_arguments(case: Case) -> dict[str, Any]:
    names = {call.id: call.name for said in case.messages for call in said.calls}
    config = types.GenerateContentConfig(
        max_output_tokens=case.max_tokens,
        system_instruction=case.system,
        stop_sequences=list(case.stops) or None,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    if case.tools:
        config.tools = [types.Tool(function_declarations=[_declaration(tool) for tool in case.tools])]
    if case.tool_choice is not None:
        config.tool_config = types.ToolConfig(function_calling_config=_choice(case.tool_choice))
    if case.schema is not None:
        config.response_mime_type = "application/json"
        config.response_json_schema = case.schema
    if case.think is not None:
        budget = THINKING_BUDGET if case.think else 0
        config.thinking_config = types.ThinkingConfig(thinking_budget=budget, include_thoughts=case.think)
    return {"contents": [_content(said, names) for said in case.messages], "config": config}


def _declaration(tool: Tool) -> types.FunctionDeclaration:
    return types.FunctionDeclaration(name=tool.name, description=tool.description, parameters_json_schema=tool.schema)


def _choice(choice: str) -> types.FunctionCallingConfig:
    modes = {"auto": "AUTO", "none": "NONE", "required": "ANY"}
    if choice in modes:
        return types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode(modes[choice]))
    return types.FunctionCallingConfig(mode=types.FunctionCallingConfigMode.ANY, allowed_function_names=[choice])


def _content(said: Said, names: dict[str, str]) -> types.Content:
    """Results carry no id: they are matched by name and order, as the SDK's own helper leaves it."""
    parts = [
        types.Part.from_function_response(
            name=names[one.call_id], response={"error" if one.failed else "output": one.text}
        )
        for one in said.results
    ]
    if said.text:
        parts.append(types.Part.from_text(text=said.text))
    parts += [_image(image) for image in said.images]
    parts += [types.Part.from_function_call(name=call.name, args=call.arguments) for call in said.calls]
    return types.Content(role="model" if said.role == "assistant" else "user", parts=parts)


def _image(image: bytes | str) -> types.Part:
    if isinstance(image, bytes):
        return types.Part.from_bytes(data=image, mime_type="image/png")
    return types.Part.from_uri(file_uri=image, mime_type=mimetypes.guess_type(image)[0])


def gemini_usage(usage: types.GenerateContentResponseUsageMetadata | None) -> Usage | None:
    """Gemini counts thoughts beside the answer; here, as in the ledger, the output holds them."""
    if usage is None:
        return None
    thoughts = usage.thoughts_token_count or 0
    output = (usage.candidates_token_count or 0) + thoughts
    assert usage.prompt_token_count is not None
    assert usage.total_token_count == usage.prompt_token_count + output
    return Usage(usage.prompt_token_count, output, usage.cached_content_token_count or 0, 0, thoughts)


def seen_in_generated(chunks: list[types.GenerateContentResponse]) -> Seen:
    """Of a whole answer, which is a stream of one, or of a stream, checking its form on the way."""
    text = reasoning = stop = ""
    calls: list[tuple[str, dict[str, Any]]] = []
    for chunk in chunks:
        assert chunk.response_id == chunks[0].response_id
        assert chunk.model_version == chunks[0].model_version
        for candidate in chunk.candidates or ():
            assert not stop, "a candidate went on after its finish reason"
            for part in (candidate.content.parts if candidate.content else None) or ():
                if part.function_call is not None:
                    calls.append((part.function_call.name or "", part.function_call.args or {}))
                elif part.thought:
                    reasoning += part.text or ""
                else:
                    text += part.text or ""
            stop = candidate.finish_reason.value if candidate.finish_reason else ""
    return Seen(text, reasoning, tuple(calls), stop, gemini_usage(chunks[-1].usage_metadata))
