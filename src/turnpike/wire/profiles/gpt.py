"""Facts about OpenAI's models, by the model's name at whatever provider.

Source: OpenAI's API reference (`reasoning_effort`, `prompt_cache_breakpoint`) and its guide to reasoning models. A
name that is none of OpenAI's gets the facts of an ordinary OpenAI-compatible server.
"""

import re
from functools import lru_cache

import msgspec

_OLD = re.compile(r"(?:^|/)(?:gpt-3|gpt-4|chatgpt-4|davinci|babbage)")
_O_SERIES = re.compile(r"(?:^|/)o[1-9](?:-|$)")
_GPT = re.compile(r"(?:^|/)gpt-(?P<major>\d+)(?:\.(?P<minor>\d+))?")


class Gpt(msgspec.Struct, frozen=True):
    reasons: bool = True
    """Whether `reasoning_effort` may be sent."""
    sampling: bool = True
    """Whether `temperature`, `top_p` and penalties are taken."""
    cache_breakpoints: bool = False


@lru_cache(1024)
def gpt(model: str) -> Gpt:
    name = model.lower()
    if _OLD.search(name):
        return Gpt(reasons=False)
    if _O_SERIES.search(name):
        return Gpt(sampling=False)
    match = _GPT.search(name)
    if match is None or "gpt-oss" in name:
        return Gpt()
    version = (int(match["major"]), int(match["minor"] or 0))
    chat = "chat" in name
    return Gpt(reasons=not chat, sampling=chat, cache_breakpoints=version >= (5, 6))
