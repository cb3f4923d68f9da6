"""The vendors that Turnpike knows, by name. To add one: a small file beside these, and its line here.

A provider of an unknown vendor needs no code: it is `openai_compatible` with a base URL.
"""

from turnpike.wire.vendor import Vendor
from turnpike.wire.vendors.anthropic import ANTHROPIC
from turnpike.wire.vendors.base_url import normalise_base_url
from turnpike.wire.vendors.cohere import COHERE
from turnpike.wire.vendors.deepseek import DEEPSEEK
from turnpike.wire.vendors.gemini import GEMINI
from turnpike.wire.vendors.groq import GROQ
from turnpike.wire.vendors.llama_cpp import LLAMA_CPP
from turnpike.wire.vendors.lm_studio import LM_STUDIO
from turnpike.wire.vendors.mistral import MISTRAL
from turnpike.wire.vendors.ollama import OLLAMA
from turnpike.wire.vendors.openai import OPENAI
from turnpike.wire.vendors.openai_compatible import OPENAI_COMPATIBLE
from turnpike.wire.vendors.openrouter import OPENROUTER
from turnpike.wire.vendors.simulator import SIMULATOR
from turnpike.wire.vendors.together import TOGETHER
from turnpike.wire.vendors.vllm import VLLM
from turnpike.wire.vendors.xai import XAI

__all__ = ["VENDORS", "normalise_base_url"]

VENDORS: dict[str, Vendor] = {
    vendor.name: vendor
    for vendor in (
        OPENAI,
        ANTHROPIC,
        GEMINI,
        MISTRAL,
        COHERE,
        GROQ,
        DEEPSEEK,
        TOGETHER,
        OPENROUTER,
        XAI,
        OLLAMA,
        VLLM,
        LLAMA_CPP,
        LM_STUDIO,
        OPENAI_COMPATIBLE,
        SIMULATOR,
    )
}
"""In the order in which they are shown."""
