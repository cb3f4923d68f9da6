"""What the simulator answers to a conversation: the same words, calls and figures every time, in no dialect yet."""

import hashlib
import itertools
from enum import Enum

import msgspec

from turnpike.simulator import tokens
from turnpike.simulator.conversation import (
    DEFAULT_THINKING_WORDS,
    Conversation,
    Directives,
    Tool,
    ToolCall,
    directives_of,
)
from turnpike.simulator.instances import instance
from turnpike.wire.types.usage import Usage

ECHO_WORDS = 50
SOURCE_URL = "https://example.com/simulated"
SOURCE_TITLE = "A simulated page"
GREETING = "This is the Turnpike simulator, not a real model."
_FILLER = ["Turnpike", "simulator", "says", "word", "after", "word", "as", "it", "was", "asked"]
_THINKING = ["The", "Turnpike", "simulator", "pretends", "to", "think", "step", "by", "step"]


class Stop(Enum):
    END = "end"
    LENGTH = "length"
    SEQUENCE = "sequence"
    TOOLS = "tools"
    FILTER = "filter"
    REFUSAL = "refusal"


class Reply(msgspec.Struct):
    """One choice. `thinking` and `text` are tokens that join to the exact text."""

    thinking: list[str]
    text: list[str]
    calls: list[ToolCall]
    stop: Stop
    stop_sequence: str | None = None
    hidden_thinking: bool = False
    cites: bool = False
    """Its first sentence, the greeting, rests on `SOURCE_URL`."""

    def output_tokens(self) -> int:
        return len(self.thinking) + len(self.text) + tokens.CALL_TOKENS * len(self.calls)


class Answered(msgspec.Struct):
    replies: list[Reply]
    usage: Usage


def answer(conversation: Conversation, choices: int = 1) -> Answered:
    directives = directives_of(conversation.last_prompt())
    replies = [_reply(conversation, directives, choice) for choice in range(choices)]
    return Answered(replies, _usage(conversation, directives, replies))


def _usage(conversation: Conversation, directives: Directives, replies: list[Reply]) -> Usage:
    total = conversation.input_tokens()
    read = min(directives.cached, total)
    write = min(directives.cache_write, total - read)
    write_1h = min(directives.cache_write_1h, total - read - write)
    return Usage(
        input_tokens=total,
        output_tokens=sum(reply.output_tokens() for reply in replies),
        cache_read_tokens=read,
        cache_write_tokens=write,
        cache_write_1h_tokens=write_1h,
        reasoning_tokens=sum(len(reply.thinking) for reply in replies),
    )


def _reply(conversation: Conversation, directives: Directives, choice: int) -> Reply:
    thinking = _thinking(conversation, directives)
    calls = _calls(conversation, directives, choice)
    if directives.refuse or directives.filter:
        stop = Stop.REFUSAL if directives.refuse else Stop.FILTER
        text = f"{GREETING} It declines, as it was asked to." if directives.refuse else GREETING
        return _limited(conversation, Reply(thinking, tokens.pieces(text), [], stop, None, directives.hidden))
    text = "" if calls and not directives.with_text else _text(conversation, directives, choice)
    text, sequence = _stopped(text, conversation.stops)
    stop = Stop.SEQUENCE if sequence is not None else Stop.TOOLS if calls else Stop.END
    if sequence is not None:
        calls = []
    cites = directives.cite and text.startswith(GREETING)
    reply = Reply(thinking, tokens.pieces(text), calls, stop, sequence, directives.hidden, cites)
    return _limited(conversation, reply)


def _limited(conversation: Conversation, reply: Reply) -> Reply:
    """The output limit is spent on thinking first, then text, then whole tool calls."""
    limit = conversation.max_tokens
    if limit is None or reply.output_tokens() <= limit:
        return reply
    thinking = reply.thinking[:limit]
    text = reply.text[: limit - len(thinking)]
    calls = reply.calls[: (limit - len(thinking) - len(text)) // tokens.CALL_TOKENS]
    cites = reply.cites and "".join(text).startswith(GREETING)
    return Reply(thinking, text, calls, Stop.LENGTH, None, reply.hidden_thinking, cites)


def _repeat(words: list[str], length: int) -> list[str]:
    chosen = itertools.islice(itertools.cycle(words), length)
    return [word if position == 0 else f" {word}" for position, word in enumerate(chosen)]


def _thinking(conversation: Conversation, directives: Directives) -> list[str]:
    if conversation.think is False or (directives.think is None and not conversation.think):
        return []
    length = DEFAULT_THINKING_WORDS if directives.think is None else directives.think
    if conversation.think_budget is not None:
        length = min(length, conversation.think_budget)
    return _repeat(_THINKING, length)


def _stopped(text: str, stops: list[str]) -> tuple[str, str | None]:
    """The text up to the first stop sequence in it, and which one that was."""
    found = [(position, stop) for stop in stops if stop and (position := text.find(stop)) >= 0]
    if not found:
        return text, None
    position, stop = min(found)
    return text[:position], stop


# ---- text


def _text(conversation: Conversation, directives: Directives, choice: int) -> str:
    if conversation.schema is not None:
        return msgspec.json.format(msgspec.json.encode(instance(conversation.schema)), indent=0).decode()
    if conversation.any_json:
        value = {"simulator": GREETING, "prompt": directives.rest}
        return msgspec.json.format(msgspec.json.encode(value), indent=0).decode()
    if directives.words is not None:
        return "".join(_repeat(_FILLER, directives.words))
    sentences = [GREETING, *_about(conversation), _echo(directives.rest)]
    if choice:
        sentences.append(f"(Choice {choice + 1}.)")
    return " ".join(sentences)


def _about(conversation: Conversation) -> list[str]:
    """What the simulator noticed beside the prompt, so that a reader sees what arrived."""
    said: list[str] = []
    if any(text.strip() for text in conversation.system):
        said.append(f"Your system prompt: {_shortened(' '.join(conversation.system))}")
    if conversation.user_turns() > 1:
        said.append(f"This is turn {conversation.user_turns()}.")
    attached = [one for turn in conversation.turns for one in turn.attachments]
    if attached:
        said.append(f"You attached {len(attached)}: {', '.join(attached)}.")
    for result in conversation.pending_results():
        verb = "failed with" if result.failed else "returned"
        said.append(f"Tool {result.name} {verb}: {_shortened(result.text)}")
    return said


def _echo(prompt: str) -> str:
    return f"You said: {_shortened(prompt)}" if prompt else "You said nothing."


def _shortened(text: str) -> str:
    words = text.split()
    return " ".join(words) if len(words) <= ECHO_WORDS else " ".join(words[:ECHO_WORDS]) + "…"


# ---- tool calls


def _calls(conversation: Conversation, directives: Directives, choice: int) -> list[ToolCall]:
    offered = conversation.tools
    if not offered or not conversation.may_call:
        return []
    if conversation.forced is None and (not directives.tools or conversation.pending_results()):
        return []
    chosen = _chosen(conversation, directives)
    if not conversation.parallel:
        chosen = chosen[:1]
    return [_call(conversation, tool, index, choice) for index, tool in enumerate(chosen)]


def _chosen(conversation: Conversation, directives: Directives) -> list[Tool]:
    offered = conversation.tools
    by_name = {tool.name: tool for tool in offered}
    if conversation.forced not in {None, "*"}:
        forced = by_name[conversation.forced or ""]
        return [forced] * max(1, len(directives.tools))
    wanted = directives.tools or [""]
    return [by_name.get(name) or offered[index % len(offered)] for index, name in enumerate(wanted)]


def _call(conversation: Conversation, tool: Tool, index: int, choice: int) -> ToolCall:
    arguments = instance(tool.schema or {"type": "object"})
    seed = f"{conversation.digest}/{choice}/{index}/{tool.name}"
    identifier = hashlib.blake2b(seed.encode(), digest_size=12).hexdigest()
    return ToolCall(identifier, tool.name, msgspec.json.encode(arguments).decode())
