"""What a model can do, guessed from its name and from what its provider's list says of it.

A guess to begin with: the catalog's administrator has the last word. Capabilities are those of the catalog: chat,
image, audio, speech_to_text, video, code, embeddings, rerank, moderation, realtime.
"""

import re
from collections.abc import Collection, Iterable

from turnpike.wire.operations import Operation

_RULES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("embeddings", re.compile(r"embed|(?:^|[/-])(?:bge|e5|gte|gtr|minilm|nomic-embed|arctic-embed|jina-emb|voyage)")),
    ("rerank", re.compile(r"rerank")),
    ("moderation", re.compile(r"moderation")),
    ("none", re.compile(r"guard(?:-|$)|-guard|ocr|classif|prompt-?guard|reward")),
    ("realtime", re.compile(r"realtime")),
    ("speech_to_text", re.compile(r"whisper|(?:^|[-/])scribe|transcri|speech-to-text|(?:^|[-/])stt|parakeet"
                                  r"|voxtral-mini-transcribe")),
    ("audio", re.compile(r"(?:^|[-/])tts|text-to-speech|playai-tts|orpheus|kokoro|(?:^|[-/])bark|sonic|lyria|music")),
    ("video", re.compile(r"(?:^|[-/])(?:sora|veo)|video|kling|hailuo|(?:^|[-/])wan[-\d]|runway")),
    ("image", re.compile(r"dall-?e|gpt-image|chatgpt-image|imagen|image-generation|flux|stable-diffusion|sdxl|sd3"
                         r"|ideogram|recraft|(?:^|[-/])(?:grok-\d-)?image|-image(?:-|$)|seedream|playground-v")),
)  # fmt: skip
_CODE = re.compile(r"code|codex|coder|codestral|devstral|starcoder|grok-code|swe-")
_DEAD_ENDS = re.compile(r"davinci|babbage|(?:^|[-/])gpt-3\.5-turbo-instruct|computer-use|deep-research|live-")


def guess_capabilities(name: str, modalities: Collection[str] = (), declared: Iterable[str] = ()) -> tuple[str, ...]:
    """Capabilities of a model. `modalities`: what its list says that it puts out; `declared`: its list's own words.

    Empty for a model of a kind that the catalog has no word for (guards, OCR) or that no operation reaches.
    """
    words = {word.lower() for word in declared}
    if words:
        found = _declared(words)
        if found:
            return found
    lowered = name.lower()
    for capability, pattern in _RULES:
        if pattern.search(lowered):
            return () if capability == "none" else (capability,)
    if modalities and "text" not in modalities:
        return tuple(kind for kind in ("image", "audio", "video") if kind in modalities)
    if _DEAD_ENDS.search(lowered):
        return ()
    capabilities = ["chat"]
    if _CODE.search(lowered):
        capabilities.append("code")
    return tuple(capabilities)


def _declared(words: set[str]) -> tuple[str, ...]:
    """Mistral's `capabilities`, Together's `type`, Ollama's `capabilities`."""
    found: list[str] = []
    if words & {"completion_chat", "chat", "completion", "language"}:
        found.append("chat")
    if words & {"completion_fim", "code"}:
        found.append("code")
    if words & {"rerank", "reranking"}:
        found.append("rerank")
    if words & {"moderation", "moderations"}:
        found.append("moderation")
    if words & {"embedding", "embeddings"}:
        found.append("embeddings")
    if "image" in words:
        found.append("image")
    if words & {"audio_speech", "audio"}:
        found.append("audio")
    if words & {"audio_transcription", "transcribe"}:
        found.append("speech_to_text")
    if "video" in words:
        found.append("video")
    return tuple(found)


_OPERATIONS = {
    "embeddings": Operation.EMBEDDINGS,
    "video": Operation.VIDEO,
    "rerank": Operation.RERANK,
    "moderation": Operation.MODERATION,
    "audio": Operation.SPEECH,
    "realtime": Operation.REALTIME,
}


def operations_of(capabilities: Iterable[str]) -> tuple[Operation, ...]:
    """What callers may do with a model of these capabilities, as far as this version has operations for it."""
    wanted = set(capabilities)
    operations: list[Operation] = []
    if wanted & {"chat", "code"}:
        operations += (Operation.CHAT, Operation.COUNT_TOKENS)
    if "image" in wanted:
        operations += (Operation.IMAGE_GENERATION, Operation.IMAGE_EDIT, Operation.IMAGE_VARIATION)
    if "speech_to_text" in wanted:
        operations += (Operation.TRANSCRIPTION, Operation.TRANSLATION)
    operations += (operation for capability, operation in _OPERATIONS.items() if capability in wanted)
    return tuple(operations)
