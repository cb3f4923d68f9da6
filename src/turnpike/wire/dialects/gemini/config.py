"""`generationConfig`, both ways."""

from typing import Any, cast, get_args

import msgspec

from turnpike.wire.dialect import Target
from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error
from turnpike.wire.dialects.common.reading import kept
from turnpike.wire.dialects.common.words import inexpressible, invalid
from turnpike.wire.dialects.gemini.parts import ANY_OTHER, FORMAT, is_null
from turnpike.wire.dialects.gemini.schema import to_gemini, to_json_schema
from turnpike.wire.dialects.gemini.shapes import GenerationShape, ThinkingShape
from turnpike.wire.profiles.gemini import thinking_of
from turnpike.wire.types.conversation import AudioConfig, Effort, ReasoningConfig, Request, ResponseFormat

Json = dict[str, Any]

PREFIX = "generationConfig."
JSON_TYPE = "application/json"
_shape = msgspec.json.Decoder(GenerationShape).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_any = msgspec.json.Decoder().decode
_KNOWN = frozenset(GenerationShape.__struct_encode_fields__)
_EFFORTS: tuple[str, ...] = get_args(Effort)
_NUMBERS = ("temperature", "top_p", "seed", "frequency_penalty", "presence_penalty")


def read_config(raw: msgspec.Raw, request: Request, dropped: dict[str, str]) -> dict[str, msgspec.Raw]:
    """Fills the request; returns what only Gemini can say, by its whole name. `dropped`: what may be left out."""
    if is_null(raw):
        return {}
    try:
        shape, members = _shape(raw), _members(raw)
    except BODY_ERRORS as error:
        raise body_error(error) from error
    if (shape.candidate_count or 1) > 1:
        raise inexpressible(f"{PREFIX}candidateCount", ANY_OTHER, "Ask for one answer at a time.")
    request.stop = tuple(shape.stop_sequences or ())
    request.max_output_tokens = shape.max_output_tokens
    for name in _NUMBERS:
        setattr(request, name, getattr(shape, name))
    request.top_k = None if shape.top_k is None else int(shape.top_k)
    request.logprobs = shape.response_logprobs
    request.top_logprobs = shape.logprobs
    request.response_format = _read_format(shape)
    request.reasoning = None if shape.thinking_config is None else _read_thinking(shape.thinking_config)
    extra = {
        PREFIX + name: msgspec.Raw(bytes(value))
        for name, value in members.items()
        if name not in _KNOWN and PREFIX + name not in dropped and not is_null(value)
    }
    modalities = tuple(word.lower() for word in shape.response_modalities or ())
    request.modalities = () if modalities == ("text",) else modalities
    voice = None if is_null(shape.speech_config) else _voice(shape.speech_config)
    if voice is not None:
        request.audio = AudioConfig(voice, "pcm16")
    elif not is_null(shape.speech_config):
        extra[f"{PREFIX}speechConfig"] = msgspec.Raw(bytes(shape.speech_config))
    return extra


def _read_format(shape: GenerationShape) -> ResponseFormat | None:
    mime = shape.response_mime_type
    if mime is None or mime == "text/plain":
        return None
    if mime != JSON_TYPE:
        raise inexpressible(f"{PREFIX}responseMimeType", ANY_OTHER, f"Use {JSON_TYPE}.")
    schema = kept(shape.response_json_schema)
    if schema is None and not is_null(shape.response_schema):
        schema = to_json_schema(shape.response_schema, f"{PREFIX}responseSchema")
    return ResponseFormat("json_object") if schema is None else ResponseFormat("json_schema", schema)


def _read_thinking(shape: ThinkingShape) -> ReasoningConfig:
    level = (shape.thinking_level or "").lower()
    if level and level not in _EFFORTS and level != "thinking_level_unspecified":
        raise invalid(f"{PREFIX}thinkingConfig.thinkingLevel", "must be MINIMAL, LOW, MEDIUM or HIGH.")
    effort = cast("Effort", level) if level in _EFFORTS else None
    display = None if shape.include_thoughts is None else "summarized" if shape.include_thoughts else "omitted"
    match shape.thinking_budget:
        case None:
            return ReasoningConfig(effort, display=display)
        case 0:
            return ReasoningConfig(effort, None, "disabled", display)
        case budget if budget < 0:
            return ReasoningConfig(effort, None, "adaptive", display)
        case budget:
            return ReasoningConfig(effort, budget, "enabled", display)


def _voice(raw: msgspec.Raw) -> str | None:
    """The name of a voice, where that is all that is asked for."""
    match _any(raw):
        case {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": str(name), **deep}, **more}, **rest}:
            return None if deep or more or rest else name
        case _:
            return None


# ---- writing


def write_config(request: Request, target: Target) -> Json:
    config: Json = {}
    if request.stop:
        config["stopSequences"] = list(request.stop)
    if request.max_output_tokens is not None:
        config["maxOutputTokens"] = request.max_output_tokens
    named = {"temperature": "temperature", "topP": "top_p", "topK": "top_k", "seed": "seed",
             "frequencyPenalty": "frequency_penalty", "presencePenalty": "presence_penalty",
             "responseLogprobs": "logprobs", "logprobs": "top_logprobs"}  # fmt: skip
    for name, field in named.items():
        value: Any = getattr(request, field)
        if value is not None:
            config[name] = value
    config.update(_write_format(request.response_format))
    thinking = None if request.reasoning is None else thinking_of(request.reasoning, target.upstream_model)
    if thinking:
        config["thinkingConfig"] = thinking
    if request.modalities:
        config["responseModalities"] = [word.upper() for word in request.modalities]
    if request.audio is not None:
        config["speechConfig"] = _write_voice(request.audio)
    for name, raw in request.extra.items():
        if name.startswith(PREFIX):
            config[name.removeprefix(PREFIX)] = raw
    return config


def _write_format(wanted: ResponseFormat | None) -> Json:
    if wanted is None or wanted.kind == "text":
        return {}
    if wanted.json_schema is None:
        return {"responseMimeType": JSON_TYPE}
    schema = to_gemini(wanted.json_schema)
    if schema is None:
        return {"responseMimeType": JSON_TYPE, "responseJsonSchema": wanted.json_schema}
    return {"responseMimeType": JSON_TYPE, "responseSchema": schema}


def _write_voice(audio: AudioConfig) -> Json:
    if audio.format != "pcm16":
        raise inexpressible("audio.format", FORMAT, "It speaks in pcm16 only.")
    return {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": audio.voice}}}
