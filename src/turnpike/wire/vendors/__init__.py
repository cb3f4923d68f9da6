"""The vendors that Turnpike knows, by name. To add one: a small file beside these, and its line here.

A provider of an unknown vendor needs no code: it is `openai_compatible` with a base URL.
"""

from turnpike.wire.vendor import Vendor
from turnpike.wire.vendors.anthropic import ANTHROPIC
from turnpike.wire.vendors.azure_openai import AZURE_OPENAI
from turnpike.wire.vendors.azure_openai_classic import AZURE_OPENAI_CLASSIC
from turnpike.wire.vendors.base_url import normalise_base_url
from turnpike.wire.vendors.baseten import BASETEN
from turnpike.wire.vendors.bedrock import BEDROCK
from turnpike.wire.vendors.black_forest_labs import BLACK_FOREST_LABS
from turnpike.wire.vendors.cerebras import CEREBRAS
from turnpike.wire.vendors.cloudflare import CLOUDFLARE
from turnpike.wire.vendors.cohere import COHERE
from turnpike.wire.vendors.databricks import DATABRICKS
from turnpike.wire.vendors.deepinfra import DEEPINFRA
from turnpike.wire.vendors.deepseek import DEEPSEEK
from turnpike.wire.vendors.elevenlabs import ELEVENLABS
from turnpike.wire.vendors.fireworks import FIREWORKS
from turnpike.wire.vendors.gemini import GEMINI
from turnpike.wire.vendors.github_models import GITHUB_MODELS
from turnpike.wire.vendors.groq import GROQ
from turnpike.wire.vendors.hugging_face import HUGGING_FACE
from turnpike.wire.vendors.hyperbolic import HYPERBOLIC
from turnpike.wire.vendors.jina import JINA
from turnpike.wire.vendors.llama_cpp import LLAMA_CPP
from turnpike.wire.vendors.lm_studio import LM_STUDIO
from turnpike.wire.vendors.localai import LOCALAI
from turnpike.wire.vendors.minimax import MINIMAX
from turnpike.wire.vendors.mistral import MISTRAL
from turnpike.wire.vendors.moonshot import MOONSHOT
from turnpike.wire.vendors.nebius import NEBIUS
from turnpike.wire.vendors.novita import NOVITA
from turnpike.wire.vendors.nvidia import NVIDIA
from turnpike.wire.vendors.ollama import OLLAMA
from turnpike.wire.vendors.openai import OPENAI
from turnpike.wire.vendors.openai_compatible import OPENAI_COMPATIBLE
from turnpike.wire.vendors.openrouter import OPENROUTER
from turnpike.wire.vendors.perplexity import PERPLEXITY
from turnpike.wire.vendors.qwen import QWEN
from turnpike.wire.vendors.replicate import REPLICATE
from turnpike.wire.vendors.sambanova import SAMBANOVA
from turnpike.wire.vendors.sglang import SGLANG
from turnpike.wire.vendors.simulator import SIMULATOR
from turnpike.wire.vendors.snowflake import SNOWFLAKE
from turnpike.wire.vendors.stability import STABILITY
from turnpike.wire.vendors.tgi import TGI
from turnpike.wire.vendors.together import TOGETHER
from turnpike.wire.vendors.vertex import VERTEX
from turnpike.wire.vendors.vllm import VLLM
from turnpike.wire.vendors.voyage import VOYAGE
from turnpike.wire.vendors.xai import XAI
from turnpike.wire.vendors.xinference import XINFERENCE
from turnpike.wire.vendors.zai import ZAI

__all__ = ["VENDORS", "normalise_base_url"]

VENDORS: dict[str, Vendor] = {
    vendor.name: vendor
    for vendor in (
        OPENAI,
        ANTHROPIC,
        GEMINI,
        VERTEX,
        BEDROCK,
        AZURE_OPENAI,
        AZURE_OPENAI_CLASSIC,
        MISTRAL,
        COHERE,
        DEEPSEEK,
        GROQ,
        TOGETHER,
        FIREWORKS,
        XAI,
        PERPLEXITY,
        OPENROUTER,
        CEREBRAS,
        SAMBANOVA,
        MOONSHOT,
        ZAI,
        MINIMAX,
        QWEN,
        BASETEN,
        REPLICATE,
        HUGGING_FACE,
        NVIDIA,
        DATABRICKS,
        SNOWFLAKE,
        CLOUDFLARE,
        GITHUB_MODELS,
        NEBIUS,
        NOVITA,
        HYPERBOLIC,
        DEEPINFRA,
        VOYAGE,
        JINA,
        ELEVENLABS,
        STABILITY,
        BLACK_FOREST_LABS,
        OLLAMA,
        VLLM,
        SGLANG,
        LLAMA_CPP,
        LM_STUDIO,
        TGI,
        LOCALAI,
        XINFERENCE,
        OPENAI_COMPATIBLE,
        SIMULATOR,
    )
}
"""In the order in which they are shown."""
