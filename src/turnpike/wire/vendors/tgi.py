"""Text Generation Inference, Hugging Face's inference server; it serves one model, of any name."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import Vendor, openai_compatible

TGI = Vendor(
    name="tgi",
    display_name="Text Generation Inference",
    website="https://huggingface.co/docs/text-generation-inference",
    reference="https://huggingface.co/docs/text-generation-inference/reference/api_reference",
    base_url="http://127.0.0.1:8080/v1",
    operations=openai_compatible(embeddings=False),
    needs_credential=False,
    loopback_ports=(8080,),
    probe_path="/info",
    probe_contains='"max_concurrent_requests"',
    quirks=frozenset(
        (
            q.MAX_TOKENS,
            q.NO_DEVELOPER_ROLE,
            q.NO_METADATA,
            q.NO_PARALLEL_TOOL_CALLS,
            q.NO_USER,
        )
    ),
)
