"""LocalAI, a server for models of every kind on one's own machine."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import AUDIO, IMAGES, RERANK, Vendor, openai_compatible

LOCALAI = Vendor(
    name="localai",
    display_name="LocalAI",
    website="https://localai.io",
    reference="https://localai.io/features/openai-functions",
    base_url="http://127.0.0.1:8080/v1",
    operations=openai_compatible() | IMAGES | AUDIO | RERANK,
    needs_credential=False,
    loopback_ports=(8080,),
    probe_path="/system",
    probe_contains='"backends"',
    quirks=frozenset(
        (
            q.MAX_TOKENS,
            q.NO_DEVELOPER_ROLE,
            q.NO_METADATA,
            q.TOP_K,
        )
    ),
)
