"""Models that their vendors have shut down, and what each vendor names in their place.

Only for a better answer than "there is no such model": an installation's own aliases say what is done with a name.
"""

import msgspec


class Retired(msgspec.Struct, frozen=True, gc=False):
    on: str
    """The day of the shutdown, as announced: `2026-02-17`."""
    replaced_by: str


OPENAI_DEPRECATIONS = "https://platform.openai.com/docs/deprecations"
ANTHROPIC_DEPRECATIONS = "https://platform.claude.com/docs/en/about-claude/model-deprecations"

RETIRED: dict[str, Retired] = {
    # OPENAI_DEPRECATIONS
    "text-davinci-003": Retired("2024-01-04", "gpt-3.5-turbo-instruct"),
    "gpt-3.5-turbo-0301": Retired("2024-09-13", "gpt-3.5-turbo"),
    "gpt-3.5-turbo-0613": Retired("2024-09-13", "gpt-3.5-turbo"),
    "gpt-4-vision-preview": Retired("2024-12-06", "gpt-4o"),
    "gpt-4-32k": Retired("2025-06-06", "gpt-4o"),
    "gpt-4-32k-0613": Retired("2025-06-06", "gpt-4o"),
    "gpt-4.5-preview": Retired("2025-07-14", "gpt-4.1"),
    "o1-preview": Retired("2025-07-28", "o3"),
    "o1-mini": Retired("2025-10-27", "o4-mini"),
    "codex-mini-latest": Retired("2026-01-16", "gpt-5-codex-mini"),
    "chatgpt-4o-latest": Retired("2026-02-17", "gpt-5.1-chat-latest"),
    "computer-use-preview": Retired("2026-07-23", "gpt-5.4-mini"),
    "gpt-5-codex": Retired("2026-07-23", "gpt-5.4"),
    "gpt-5-chat-latest": Retired("2026-07-23", "gpt-5.3-chat-latest"),
    "gpt-5.2-chat-latest": Retired("2026-08-10", "gpt-5.5"),
    "gpt-5.3-chat-latest": Retired("2026-08-10", "gpt-5.5"),
    # ANTHROPIC_DEPRECATIONS
    "claude-instant-1.2": Retired("2024-11-06", "claude-haiku-4-5"),
    "claude-2.0": Retired("2025-07-21", "claude-sonnet-4-5"),
    "claude-2.1": Retired("2025-07-21", "claude-sonnet-4-5"),
    "claude-3-sonnet-20240229": Retired("2025-07-21", "claude-sonnet-4-5"),
    "claude-3-opus-20240229": Retired("2026-01-05", "claude-opus-4-1"),
}
