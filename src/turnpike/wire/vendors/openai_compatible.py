"""Any server that follows OpenAI's form: given its base URL, it needs no code."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import AUDIO, IMAGE_EDITS, IMAGES, MODERATIONS, RERANK, Vendor, openai_compatible

OPENAI_COMPATIBLE = Vendor(
    name="openai_compatible",
    display_name="OpenAI-compatible server",
    website="",
    reference="https://developers.openai.com/api/reference",
    base_url=None,
    operations=openai_compatible() | IMAGES | MODERATIONS | RERANK | AUDIO | IMAGE_EDITS,
    needs_credential=False,
    quirks=frozenset((q.MAX_TOKENS, q.NO_DEVELOPER_ROLE, q.NO_METADATA)),
    exercised="simulated",
)
