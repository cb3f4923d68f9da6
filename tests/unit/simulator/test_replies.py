"""The rules of the simulator's answers and figures that no case of the table shows."""

from hypothesis import given
from hypothesis import strategies as st

from turnpike.simulator import tokens
from turnpike.simulator.conversation import Conversation, Tool, Turn, directives_of
from turnpike.simulator.replies import ECHO_WORDS, GREETING, Stop, answer


def conversation(prompt: str, **more: object) -> Conversation:
    made = Conversation("m", [], [Turn("user", [prompt])], "digest")
    for name, value in more.items():
        setattr(made, name, value)
    return made


@given(st.text(max_size=200))
def test_pieces_join_to_the_text_and_are_as_many_as_its_words(text: str) -> None:
    pieces = tokens.pieces(text)

    assert "".join(pieces) == text
    assert len(pieces) == tokens.count(text) or not text.strip()


@given(st.text(max_size=200), st.integers(1, 30))
def test_no_answer_is_longer_than_its_limit(prompt: str, limit: int) -> None:
    answered = answer(conversation(prompt, max_tokens=limit, think=True))

    assert answered.usage.output_tokens <= limit
    assert (answered.replies[0].stop is Stop.LENGTH) == (answered.usage.output_tokens == limit) or limit >= 21


def test_every_ordinary_text_names_the_simulator() -> None:
    assert "".join(answer(conversation("anything")).replies[0].text).startswith(GREETING)
    assert "simulator" in "".join(answer(conversation("[words:5]")).replies[0].text)


def test_a_long_prompt_is_echoed_in_part() -> None:
    text = "".join(answer(conversation("word " * 500)).replies[0].text)

    assert text.count("word") == ECHO_WORDS
    assert text.endswith("…")


def test_an_exact_number_of_words_can_be_asked_for() -> None:
    for wanted in (0, 1, 25):
        assert answer(conversation(f"[words:{wanted}]")).usage.output_tokens == wanted


def test_limits_are_spent_on_thinking_first_and_never_on_half_a_call() -> None:
    tools = [Tool("t", {"type": "object"})]
    answered = answer(conversation("[think:4] [tools:2]", tools=tools, max_tokens=10)).replies[0]

    assert (len(answered.thinking), len(answered.calls), answered.stop) == (4, 1, Stop.LENGTH)


def test_tools_can_be_named_in_the_prompt() -> None:
    tools = [Tool("a", {}), Tool("b", {})]
    calls = answer(conversation("[tool:b] [tool:a] [tool:b]", tools=tools)).replies[0].calls

    assert [call.name for call in calls] == ["b", "a", "b"]
    assert len({call.id for call in calls}) == 3


def test_cached_figures_never_exceed_the_input() -> None:
    usage = answer(conversation("[cached:100] [cache-write:100]")).usage

    assert (usage.input_tokens, usage.cache_read_tokens, usage.cache_write_tokens) == (2, 2, 0)


def test_thinking_can_be_forbidden() -> None:
    assert answer(conversation("[think:4]", think=False)).usage.reasoning_tokens == 0


def test_unknown_words_in_brackets_are_ordinary_words() -> None:
    found = directives_of("see [1] and [note: x] [think:nonsense]")

    assert found.rest == "see [1] and [note: x]"
    assert found.think == 12
