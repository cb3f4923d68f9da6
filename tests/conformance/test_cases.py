"""Every case of the table: each caller's dialect, each provider's dialect, whole and streamed, both kinds of client."""

import pytest

from tests.support.cases import CASE_IDS, CASES, Case
from tests.support.dialects import DIALECTS, ask, sayable, stop_of, usage_of
from tests.support.gateway import SIDES
from tests.support.sdks import Calls


def expected_stop(case: Case, caller: str, provider: str) -> str:
    """OpenAI's and Gemini's dialects say the same for a natural end and for a stop sequence: a caller of Anthropic's
    gets the end."""
    if case.stop == "stop_sequence" and provider in {"openai_chat", "gemini"}:
        return stop_of(caller, "end")
    return stop_of(caller, case.stop)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("provider", DIALECTS, ids=lambda name: f"to-{name}")
@pytest.mark.parametrize("caller", DIALECTS, ids=lambda name: f"from-{name}")
@pytest.mark.parametrize("case", CASES, ids=CASE_IDS)
async def test_a_conversation_comes_through(
    calls: Calls, case: Case, caller: str, provider: str, *, stream: bool
) -> None:
    if not sayable(case, caller, provider):
        pytest.skip("not sayable in one of these forms: tests/conformance/test_responses.py, test_gemini.py")
    seen = await ask(calls, caller, case, SIDES[provider].model, stream=stream)

    assert seen.text == case.text
    assert seen.reasoning == case.reasoning
    assert seen.calls == case.calls
    assert seen.stop == expected_stop(case, caller, provider)
    assert seen.usage is not None
    assert seen.usage == usage_of(case, caller, provider)
