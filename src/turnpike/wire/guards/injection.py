"""Signs of prompt injection: text that wants to be obeyed in place of what the model was told.

A heuristic, and no more: each sign has a weight, the weights of those that stand in one text add up to its score (at
most 1). What it finds and misses on the shipped examples is stated in docs/guards.md.
"""

from functools import cache

from turnpike.wire.guards.engine import Detector

THRESHOLD = 0.6

_SIGNS: tuple[tuple[float, str], ...] = (
    (
        0.7,
        r"(?i)\b(?:ignore|disregard|forget|override|bypass|do not follow)\b.{0,30}\b(?:all|any|every|the|your|my|these|those|previous|prior|above|earlier)\b"
        r".{0,40}\b(?:instructions?|prompts?|rules?|guidelines?|directions?|context|commands?|constraints?)\b",
    ),
    (
        0.7,
        r"(?i)\b(?:ignorier\w{0,3}|vergiss|missachte|ignora|olvida|ignore[zr]?|oublie[zr]?|desconsidere|dimentica)\b.{0,30}"
        r"\b(?:vorherigen|bisherigen|obigen|anteriores|previas|pr\w{1,4}c\w{1,3}dentes|ant\w{1,3}rieures|precedenti)\b",
    ),
    (0.6, r"(?i)\byour (?:secret|hidden|initial|original|system) (?:instructions?|prompts?|message)\b"),
    (0.6, r"(?i)\b(?:repeat|print|output|quote|recite)\b.{0,20}\b(?:words?|text|message|everything)\b.{0,10}\b(?:above|before this|preceding)\b"),
    (0.6, r"(?i)\b(?:written|said|stands?|comes?|came)\b (?:above|before) (?:this|my) (?:message|line|text|prompt)\b"),
    (0.4, r"(?i)\b(?:lift|remove|suspend|cancel|drop)\w{0,3}\b.{0,20}\b(?:restrictions?|safety rules|your rules|limits|filters)\b"),
    (0.3, r"(?i)\byou have no\b.{0,20}\b(?:restrictions?|filters?|rules|constraints|limits)\b"),
    (0.6, r"(?i)\b(?:what|everything|words)\b.{0,20}\b(?:you were (?:told|given)|your instructions)\b.{0,40}\b(?:word for word|verbatim|literally)\b"),
    (0.5, r"(?i)\b(?:reveal|show|print|repeat|output|leak|tell me|give me)\b.{0,40}\b(?:system|initial|hidden|original|secret)\s(?:prompt|message|instructions?)\b"),
    (0.6, r"(?i)\byou are (?:now|no longer)\b.{0,60}\b(?:dan|jailbroken|unrestricted|unfiltered|free of|without (?:any )?(?:rules|restrictions|limits)|an? evil)\b"),
    (0.4, r"(?i)\b(?:do anything now|dan mode|developer mode enabled|jailbreak mode|god mode)\b"),
    (0.4, r"(?i)\b(?:pretend|act|behave|respond|roleplay)\b.{0,40}\b(?:no|without|free (?:of|from))\b.{0,20}\b(?:restrictions?|rules|filters?|limits?|guidelines|ethics|morals)\b"),
    (0.4, r"(?im)^\s{0,8}(?:#{1,4}\s{0,4})?(?:new|updated|real|actual)\s(?:system\s)?(?:instructions?|prompt|rules)\s{0,3}:"),
    (0.5, r"(?i)<\|?(?:im_start|system|endoftext|start_header_id)\|?>|\[/?INST\]|<</?SYS>>|</?system(?:_prompt)?>"),
    (0.4, r"(?im)^\s{0,8}(?:system|assistant)\s{0,2}:\s{0,2}(?:you|ignore|from now|override)"),
    (0.3, r"(?i)\bfrom now on\b.{0,40}\b(?:you (?:will|must|are|should)|ignore|answer|respond)\b"),
    (0.3, r"(?i)\b(?:do not|don't|never)\b.{0,30}\b(?:tell|inform|mention|reveal)\b.{0,30}\b(?:the user|anyone|this)\b"),
    (0.4, r"(?i)\b(?:send|post|forward|exfiltrate|upload|email)\b.{0,60}\b(?:conversation|chat history|api keys?|credentials|passwords?|secrets?)\b.{0,40}\b(?:to|at)\b.{0,20}(?:https?://|@)"),
    (0.3, r"(?i)\b(?:this is|by order of|message from)\b.{0,20}\b(?:your (?:developer|creator|administrator)|the (?:openai|anthropic|system) (?:team|administrator))\b"),
)  # fmt: skip


@cache
def _detectors() -> tuple[tuple[float, Detector], ...]:
    return tuple((weight, Detector("injection", pattern)) for weight, pattern in _SIGNS)


def score(text: str) -> float:
    """0 to 1. Raises TooHard."""
    raw = text.encode("utf-8", "surrogatepass")
    return min(1.0, round(sum(weight for weight, detector in _detectors() if detector.next(raw, 0) is not None), 3))
