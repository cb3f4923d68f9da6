"""Rules of the cache at a relay of the tests' own, and what an answer says of it."""

from tests.support.relay_process import Stage
from tests.support.upstream import answer, completion
from turnpike.contract.caching import CacheClear, CacheRule, Caching
from turnpike.wire.types.usage import Usage

RULE = CacheRule("rule-1", 1)
ANSWERED = Usage(7, 3)


async def rules(stage: Stage, *given_rules: CacheRule, clears: tuple[CacheClear, ...] = ()) -> None:
    await stage.change(caching=Caching(given_rules, clears))


async def fresh_rule(stage: Stage, number: list[int] = [0], **facts: object) -> CacheRule:  # noqa: B006 - a counter
    """A rule that nothing was kept under yet, in force."""
    number[0] += 1
    rule = CacheRule(f"rule-{number[0]}", 1, **facts)  # pyright: ignore[reportArgumentType]
    await rules(stage, rule)
    return rule


def said(text: str) -> bytes:
    return answer(completion(text))


def cache_of(reply: object) -> str:
    return reply.headers["x-turnpike-cache"].partition(";")[0]  # pyright: ignore[reportAttributeAccessIssue]
