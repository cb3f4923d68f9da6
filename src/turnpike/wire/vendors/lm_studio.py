"""LM Studio, a desktop program that serves models."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import Vendor, openai_compatible

LM_STUDIO = Vendor(
    name="lm_studio",
    display_name="LM Studio",
    website="https://lmstudio.ai",
    reference="https://lmstudio.ai/docs/developer/openai-compat",
    base_url="http://127.0.0.1:1234/v1",
    operations=openai_compatible(messages="/messages", responses="/responses"),
    needs_credential=False,
    loopback_ports=(1234,),
    probe_path="/v1/models",
    probe_contains='"data"',
    quirks=frozenset((q.MAX_TOKENS, q.NO_DEVELOPER_ROLE, q.NO_METADATA, q.TOP_K)),
)
