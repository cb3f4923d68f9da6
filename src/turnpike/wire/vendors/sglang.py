"""SGLang, an inference server. It speaks Anthropic's form at the same address."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import RERANK, Vendor, openai_compatible

SGLANG = Vendor(
    name="sglang",
    display_name="SGLang",
    website="https://sglang.ai",
    reference="https://docs.sglang.ai/basic_usage/openai_api.html",
    base_url="http://127.0.0.1:30000/v1",
    operations=openai_compatible(messages="/messages", responses="/responses") | RERANK,
    needs_credential=False,
    loopback_ports=(30000,),
    probe_path="/get_model_info",
    probe_contains='"model_path"',
    quirks=frozenset(
        (
            q.NO_METADATA,
            q.REASONING_CONTENT_BACK,
            q.TOP_K,
        )
    ),
)
