"""Cohere. Its own forms for chat and embeddings; the base URL has no version, because its paths carry one each."""

from turnpike.wire.operations import Operation
from turnpike.wire.vendor import OperationSpec, Vendor

COHERE = Vendor(
    name="cohere",
    display_name="Cohere",
    website="https://cohere.com",
    reference="https://docs.cohere.com/reference/chat",
    base_url="https://api.cohere.com",
    operations={
        Operation.CHAT: (OperationSpec("cohere_chat", "/v2/chat"),),
        Operation.EMBEDDINGS: (OperationSpec("cohere_embeddings", "/v2/embed"),),
    },
    env_keys=("CO_API_KEY", "COHERE_API_KEY"),
    models_path=None,
    price_provider="cohere",
    exercised="simulated",
)
