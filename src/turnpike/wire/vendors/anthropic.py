"""Anthropic. Its paths carry the version, as its SDK has them: the base URL is the bare host."""

from turnpike.wire.operations import Operation
from turnpike.wire.vendor import AuthSpec, ModelsFormat, OperationSpec, Vendor

ANTHROPIC = Vendor(
    name="anthropic",
    display_name="Anthropic",
    website="https://www.anthropic.com",
    reference="https://platform.claude.com/docs/en/api/overview",
    base_url="https://api.anthropic.com",
    operations={
        Operation.CHAT: (OperationSpec("anthropic_messages", "/v1/messages"),),
        Operation.COUNT_TOKENS: (OperationSpec("anthropic_count_tokens", "/v1/messages/count_tokens"),),
    },
    env_keys=("ANTHROPIC_API_KEY",),
    auth=AuthSpec("x-api-key", ""),
    headers={"anthropic-version": "2023-06-01"},
    models_path="/v1/models",
    models_format=ModelsFormat.ANTHROPIC,
    price_provider="anthropic",
    exercised="simulated",
)
