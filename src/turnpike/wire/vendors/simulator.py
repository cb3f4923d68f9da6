"""Turnpike's own simulator: an upstream that answers in every dialect and knows nothing. No model is behind it."""

from turnpike.wire.operations import Operation
from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import OperationSpec, Vendor, openai_compatible
from turnpike.wire.vendors.gemini import GEMINI

_OPENAI = openai_compatible(messages="/messages")

SIMULATOR = Vendor(
    name="simulator",
    display_name="Simulator (no model)",
    website="",
    reference="",
    base_url=None,
    operations={
        Operation.CHAT: (*_OPENAI[Operation.CHAT], GEMINI.operations[Operation.CHAT][0]),
        Operation.EMBEDDINGS: (*_OPENAI[Operation.EMBEDDINGS], *GEMINI.operations[Operation.EMBEDDINGS][:2]),
        Operation.COUNT_TOKENS: (
            OperationSpec("anthropic_count_tokens", "/messages/count_tokens"),
            *GEMINI.operations[Operation.COUNT_TOKENS],
        ),
    },
    needs_credential=False,
    quirks=frozenset((q.REASONING_DETAILS_BACK,)),
    exercised="simulated",
)
