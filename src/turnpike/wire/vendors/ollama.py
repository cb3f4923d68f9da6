"""Ollama, a server for models on one's own machine."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import Vendor, openai_compatible

OLLAMA = Vendor(
    name="ollama",
    display_name="Ollama",
    website="https://ollama.com",
    reference="https://docs.ollama.com/api/openai-compatibility",
    base_url="http://127.0.0.1:11434/v1",
    operations=openai_compatible(messages="/messages", responses="/responses"),
    needs_credential=False,
    loopback_ports=(11434,),
    probe_path="/api/version",
    probe_contains='"version"',
    quirks=frozenset((q.MAX_TOKENS, q.NO_DEVELOPER_ROLE, q.NO_METADATA, q.REASONING_BACK)),
)
