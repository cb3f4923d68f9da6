"""Amazon Bedrock. Converse for every model; by InvokeModel Anthropic's own form for Anthropic's, and embeddings.

Names of models are as Bedrock has them: foundation models (`amazon.nova-pro-v1:0`), inference profiles
(`us.anthropic.claude-...`) and ARNs. Requests are signed with AWS keys, or carry a Bedrock API key.
"""

from turnpike.wire.cloud_parameters import AWS_SECRETS
from turnpike.wire.operations import Operation
from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import AuthSpec, Derived, ModelsFormat, OperationSpec, Parameter, Vendor

_INVOKE = "/model/{model}/invoke"

BEDROCK = Vendor(
    name="bedrock",
    display_name="Amazon Bedrock",
    website="https://aws.amazon.com/bedrock",
    reference="https://docs.aws.amazon.com/bedrock/latest/APIReference/welcome.html",
    base_url="https://bedrock-runtime.{region}.{aws_domain}",
    parameters=(
        Parameter(
            name="region",
            label="AWS region",
            example="us-east-1",
            pattern=r"[a-z]{2,3}(-[a-z]+)+-\d",
            env_keys=("AWS_REGION", "AWS_DEFAULT_REGION"),
            derived=(Derived("aws_domain", (("cn-*", "amazonaws.com.cn"), ("*", "amazonaws.com"))),),
        ),
        *AWS_SECRETS,
    ),
    operations={
        Operation.CHAT: (
            OperationSpec(
                "anthropic_messages",
                _INVOKE,
                "/model/{model}/invoke-with-response-stream",
                framing="aws_chunks",
                models=("anthropic.claude*", "*.anthropic.claude*", "arn:*anthropic.claude*"),
                header_members={"anthropic-beta": "anthropic_beta"},
            ),
            OperationSpec(
                "bedrock_converse", "/model/{model}/converse", "/model/{model}/converse-stream", framing="aws_events"
            ),
        ),
        Operation.EMBEDDINGS: (
            OperationSpec("titan_embeddings", _INVOKE, models=("amazon.titan-embed*",)),
            OperationSpec("bedrock_cohere_embeddings", _INVOKE, models=("cohere.embed*", "*.cohere.embed*")),
        ),
    },
    env_keys=("AWS_BEARER_TOKEN_BEDROCK",),
    auth=AuthSpec(kind="sigv4", service="bedrock", region="{region}"),
    models_path="/foundation-models",
    models_more=("/inference-profiles?maxResults=1000",),
    models_host=("bedrock-runtime.", "bedrock."),
    models_format=ModelsFormat.BEDROCK,
    price_provider="aws",
    quirks=frozenset((q.MODEL_IN_PATH, q.STREAM_IN_PATH, q.ANTHROPIC_VERSION_BEDROCK)),
    exercised="simulated",
)
