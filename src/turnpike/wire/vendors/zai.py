"""Z.ai (Zhipu), maker of GLM. It speaks Anthropic's form too; its models choose their tools themselves."""

from turnpike.wire.operations import Operation
from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import OperationSpec, Vendor, openai_compatible

ZAI = Vendor(
    name="zai",
    display_name="Z.ai (Zhipu)",
    website="https://z.ai",
    reference="https://docs.z.ai/api-reference/introduction",
    base_url="https://api.z.ai/api",
    operations=openai_compatible("/paas/v4", messages="/anthropic/v1/messages")
    | {Operation.IMAGE_GENERATION: (OperationSpec("openai_images", "/paas/v4/images/generations"),)},
    env_keys=(
        "ZAI_API_KEY",
        "ZHIPUAI_API_KEY",
    ),
    models_path=None,
    price_provider="zai",
    quirks=frozenset(
        (
            q.MAX_TOKENS,
            q.NO_DEVELOPER_ROLE,
            q.NO_METADATA,
            q.NO_JSON_SCHEMA,
            q.NO_NAME,
            q.NO_PARALLEL_TOOL_CALLS,
            q.NO_PENALTIES,
            q.NO_STREAM_OPTIONS,
            q.NO_STRICT_TOOLS,
            q.REASONING_CONTENT_BACK,
            q.THINKING_SWITCH,
            q.TOOL_CHOICE_AUTO,
        )
    ),
)
