"""vLLM, an inference server. It speaks Anthropic's form, and counts tokens, at the same address."""

from turnpike.wire.operations import Operation
from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import RERANK, OperationSpec, Vendor, openai_compatible

VLLM = Vendor(
    name="vllm",
    display_name="vLLM",
    website="https://vllm.ai",
    reference="https://docs.vllm.ai/en/stable/serving/openai_compatible_server",
    base_url="http://127.0.0.1:8000/v1",
    operations=openai_compatible(messages="/messages", responses="/responses")
    | {Operation.COUNT_TOKENS: (OperationSpec("anthropic_count_tokens", "/messages/count_tokens"),)}
    | RERANK
    | {
        Operation.TRANSCRIPTION: (OperationSpec("openai_transcription", "/audio/transcriptions"),),
        Operation.TRANSLATION: (OperationSpec("openai_translation", "/audio/translations"),),
    },
    env_keys=("VLLM_API_KEY",),
    needs_credential=False,
    loopback_ports=(8000,),
    probe_path="/v1/models",
    probe_contains='"vllm"',
    quirks=frozenset((q.NO_METADATA, q.REASONING_BACK, q.TOP_K)),
)
