"""Errors as vendors write them, shown to callers: by the exception that the callers' own SDKs raise."""

import json
from typing import Any

import anthropic
import openai
import pytest

from tests.unit.wire.test_errors import anthropic_error, openai_error
from turnpike.errors import RefusalKind
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.dialects.common.errors import refusal_in

OPENAI = DIALECTS["openai_chat"]
ANTHROPIC = DIALECTS["anthropic_messages"]
K = RefusalKind

OPENAIS: dict[RefusalKind, tuple[type[openai.APIStatusError], str]] = {
    K.BAD_KEY: (openai.AuthenticationError, "invalid_api_key"),
    K.QUOTA: (openai.APIStatusError, "insufficient_quota"),
    K.RATE_LIMITED: (openai.RateLimitError, "rate_limit_exceeded"),
    K.CONTEXT: (openai.BadRequestError, "context_length_exceeded"),
    K.CONTENT: (openai.BadRequestError, "content_policy_violation"),
    K.NOT_FOUND: (openai.NotFoundError, "model_not_found"),
    K.OVERLOADED: (openai.InternalServerError, "server_overloaded"),
    K.UNSUPPORTED: (openai.BadRequestError, ""),
    K.FORBIDDEN: (openai.PermissionDeniedError, ""),
}
ANTHROPICS: dict[RefusalKind, tuple[type[anthropic.APIStatusError], str]] = {
    K.BAD_KEY: (anthropic.AuthenticationError, "authentication_error"),
    K.QUOTA: (anthropic.APIStatusError, "billing_error"),
    K.RATE_LIMITED: (anthropic.RateLimitError, "rate_limit_error"),
    K.CONTEXT: (anthropic.BadRequestError, "invalid_request_error"),
    K.CONTENT: (anthropic.BadRequestError, "invalid_request_error"),
    K.NOT_FOUND: (anthropic.NotFoundError, "not_found_error"),
    K.OVERLOADED: (anthropic.APIStatusError, "overloaded_error"),
    K.UNSUPPORTED: (anthropic.BadRequestError, "invalid_request_error"),
    K.FORBIDDEN: (anthropic.PermissionDeniedError, "permission_error"),
}


def openais(message: str, kind: str, code: Any = None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


CASES: list[tuple[str, int, Any, RefusalKind]] = [
    # OpenAI
    ("openai", 401, openais("Incorrect API key provided.", "invalid_request_error", "invalid_api_key"), K.BAD_KEY),
    ("openai", 429, openais("You exceeded your current quota.", "insufficient_quota", "insufficient_quota"), K.QUOTA),
    ("openai", 429, openais("Rate limit reached for gpt-x.", "tokens", "rate_limit_exceeded"), K.RATE_LIMITED),
    (
        "openai",
        400,
        openais("Your input exceeds the context window.", "invalid_request_error", "context_length_exceeded"),
        K.CONTEXT,
    ),
    ("openai", 400, openais("Rejected.", "invalid_request_error", "content_policy_violation"), K.CONTENT),
    ("openai", 404, openais("The model `x` does not exist.", "invalid_request_error", "model_not_found"), K.NOT_FOUND),
    ("openai", 400, openais("Unsupported value: 'x'.", "invalid_request_error", "unsupported_value"), K.UNSUPPORTED),
    ("openai", 503, openais("The engine is currently overloaded.", "server_error"), K.OVERLOADED),
    # Anthropic
    ("anthropic", 401, {"type": "error", "error": {"type": "authentication_error", "message": "invalid x-api-key"}},
     K.BAD_KEY),
    ("anthropic", 400, {"type": "error", "error": {"type": "invalid_request_error",
     "message": "Your credit balance is too low to access the Anthropic API."}}, K.QUOTA),
    ("anthropic", 400, {"type": "error", "error": {"type": "invalid_request_error",
     "message": "prompt is too long: 210000 tokens > 200000 maximum"}}, K.CONTEXT),
    ("anthropic", 529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, K.OVERLOADED),
    ("anthropic", 404, {"type": "error", "error": {"type": "not_found_error", "message": "model: x"}}, K.NOT_FOUND),
    # Google
    ("gemini", 400, [{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.",
     "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}}], K.BAD_KEY),
    ("gemini", 429, {"error": {"code": 429, "message": "Resource exhausted.", "status": "RESOURCE_EXHAUSTED"}},
     K.RATE_LIMITED),
    ("gemini", 503, {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}},
     K.OVERLOADED),
    ("gemini", 403, {"error": {"code": 403, "message": "The caller may not.", "status": "PERMISSION_DENIED"}},
     K.FORBIDDEN),
    # others in OpenAI's form, with words and statuses of their own
    ("xai", 400, {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: xa***ab."},
     K.BAD_KEY),
    ("deepseek", 402, openais("Insufficient Balance", "unknown_error", "invalid_request_error"), K.QUOTA),
    ("openrouter", 402, {"error": {"code": 402, "message": "Insufficient credits. Add more."}}, K.QUOTA),
    ("openrouter", 403, {"error": {"code": 403, "message": "Input was flagged by moderation",
     "metadata": {"reasons": ["violence"]}}}, K.CONTENT),
    ("openrouter", 404, {"error": {"code": 404, "message": "No endpoints found that support tool use."}},
     K.UNSUPPORTED),
    ("groq", 498, openais("Flex tier capacity exceeded.", "capacity_exceeded"), K.OVERLOADED),
    ("groq", 413, openais("Request too large: please reduce your input.", "tokens", "request_too_large"), K.CONTEXT),
    ("fireworks", 412, {"error": {"message": "Account x is suspended due to unpaid invoices.", "code": "X"}}, K.QUOTA),
    ("together", 422, openais("`inputs` tokens + `max_new_tokens` must be <= 4097.", "invalid_request_error"),
     K.CONTEXT),
    ("moonshot", 429, openais("The engine is currently overloaded.", "engine_overloaded_error"), K.OVERLOADED),
    ("moonshot", 429, openais("Your account is suspended.", "exceeded_current_quota_error"), K.QUOTA),
    ("moonshot", 400, openais("The request was rejected: high risk", "content_filter"), K.CONTENT),
    ("zai", 429, {"error": {"code": "1113", "message": "Insufficient balance or no resource package."}}, K.QUOTA),
    ("zai", 400, {"error": {"code": "1211", "message": "Modell does not exist"}}, K.NOT_FOUND),
    ("zai", 400, {"error": {"code": "1261", "message": "Prompt exceeds max length"}}, K.CONTEXT),
    ("vllm", 400, {"object": "error", "type": "BadRequestError", "code": 400,
     "message": "This model's maximum context length is 4096 tokens. However, you requested 5000."}, K.CONTEXT),
    ("vllm", 404, {"object": "error", "type": "NotFoundError", "code": 404, "message": "The model `x` does not exist."},
     K.NOT_FOUND),
    ("llama_cpp", 400, {"error": {"code": 400, "type": "exceed_context_size_error",
     "message": "the request exceeds the available context size"}}, K.CONTEXT),
    ("llama_cpp", 503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, K.OVERLOADED),
    # forms of their own
    ("mistral", 401, {"message": "Unauthorized", "request_id": "r"}, K.BAD_KEY),
    ("mistral", 401, {"detail": "Unauthorized"}, K.BAD_KEY),
    ("cohere", 401, {"message": "invalid api token", "id": "x"}, K.BAD_KEY),
    ("cohere", 404, {"message": "model 'x' not found, make sure the correct model ID was used"}, K.NOT_FOUND),
    ("cohere", 400, {"message": "too many tokens: total number of tokens exceeds the limit"}, K.CONTEXT),
    ("replicate", 401, {"title": "Unauthenticated", "detail": "You did not pass a valid token", "status": 401},
     K.BAD_KEY),
    ("replicate", 402, {"title": "Insufficient credit", "detail": "You have insufficient credit.", "status": 402},
     K.QUOTA),
    ("qwen", 400, {"code": "Arrearage", "message": "Access denied, account not in good standing."}, K.QUOTA),
    ("qwen", 401, {"code": "InvalidApiKey", "message": "No API-key provided.", "request_id": "r"}, K.BAD_KEY),
    ("qwen", 400, {"code": "DataInspectionFailed", "message": "Input data may contain inappropriate content."},
     K.CONTENT),
    ("qwen", 400, {"code": "InvalidParameter", "message": "Range of input length should be [1, 30720]"}, K.CONTEXT),
    ("qwen", 429, {"code": "Throttling.RateQuota", "message": "Requests rate limit exceeded."}, K.RATE_LIMITED),
    ("cloudflare", 403, {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}],
     "messages": [], "result": None}, K.BAD_KEY),
    ("cloudflare", 400, {"success": False, "errors": [{"code": 5007, "message": "No such model @cf/x or task"}]},
     K.NOT_FOUND),
    ("cloudflare", 429, {"success": False, "errors": [{"code": 3040, "message": "Capacity temporarily exceeded"}]},
     K.OVERLOADED),
    ("databricks", 404, {"error_code": "ENDPOINT_NOT_FOUND", "message": "The given endpoint does not exist."},
     K.NOT_FOUND),
    ("databricks", 403, {"error_code": "403", "message": "Invalid access token."}, K.BAD_KEY),
    ("databricks", 429, {"error_code": "REQUEST_LIMIT_EXCEEDED", "message": "Exceeded workspace rate limit."},
     K.RATE_LIMITED),
    ("hugging_face", 401, {"error": "Invalid username or password."}, K.BAD_KEY),
    ("hugging_face", 402, {"error": "You have exceeded your monthly included credits for Inference Providers."},
     K.QUOTA),
    ("tgi", 429, {"error": "Model is overloaded", "error_type": "overloaded"}, K.OVERLOADED),
    ("tgi", 422, {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096",
     "error_type": "validation"}, K.CONTEXT),
    ("hugging_face", 503, {"error": "Model x is currently loading", "estimated_time": 20.0}, K.OVERLOADED),
    ("voyage", 401, {"detail": "Provided API key is invalid."}, K.BAD_KEY),
    ("jina", 402, {"detail": "Account balance not enough to run this query."}, K.QUOTA),
    ("elevenlabs", 401, {"detail": {"status": "quota_exceeded", "message": "This request exceeds your quota."}},
     K.QUOTA),
    ("nvidia", 401, {"status": 401, "title": "Unauthorized", "detail": "Authentication failed"}, K.BAD_KEY),
    ("bedrock", 429, {"__type": "com.amazonaws#ThrottlingException", "message": "Too many requests"}, K.RATE_LIMITED),
    ("ollama", 404, {"error": "model 'x' not found"}, K.NOT_FOUND),
    ("xinference", 400, {"detail": "[address=0.0.0.0:1] Model not found, uid: x"}, K.NOT_FOUND),
    # with status 200
    ("minimax", 200, {"base_resp": {"status_code": 1004, "status_msg": "login fail"}}, K.BAD_KEY),
    ("minimax", 200, {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}, K.QUOTA),
    ("minimax", 200, {"base_resp": {"status_code": 1002, "status_msg": "rate limit"}}, K.RATE_LIMITED),
    ("minimax", 200, {"base_resp": {"status_code": 1026, "status_msg": "input new_sensitive"}}, K.CONTENT),
    ("minimax", 200, {"base_resp": {"status_code": 1039, "status_msg": "token limit"}}, K.CONTEXT),
    ("minimax", 200, {"choices": None, "base_resp": {"status_code": 1013, "status_msg": "internal"}}, K.OVERLOADED),
]  # fmt: skip
EVERY = pytest.mark.parametrize(
    ("status", "body", "kind"), [case[1:] for case in CASES], ids=[f"{case[0]}-{case[3]}" for case in CASES]
)


@EVERY
def test_a_vendors_error_is_known_for_what_it_is(status: int, body: Any, kind: RefusalKind) -> None:
    error = OPENAI.read_error(status, json.dumps(body).encode())
    assert error.kind is kind
    assert error.status >= 400
    assert "{" not in error.message, "a person reads words, not JSON"


@EVERY
def test_openais_sdk_raises_what_people_expect(status: int, body: Any, kind: RefusalKind) -> None:
    error = ANTHROPIC.read_error(status, json.dumps(body).encode())
    raised, code = OPENAIS[kind]
    read = openai_error(error.status, OPENAI.write_error(error, "req-1"))
    if error.status == 429 and kind in (K.QUOTA, K.OVERLOADED):
        raised = openai.RateLimitError  # the provider's own status says it well enough
    assert type(read) is raised
    assert not code or read.code in (code, error.upstream_code)
    assert read.code is None or read.code == read.code.lower() or not code
    assert error.message in str(read)


@EVERY
def test_anthropics_sdk_raises_what_people_expect(status: int, body: Any, kind: RefusalKind) -> None:
    error = OPENAI.read_error(status, json.dumps(body).encode())
    raised, type_ = ANTHROPICS[kind]
    read = anthropic_error(error.status, ANTHROPIC.write_error(error, "req-1"))
    assert isinstance(read, raised)
    assert read.body["error"]["type"] == type_


@pytest.mark.parametrize(
    "body",
    [
        {"choices": [{"message": {"content": "x"}}], "base_resp": {"status_code": 0, "status_msg": ""}},
        {"choices": [{"message": {"content": "x"}}], "error": None},
        {"success": True, "result": {}},
        [1],
        "text",
    ],
)
def test_a_real_answer_is_no_error(body: Any) -> None:
    assert refusal_in(json.dumps(body).encode()) is None


@pytest.mark.parametrize("body", [{"base_resp": {"status_code": 1004, "status_msg": "x"}}, {"error": {"message": "x"}},
                                  {"success": False, "errors": [{"message": "x"}]}])  # fmt: skip
def test_an_error_in_a_good_answer_is_found(body: Any) -> None:
    error = refusal_in(json.dumps(body).encode())
    assert error is not None
    assert (error.message, error.status >= 400) == ("x", True)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "Invalid 'max_tokens': integer below minimum value."),
        (400, "Invalid value for 'tool_choice'."),
        (422, "messages.0.role: Input should be 'user'"),
        (400, "`max_new_tokens` must be strictly positive"),
    ],
)
def test_an_ordinary_bad_request_stays_one(status: int, message: str) -> None:
    error = OPENAI.read_error(status, json.dumps({"error": {"message": message}}).encode())
    assert (error.status, error.kind) == (status, None)
