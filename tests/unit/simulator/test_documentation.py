"""docs/simulator.md says what the simulator does."""

import re
from pathlib import Path

import msgspec

from turnpike.simulator import DEFAULT_PORT, tokens
from turnpike.simulator.app import OPERATIONS
from turnpike.simulator.calls import KEPT_BODIES, KEPT_CALLS, CallRecord
from turnpike.simulator.conversation import DEFAULT_THINKING_WORDS, Conversation, Turn, directives_of
from turnpike.simulator.dialects.openai_embeddings import DEFAULT_DIMENSIONS
from turnpike.simulator.faults import FAULT_NAMES, parse
from turnpike.simulator.replies import ECHO_WORDS, answer

TEXT = (Path(__file__).parents[3] / "docs" / "simulator.md").read_text()


def rows(heading: str) -> list[str]:
    """First cells of the table below a heading."""
    section = TEXT.partition(f"# {heading}\n")[2].partition("\n#")[0]
    return [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("| `")]


def test_every_fault_has_its_row_and_every_example_can_be_read() -> None:
    listed = [word for cell in rows("Faults") for word in re.findall(r"`([^`]+)`", cell)]

    assert {word.partition("=")[0] for word in listed} == set(FAULT_NAMES)
    for word in listed:
        parse(word)


def test_every_steering_word_of_the_table_works() -> None:
    listed = [word for cell in rows("Words that steer it") for word in re.findall(r"`([^`]+)`", cell)]

    assert len(listed) >= 12
    for word in listed:
        assert directives_of(word).rest == "", word


def test_every_path_is_listed() -> None:
    for operation in OPERATIONS:
        path = operation.path.replace("*", "{id}")
        assert f"`{operation.method} {path}`" in TEXT


def test_the_figures_are_true() -> None:
    for figure in (tokens.IMAGE_TOKENS, tokens.TOOL_TOKENS, tokens.CALL_TOKENS):
        assert f"| {figure} |" in TEXT
    assert f"At most {ECHO_WORDS} words" in TEXT
    assert f"{DEFAULT_THINKING_WORDS} words of reasoning" in TEXT
    assert f"{DEFAULT_DIMENSIONS} dimensions" in TEXT
    assert f"{KEPT_CALLS:,} calls" in TEXT
    assert f"newest {KEPT_BODIES} calls" in TEXT
    assert f"127.0.0.1 and {DEFAULT_PORT}" in TEXT


def test_the_example_answer_is_true() -> None:
    reply = answer(Conversation("m", [], [Turn("user", ["hello"])], "digest")).replies[0]

    assert f"`{''.join(reply.text)}`" in TEXT


def test_the_example_of_the_log_is_a_record() -> None:
    example = TEXT.partition("```json\n")[2].partition("\n")[0]

    assert list(msgspec.json.decode(example)) == list(CallRecord.__struct_fields__)
    assert msgspec.json.decode(example, type=CallRecord).number == 1
