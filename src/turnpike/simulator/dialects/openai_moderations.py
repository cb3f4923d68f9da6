"""POST /v1/moderations. A text is flagged for the categories whose names it says: `violence`, `harassment`.

Source: the OpenAI API reference, "Create moderation".
"""

from typing import Any

from turnpike.simulator.dialects import openai
from turnpike.simulator.dialects.fields import FieldError, check, maybe, one_of, present, take
from turnpike.simulator.exchange import Answer, Call, Operation, json_answer

CATEGORIES = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm",
    "self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip
DEFAULT_MODEL = "omni-moderation-latest"
FLAGGED, CALM = 0.9, 0.01


def moderations(call: Call) -> Answer:
    try:
        model = maybe(call.data, "model", str) or DEFAULT_MODEL
        openai.refuse_missing_model(model)
        results = [_result(text, kinds) for text, kinds in _inputs(call.data)]
    except FieldError as error:
        raise openai.refused_field(error) from error
    answer = {"id": f"modr-sim{call.number:08d}", "model": model, "results": results}
    return json_answer(answer, openai.OPENAI.headers(call.number))


def _inputs(data: dict[str, Any]) -> list[tuple[str, tuple[str, ...]]]:
    """Texts with the kinds of what they come from. Parts of a multimodal input are judged together."""
    given = present(data, "input")
    if isinstance(given, str):
        return [(given, ("text",))]
    check(given, list, "input")
    if not given:
        raise FieldError("input", "value", "the array is empty")
    if all(isinstance(one, str) for one in given):
        return [(one, ("text",)) for one in given]
    words: list[str] = []
    kinds: list[str] = []
    for index, part in enumerate(given):
        path = f"input[{index}]"
        kind = one_of(take(check(part, dict, path), "type", str, path), ("text", "image_url"), f"{path}.type")
        if kind == "text":
            words.append(take(part, "text", str, path))
        else:
            take(take(part, "image_url", dict, path), "url", str, f"{path}.image_url")
        kinds.append("text" if kind == "text" else "image")
    return [(" ".join(words), tuple(dict.fromkeys(kinds)))]


def _result(text: str, kinds: tuple[str, ...]) -> dict[str, Any]:
    lowered = text.lower()
    found = {category: category in lowered for category in CATEGORIES}
    return {
        "flagged": any(found.values()),
        "categories": found,
        "category_scores": {category: FLAGGED if hit else CALM for category, hit in found.items()},
        "category_applied_input_types": {category: list(kinds) for category in CATEGORIES},
    }


OPERATIONS = (Operation("POST", "/v1/moderations", openai.vendor, moderations),)
