"""Qwen at Alibaba Cloud's Model Studio (DashScope), through its OpenAI-compatible mode."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import Parameter, Vendor, openai_compatible

QWEN = Vendor(
    name="qwen",
    display_name="Qwen (DashScope)",
    website="https://www.alibabacloud.com/product/modelstudio",
    reference="https://help.aliyun.com/en/model-studio/compatibility-of-openai-with-dashscope",
    base_url="https://{endpoint}.aliyuncs.com",
    parameters=(
        Parameter(
            name="endpoint",
            label="endpoint (dashscope-intl, dashscope-us, or dashscope in China)",
            example="dashscope-intl",
            default="dashscope-intl",
            pattern=r"dashscope(-[a-z]{2,8})?",
        ),
    ),
    operations=openai_compatible(
        "/compatible-mode/v1", messages="/apps/anthropic/v1/messages", responses="/compatible-mode/v1/responses"
    ),
    env_keys=("DASHSCOPE_API_KEY",),
    models_path="/compatible-mode/v1/models",
    quirks=frozenset(
        (
            q.MAX_TOKENS,
            q.NO_DEVELOPER_ROLE,
            q.NO_METADATA,
            q.ENABLE_THINKING,
            q.NO_REASONING_EFFORT,
            q.NO_USER,
            q.REASONING_CONTENT_BACK,
            q.TOP_K,
        )
    ),
)
