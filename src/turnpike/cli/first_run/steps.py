"""The first steps in their order, once a server is ready."""

import sys
from dataclasses import dataclass
from typing import Any

from turnpike.cli.client import Control, over_socket
from turnpike.cli.first_run import simulated, welcome
from turnpike.cli.first_run.discovery import Offer, offers_from_environment, offers_from_loopback
from turnpike.cli.first_run.memory import Memory, recall, remember
from turnpike.cli.first_run.offers import ask_which, take
from turnpike.cli.first_run.terminal import can_ask
from turnpike.cli.output import print_json
from turnpike.cli.registration import MODELS, PROVIDERS
from turnpike.errors import TurnpikeError
from turnpike.supervisor.server import Server
from turnpike.wire.vendors import VENDORS


@dataclass(frozen=True)
class Wishes:
    """How `serve` was called."""

    yes: bool
    json: bool
    command: welcome.Command


@dataclass(frozen=True)
class Known:
    """What is registered, as far as control could say."""

    providers: list[dict[str, Any]]
    model: str | None
    """One that can chat."""
    link: str | None = None
    complete: bool = True
    """False when control could not be asked: the database is away, say."""


async def first_steps(server: Server, wishes: Wishes, simulator_port: int | None) -> None:
    """`simulator_port`: where the simulator of an earlier start was started again, if it was."""
    try:
        known = await _register_and_look(server, wishes, simulator_port)
    except (TurnpikeError, OSError) as error:
        # Whoever started the server is told all the same where it is.
        server.log.warning("the first steps failed; the server goes on", error=str(error))
        known = Known([], None, complete=False)
    _welcome(server, wishes, known)


async def _register_and_look(server: Server, wishes: Wishes, simulator_port: int | None) -> Known:
    """Raises what control answers, or OSError."""
    async with over_socket(server.settings) as control:
        memory = recall(server.settings)
        if simulator_port is not None:
            memory = await simulated.keep_registered(server, control, memory, simulator_port)
        providers = await control.rows(PROVIDERS)
        if all(simulated.is_own(row, server.settings) for row in providers):
            taken = await _offer(server, control, wishes, memory)
            memory = recall(server.settings)
            if not taken and not providers and _may_simulate(server):
                await simulated.start_first(server, control, memory)
        link = await _first_link(server, control, wishes)
        return Known(await control.rows(PROVIDERS), await _model_to_try(control), link)


async def _first_link(server: Server, control: Control, wishes: Wishes) -> str | None:
    """Together with the first key, and only where a person reads it: a log is no place for it."""
    settings = server.settings
    if wishes.json or not settings.local_accounts or not settings.first_key_file.exists() or not sys.stdout.isatty():
        return None
    made = (await control.post("/api/v1/auth/links")).data
    return f"{settings.public_url or server.url}{made['path']}"


def _may_simulate(server: Server) -> bool:
    return server.settings.simulator and not server.settings.is_production


async def _offer(server: Server, control: Control, wishes: Wishes, memory: Memory) -> int:
    """Returns how many providers were registered."""
    vendors = VENDORS.values()
    own_ports = {server.port} | ({memory.simulator.port} if memory.simulator else set())
    offers = offers_from_environment(vendors) + await offers_from_loopback(vendors, own_ports)
    if wishes.yes:
        return await take(offers, control, server.log)
    new = [offer for offer in offers if offer.id not in memory.declined]
    if new and not wishes.json and can_ask():
        wanted = await ask_which(new)
        declined = [offer.id for offer in new if offer not in wanted]
        remember(server.settings, Memory([*memory.declined, *declined], memory.simulator))
        return await take(wanted, control, server.log)
    _name(offers, server, wishes)
    return 0


def _name(offers: list[Offer], server: Server, wishes: Wishes) -> None:
    for offer in offers:
        server.log.info(
            "provider found, not registered",
            provider=offer.title,
            where=offer.where,
            command=wishes.command.line(offer.command),
        )


def _welcome(server: Server, wishes: Wishes, known: Known) -> None:
    settings = server.settings
    providers = known.providers
    facts = welcome.Facts(
        url=settings.public_url or server.url,
        data_dir=settings.data_dir.resolve(),
        first_key_file=settings.first_key_file,
        model=known.model,
        simulated=bool(providers) and all(row["vendor"] == "simulator" for row in providers),
        command=wishes.command,
        link=known.link,
        complete=known.complete,
    )
    if wishes.json:
        print_json(_as_json(server, facts, providers))
        sys.stdout.flush()
    elif sys.stdout.isatty():
        key = welcome.take_first_key(settings.first_key_file)
        sys.stdout.write(welcome.for_a_person(facts, key))
        sys.stdout.flush()
    else:
        welcome.for_the_log(facts, server.log)


def _as_json(server: Server, facts: welcome.Facts, providers: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "url": facts.url,
        "port": server.port,
        "data_dir": str(facts.data_dir),
        "first_key_file": str(facts.first_key_file) if facts.first_key_file.exists() else None,
        "model": facts.model,
        "simulated": facts.simulated,
        "providers": [row["slug"] for row in providers],
    }


async def _model_to_try(control: Control) -> str | None:
    """A model that can chat; one with a price before one without, so that the first row of the ledger has a cost."""
    rows = (await control.get(MODELS, capability="chat", is_active="true", per_page=100)).data
    rows.sort(key=lambda row: row.get("priced") is not True)
    return rows[0]["name"] if rows else None
