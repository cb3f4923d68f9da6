"""The JSON of Gemini's API as it is read: fields that mean something to the gateway, in camel case.

Lists of parts and contents may be given as one object: Google takes that, and its own examples do it.
"""

import msgspec

NOTHING = msgspec.Raw(b"null")


class Shape(msgspec.Struct, rename="camel"):
    """What all shapes share: Google's spelling."""


class Blob(Shape):
    mime_type: str | None = None
    data: str | None = None
    display_name: str | None = None


class FileData(Shape):
    file_uri: str | None = None
    mime_type: str | None = None


class FunctionCall(Shape):
    name: str | None = None
    id: str | None = None
    args: msgspec.Raw = NOTHING
    partial_args: msgspec.Raw = NOTHING


class ResponseMedia(Shape):
    inline_data: Blob | None = None
    file_data: FileData | None = None


class FunctionResponse(Shape):
    name: str | None = None
    id: str | None = None
    response: msgspec.Raw = NOTHING
    parts: list[ResponseMedia] | None = None


class PartShape(Shape):
    """A part of any kind, in requests and answers."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    inline_data: Blob | None = None
    file_data: FileData | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    executable_code: msgspec.Raw = NOTHING
    code_execution_result: msgspec.Raw = NOTHING
    tool_call: msgspec.Raw = NOTHING
    tool_response: msgspec.Raw = NOTHING
    video_metadata: msgspec.Raw = NOTHING


class ContentShape(Shape):
    role: str | None = None
    parts: list[PartShape] | PartShape | None = None


class FunctionDeclaration(Shape):
    name: str | None = None
    description: str | None = None
    parameters: msgspec.Raw = NOTHING
    parameters_json_schema: msgspec.Raw = NOTHING


class FunctionCallingConfig(Shape):
    mode: str | None = None
    allowed_function_names: list[str] | None = None
    stream_function_call_arguments: bool | None = None


class ToolConfigShape(Shape):
    function_calling_config: FunctionCallingConfig | None = None
    retrieval_config: msgspec.Raw = NOTHING
    include_server_side_tool_invocations: bool | None = None


class ThinkingShape(Shape):
    include_thoughts: bool | None = None
    thinking_budget: int | None = None
    thinking_level: str | None = None


class GenerationShape(Shape):
    stop_sequences: list[str] | None = None
    response_mime_type: str | None = None
    response_schema: msgspec.Raw = NOTHING
    response_json_schema: msgspec.Raw = NOTHING
    candidate_count: int | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: float | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    response_logprobs: bool | None = None
    logprobs: int | None = None
    thinking_config: ThinkingShape | None = None
    speech_config: msgspec.Raw = NOTHING
    response_modalities: list[str] | None = None


class RequestShape(Shape):
    contents: list[ContentShape] | ContentShape | None = None
    system_instruction: ContentShape | None = None
    tools: list[dict[str, msgspec.Raw]] | None = None
    tool_config: ToolConfigShape | None = None
    generation_config: msgspec.Raw = NOTHING
    safety_settings: list["SafetySetting"] | None = None
    labels: dict[str, str] | None = None
    service_tier: str | None = None
    store: bool | None = None
    model: str | None = None


class SafetySetting(Shape):
    category: str | None = None
    threshold: str | None = None


# ---- answers


class Rating(Shape):
    category: str | None = None
    probability: str | None = None
    blocked: bool | None = None


class Feedback(Shape):
    block_reason: str | None = None
    block_reason_message: str | None = None
    safety_ratings: list[Rating] | None = None


class Token(Shape):
    token: str | None = None
    log_probability: float | None = None


class TopTokens(Shape):
    candidates: list[Token] | None = None


class Logprobs(Shape):
    chosen_candidates: list[Token] | None = None
    top_candidates: list[TopTokens] | None = None


class Source(Shape):
    uri: str | None = None
    title: str | None = None
    text: str | None = None


class Chunk(Shape):
    web: Source | None = None
    retrieved_context: Source | None = None
    maps: Source | None = None


class Segment(Shape):
    part_index: int | None = None
    start_index: int | None = None
    end_index: int | None = None
    text: str | None = None


class Support(Shape):
    segment: Segment | None = None
    grounding_chunk_indices: list[int] | None = None


class Grounding(Shape):
    grounding_chunks: list[Chunk] | None = None
    grounding_supports: list[Support] | None = None
    web_search_queries: list[str] | None = None


class CitationSource(Shape):
    uri: str | None = None
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class Citations(Shape):
    citations: list[CitationSource] | None = None
    citation_sources: list[CitationSource] | None = None
    """The name in the first version of the API."""


class Candidate(Shape):
    index: int | None = None
    content: ContentShape | None = None
    finish_reason: str | None = None
    safety_ratings: list[Rating] | None = None
    grounding_metadata: Grounding | None = None
    citation_metadata: Citations | None = None
    logprobs_result: Logprobs | None = None


class ErrorShape(Shape):
    code: int | None = None
    message: str | None = None
    status: str | None = None


class AnswerShape(Shape):
    """A whole answer, or one event of a stream."""

    candidates: list[Candidate] | None = None
    prompt_feedback: Feedback | None = None
    usage_metadata: msgspec.Raw = NOTHING
    """Read by itself: an answer is no worse for a usage that is none."""
    model_version: str | None = None
    response_id: str | None = None
    error: ErrorShape | None = None
