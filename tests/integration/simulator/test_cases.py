"""Every case of the table, straight at the simulator, with the vendors' own SDKs."""

import pytest

from tests.support.cases import CASE_IDS, CASES, Case
from tests.support.dialects import DIALECTS, ask, sayable, stop_of, usage_of
from tests.support.sdks import Calls


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("case", CASES, ids=CASE_IDS)
async def test_the_simulator_answers_as_documented(calls: Calls, case: Case, dialect: str, *, stream: bool) -> None:
    if not sayable(case, dialect):
        pytest.skip("not sayable in this form")
    seen = await ask(calls, dialect, case, "simulator", stream=stream)

    assert seen.text == case.text
    assert seen.reasoning == case.reasoning
    assert seen.calls == case.calls
    assert seen.stop == stop_of(dialect, case.stop)
    assert seen.usage == usage_of(case, dialect)
