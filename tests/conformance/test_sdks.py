"""Whatever SDK a person holds works with nothing changed but base URL and key, at providers of every dialect.

A table: each SDK with the dialect that it speaks, what it can do, and the exceptions its users expect. A row of
`DOINGS` is checked for every SDK that has a function for it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from tests.support.cases import GREETING
from tests.support.clients import NODE_PROGRAM, ClientCase, Result, command_of, run_clients
from tests.support.gateway import COHERE_EMBEDDING_MODEL, EMBEDDING_MODEL, SIDES, RunningGateway, wait_for
from turnpike.simulator.dialects.openai_audio import spoken

PROVIDERS = ("openai_chat", "anthropic_messages", "cohere_chat")
CONVERSING = ("chat", "stream", "tools", "structured")
STATUS = {"bad-key": 401, "unknown-model": 404, "rate-limit": 429, "context": 400}
"""Of the errors that every SDK meets, the status that the gateway answers."""


@dataclass(frozen=True)
class Sdk:
    name: str
    program: str
    dialect: str
    raises: tuple[str, str, str, str]
    """For a bad key, an unknown model, a rate limit and a context too long."""
    embeds: tuple[str, ...] = ()
    """Models that it gets embeddings of."""
    media: tuple[str, ...] = ()
    """Of what is no conversation."""
    more: tuple[str, ...] = ()
    models: tuple[tuple[str, str], ...] = ()
    """By provider, names that it insists on."""
    providers: tuple[str, ...] = PROVIDERS
    troubles: tuple[str, ...] = tuple(STATUS)

    def model(self, provider: str) -> str:
        return dict(self.models).get(provider, SIDES[provider].model)


def _of(package: str) -> tuple[str, str, str, str]:
    kinds = ("AuthenticationError", "NotFoundError", "RateLimitError", "BadRequestError")
    first, second, third, fourth = (f"{package}.{kind}" for kind in kinds)
    return first, second, third, fourth


COHERE_ERRORS = (
    "cohere.UnauthorizedError", "cohere.NotFoundError", "cohere.TooManyRequestsError", "cohere.BadRequestError",
)  # fmt: skip
LITELLM_ERRORS = (*_of("litellm")[:3], "litellm.ContextWindowExceededError")
AI_SDK_ERRORS = ("status 401", "status 404", "status 429", "status 400")
CLAUDES = (
    ("openai_chat", "claude-sonnet-4-5-20250929"),
    ("anthropic_messages", "claude-haiku-4-5-20251001"),
    ("cohere_chat", "claude-opus-4-5-20251101"),
)
"""LlamaIndex knows Anthropic's models by name and takes no other: a name of the gateway's may be one of those."""
BOTH = (EMBEDDING_MODEL, COHERE_EMBEDDING_MODEL)
MEDIA = {
    "image": ("sim-openai", "dall-e-3-sdk", "image"),
    "speech": ("sim-openai", "tts-sdk", "audio"),
    "transcription": ("sim-openai", "whisper-sdk", "speech_to_text"),
    "rerank": (SIDES["cohere_chat"].slug, "rerank-sdk", "rerank"),
}
"""Provider, model (the SDKs go by names) and capability of each."""
OPERATIONS = {"image": "image_generation"}
OPENAI_MEDIA = ("image", "speech", "transcription")

SDKS: tuple[Sdk, ...] = (
    Sdk("cohere", "cohere_sdk", "cohere_chat", COHERE_ERRORS, BOTH, ("rerank",), ("stream_tools",)),
    # Its type of an embeddings answer has an id, which answers of OpenAI's own have not.
    Sdk("mistral", "mistral_sdk", "openai_chat", ("mistralai.SDKError",) * 4, (COHERE_EMBEDDING_MODEL,)),
    Sdk("langchain-openai", "langchain_sdk", "openai_chat", _of("openai"), BOTH),
    Sdk("langchain-anthropic", "langchain_sdk", "anthropic_messages", _of("anthropic")),
    Sdk("langchain-mistralai", "langchain_sdk", "openai_chat", ("httpx.HTTPStatusError",) * 4, BOTH),
    Sdk("langchain-cohere", "langchain_sdk", "cohere_chat", COHERE_ERRORS),
    Sdk("llama-index-openai", "llama_index_sdk", "openai_chat", _of("openai"), BOTH),
    Sdk("llama-index-anthropic", "llama_index_sdk", "anthropic_messages", _of("anthropic"), models=CLAUDES),
    Sdk("litellm-openai", "litellm_sdk", "openai_chat", LITELLM_ERRORS, BOTH, OPENAI_MEDIA),
    Sdk("litellm-anthropic", "litellm_sdk", "anthropic_messages", LITELLM_ERRORS),
    # A process for each case, slow to start: one provider will do, the form is that of the SDK above.
    Sdk(
        "llm",
        "llm_command",
        "openai_chat",
        ("__main__.LlmCommandFailed",) * 4,
        providers=("anthropic_messages",),
        troubles=("bad-key", "unknown-model"),
    ),
    Sdk("ai-sdk-openai", NODE_PROGRAM, "openai_chat", AI_SDK_ERRORS, BOTH, OPENAI_MEDIA),
    Sdk("ai-sdk-openai-responses", NODE_PROGRAM, "openai_responses", AI_SDK_ERRORS),
    Sdk("ai-sdk-google", NODE_PROGRAM, "gemini", AI_SDK_ERRORS, (EMBEDDING_MODEL,)),
    Sdk("ai-sdk-openai-compatible", NODE_PROGRAM, "openai_chat", AI_SDK_ERRORS, BOTH),
    Sdk("ai-sdk-anthropic", NODE_PROGRAM, "anthropic_messages", AI_SDK_ERRORS),
)
BY_NAME = {sdk.name: sdk for sdk in SDKS}


def _table() -> list[Any]:
    """SDK, what it does, and the provider or model that it does it at; one worker runs a program's."""
    rows: list[tuple[Sdk, str, str]] = []
    for sdk in SDKS:
        rows += [(sdk, doing, provider) for doing in (*CONVERSING, *sdk.more) for provider in sdk.providers]
        rows += [(sdk, "embeddings", model) for model in sdk.embeds]
        rows += [(sdk, doing, MEDIA[doing][1]) for doing in sdk.media]
        rows += [(sdk, "error", trouble) for trouble in sdk.troubles]
    return [
        pytest.param(sdk.name, doing, where, id=f"{sdk.name}-{doing}-{where}",
                     marks=pytest.mark.xdist_group(f"sdk-{sdk.program}"))
        for sdk, doing, where in rows
    ]  # fmt: skip


class Answers:
    """What every program answered, each run when it is first asked for; and the key that a case had to itself."""

    def __init__(self, gateway: RunningGateway) -> None:
        self._gateway = gateway
        self.keys: dict[str, str] = {}
        """Ids, by the case's name."""
        self.of = cache(self._run)
        self._added: set[str] = set()

    def _run(self, program: str) -> dict[str, Result]:
        command_of(program)  # a program that is not installed is skipped for each of its cases, before anything is made
        cases: list[ClientCase] = []
        for sdk in SDKS:
            if sdk.program == program:
                self._register(sdk)
                cases += [
                    self._case(sdk, doing, sdk.model(provider), provider)
                    for doing in (*CONVERSING, *sdk.more)
                    for provider in sdk.providers
                ]
                cases += [self._case(sdk, "embeddings", model, model) for model in sdk.embeds]
                cases += [self._case(sdk, doing, MEDIA[doing][1], MEDIA[doing][1]) for doing in sdk.media]
                cases += [self._error(sdk, trouble) for trouble in sdk.troubles]
        return run_clients(program, cases)

    def _register(self, sdk: Sdk) -> None:
        """Names that the SDK insists on, and models that fail for it alone."""
        add = self._gateway.add_model
        for provider, name in sdk.models:
            add(SIDES[provider].slug, name, f"simulator-as-{name}")
        for slug, name, capability in (MEDIA[doing] for doing in sdk.media):
            if name not in self._added:
                self._added.add(name)
                add(slug, name, name, capabilities=[capability])
        for trouble in ("rate-limit", "context"):
            add(SIDES["anthropic_messages"].slug, _failing(sdk, trouble), f"sim/error={trouble},key={sdk.name}")

    def _key(self, name: str) -> str:
        made = self._gateway.api("POST", "/keys", {"name": name})
        self.keys[name] = made["id"]
        return made["key"]

    def _case(self, sdk: Sdk, doing: str, model: str, where: str) -> ClientCase:
        name = f"{sdk.name}/{doing}/{where}"
        return ClientCase(name, sdk.name, doing, self._gateway.url, self._key(name), model)

    def _error(self, sdk: Sdk, trouble: str) -> ClientCase:
        name = f"{sdk.name}/error/{trouble}"
        key = "tp-nobody-ever-had-this-key-0001" if trouble == "bad-key" else self._key(name)
        usual = sdk.models[0][1] if sdk.models else SIDES["openai_chat"].model
        unknown = "claude-sonnet-4-6" if sdk.models else "no-model-of-this-name"
        model = {"bad-key": usual, "unknown-model": unknown}.get(trouble) or _failing(sdk, trouble)
        return ClientCase(name, sdk.name, "chat", self._gateway.url, key, model)


def _failing(sdk: Sdk, trouble: str) -> str:
    """An SDK that takes Anthropic's names only gets two of those."""
    if sdk.models:
        return {"rate-limit": "claude-sonnet-4-20250514", "context": "claude-opus-4-1-20250805"}[trouble]
    return f"{trouble}-for-{sdk.name}"


@pytest.fixture(scope="session")
def answers(gateway: RunningGateway) -> Answers:
    return Answers(gateway)


# ---- what must come out


def _chat(result: Result) -> None:
    assert result["text"] == f"{GREETING} You said: hello"
    assert result.get("usage") in (None, [1, 12])


def _stream(result: Result) -> None:
    _chat(result)
    assert result.get("pieces", 12) == 12, "a piece for each word, as the provider sent them"


def _tools(result: Result) -> None:
    assert result["calls"] == [["get_weather", {"city": "simulated city"}]]
    assert "get_weather returned: " in result["text"]
    assert "sunny in simulated city" in result["text"]


def _stream_tools(result: Result) -> None:
    assert result["calls"] == [["get_weather", {"city": "simulated city"}]]


def _structured(result: Result) -> None:
    assert result["value"] == {"name": "simulated name", "age": 7}


def _embeddings(result: Result) -> None:
    assert [len(vector) for vector in result["vectors"]] == [256, 256]
    assert result.get("usage") in (None, [4, 0])


def _image(result: Result) -> None:
    assert bytes.fromhex(result["begins"]) == b"\x89PNG"


def _speech(result: Result) -> None:
    assert result["bytes"] == len(spoken("hello"))


def _transcription(result: Result) -> None:
    assert result["text"] == "The simulator heard 16044 bytes of sound."


def _rerank(result: Result) -> None:
    assert result["order"] == [1, 0]


DOINGS: dict[str, Callable[[Result], None]] = {
    "chat": _chat,
    "stream": _stream,
    "tools": _tools,
    "stream_tools": _stream_tools,
    "structured": _structured,
    "embeddings": _embeddings,
    "image": _image,
    "speech": _speech,
    "transcription": _transcription,
    "rerank": _rerank,
}


def check_error(sdk: Sdk, trouble: str, result: Result) -> None:
    expected = dict(zip(STATUS, sdk.raises, strict=True))[trouble]
    assert "raised" in result, result
    assert expected in result["raised"], result["trace"]
    if expected in {"mistralai.SDKError", "httpx.HTTPStatusError", "__main__.LlmCommandFailed"}:
        assert str(STATUS[trouble]) in result["message"], "one exception for all: its status tells"


@pytest.mark.parametrize(("name", "doing", "where"), _table())
def test_an_sdk_works_unmodified(answers: Answers, gateway: RunningGateway, name: str, doing: str, where: str) -> None:
    sdk = BY_NAME[name]
    case = f"{name}/{doing}/{where}"
    result = answers.of(sdk.program)[case]
    if doing == "error":
        check_error(sdk, where, result)
        return
    assert "raised" not in result, f"{result['message']}\n{result['trace']}"
    DOINGS[doing](result)
    check_ledger(gateway, sdk, doing, where, answers.keys[case], result)


def check_ledger(gateway: RunningGateway, sdk: Sdk, doing: str, where: str, key_id: str, result: Result) -> None:
    """Every call that the SDK made is a row with the right usage."""
    wanted = 2 if doing == "tools" else 1
    rows = wait_for(
        f"{wanted} rows of {sdk.name} {doing} {where}",
        lambda: found if len(found := gateway.api("GET", "/ledger", key_id=key_id)) >= wanted else None,
    )
    assert {row["status"] for row in rows} == {200}, rows
    if doing in MEDIA:
        assert [row["operation"] for row in rows] == [OPERATIONS.get(doing, doing)]
        return
    assert {row["usage_source"] for row in rows} == {"reported"}
    outputs = sorted(row["output_tokens"] for row in rows)
    if doing == "embeddings":
        assert (rows[0]["operation"], rows[0]["input_tokens"], outputs) == ("embeddings", 4, [0])
        return
    assert {(row["dialect_in"], row["dialect_out"]) for row in rows} == {(sdk.dialect, where)}
    if doing in {"chat", "stream"}:
        assert (rows[0]["input_tokens"], outputs) == (1, [12])
    elif doing == "tools":
        assert outputs[0] == 5, "a call is five tokens"
        assert sum(outputs) > 5 + len(GREETING.split()), json.dumps(rows)


@pytest.mark.xdist_group("sdk-cohere_sdk")
def test_documents_are_cited(gateway: RunningGateway) -> None:
    key = gateway.create_key("cites")
    case = ClientCase("cites", "cohere", "documents", gateway.url, key, SIDES["cohere_chat"].model)
    result = run_clients("cohere_sdk", [case])["cites"]

    assert (result["cited"], result["source"]) == (GREETING, "doc:0")
