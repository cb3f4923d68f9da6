"""llama.cpp's server. It speaks Anthropic's form, and counts tokens, at the same address."""

from turnpike.wire.operations import Operation
from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import RERANK, OperationSpec, Vendor, openai_compatible

LLAMA_CPP = Vendor(
    name="llama_cpp",
    display_name="llama.cpp",
    website="https://github.com/ggml-org/llama.cpp",
    reference="https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
    base_url="http://127.0.0.1:8080/v1",
    operations=openai_compatible(messages="/messages", responses="/responses")
    | {Operation.COUNT_TOKENS: (OperationSpec("anthropic_count_tokens", "/messages/count_tokens"),)}
    | RERANK,
    needs_credential=False,
    loopback_ports=(8080,),
    probe_path="/v1/models",
    probe_contains='"llamacpp"',
    quirks=frozenset((q.MAX_TOKENS, q.NO_METADATA, q.REASONING_CONTENT_BACK, q.TOP_K)),
)
