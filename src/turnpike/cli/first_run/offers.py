"""Asks which of the providers found shall be registered, and registers those."""

from turnpike.cli.client import Control
from turnpike.cli.first_run.discovery import Offer
from turnpike.cli.first_run.terminal import ask
from turnpike.cli.registration import register
from turnpike.errors import TurnpikeError
from turnpike.kit.logs import Log


def chosen(answer: str | None, offers: list[Offer]) -> list[Offer] | None:
    """Enter or yes: all. `n`: none. `1,3`: those. None: not understood."""
    wish = (answer or "").lower() if answer is not None else "n"
    if wish in ("", "y", "yes", "a", "all"):
        return list(offers)
    if wish in ("n", "no", "none"):
        return []
    numbers = wish.replace(",", " ").split()
    if not all(number.isdecimal() and 1 <= int(number) <= len(offers) for number in numbers):
        return None
    return [offers[index] for index in sorted({int(number) - 1 for number in numbers})]


async def ask_which(offers: list[Offer]) -> list[Offer]:
    lines = [f"  {number}  {offer.title:<14} {offer.where}" for number, offer in enumerate(offers, 1)]
    question = (
        "\nFound on this machine:\n" + "\n".join(lines) + "\n"
        "Register as providers, with their models? [Enter: all, numbers such as 1,2: those, n: none] "
    )
    while True:
        taken = chosen(await ask(question), offers)
        if taken is not None:
            return taken
        question = f"Please answer with Enter, n, or numbers from 1 to {len(offers)}: "


async def take(offers: list[Offer], control: Control, log: Log) -> int:
    """Registers them, one failing without the others. Returns how many are there now."""
    registered = 0
    for offer in offers:
        try:
            done = await register(control, offer.provider)
        except TurnpikeError as error:
            log.warning("provider not registered", provider=offer.title, error=error.message)
            continue
        registered += 1
        if done.problem is None:
            log.info("provider registered", provider=offer.title, models=done.models)
        else:
            log.warning("provider registered without its models", provider=offer.title, error=done.problem)
    return registered
