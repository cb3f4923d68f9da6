"""Every case of the table: each caller's dialect, each provider's dialect, whole and streamed, both kinds of client."""

from dataclasses import replace

import pytest

from tests.support.cases import CASE_IDS, CASES, Case, Usage
from tests.support.dialects import DIALECTS, ask, stop_of
from tests.support.gateway import SIDES
from tests.support.sdks import Calls


def expected_stop(case: Case, caller: str, provider: str) -> str:
    """OpenAI's and Gemini's dialects say the same for a natural end and for a stop sequence: a caller of Anthropic's
    gets the end."""
    if case.stop == "stop_sequence" and provider in {"openai_chat", "gemini"}:
        return stop_of(caller, "end")
    return stop_of(caller, case.stop)


def expected_usage(case: Case, caller: str, provider: str) -> Usage:
    """Gemini's form says nothing of what was written into a cache."""
    return replace(case.usage, cache_write=0) if "gemini" in {caller, provider} else case.usage


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("provider", DIALECTS, ids=lambda name: f"to-{name}")
@pytest.mark.parametrize("caller", DIALECTS, ids=lambda name: f"from-{name}")
@pytest.mark.parametrize("case", CASES, ids=CASE_IDS)
async def test_a_conversation_comes_through(
    calls: Calls, case: Case, caller: str, provider: str, *, stream: bool
) -> None:
    if case.parallel is False and "gemini" in {caller, provider}:
        pytest.skip("Gemini's form has no word for one call at a time: tests/conformance/test_gemini.py")
    seen = await ask(calls, caller, case, SIDES[provider].model, stream=stream)

    assert seen.text == case.text
    assert seen.reasoning == case.reasoning
    assert seen.calls == case.calls
    assert seen.stop == expected_stop(case, caller, provider)
    assert seen.usage is not None
    assert seen.usage == expected_usage(case, caller, provider)
