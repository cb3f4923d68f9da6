"""`turnpike serve`: the supervisor, and the first steps of a newcomer.

What is imported here is on the way to the first answered request. Control's client and the first steps are imported
while the programs start, when this process has nothing else to do.
"""

import asyncio
import sys
from importlib import import_module
from typing import Annotated

from cyclopts import Parameter

from turnpike.cli.configuration import load_settings
from turnpike.cli.options import DEFAULT, Common
from turnpike.kit.logs import Log, open_log
from turnpike.settings import LogFormat, Settings
from turnpike.supervisor.run import run
from turnpike.supervisor.server import Server


def serve(
    *,
    host: Annotated[str | None, Parameter(help="Address to listen on. Default: TURNPIKE_HOST, else 127.0.0.1.")] = None,
    port: Annotated[
        int | None, Parameter(help="Port to listen on; 0 takes a free one. Default: TURNPIKE_PORT, else 8080.")
    ] = None,
    relays: Annotated[int | None, Parameter(help="Relay processes. Default: TURNPIKE_RELAYS, else one a core.")] = None,
    yes: Annotated[
        bool, Parameter(negative="", show_default=False, help="Register the providers that are found, unasked.")
    ] = False,
    common: Common = DEFAULT,
) -> int:
    """Run the gateway."""
    settings = _with_log_format(load_settings(common, host=host, port=port, relays=relays), as_json=common.json)
    log = open_log("supervisor", settings.log_level, settings.log_format.value)
    return asyncio.run(_serve(settings, log, yes=yes, common=common))


def _with_log_format(settings: Settings, *, as_json: bool) -> Settings:
    """`auto` is decided here, for every program alike."""
    wish = settings.log_format
    if as_json:
        wish = LogFormat.JSON
    elif wish is LogFormat.AUTO:
        wish = LogFormat.CONSOLE if sys.stderr.isatty() else LogFormat.JSON
    return settings.model_copy(update={"log_format": wish})


async def _serve(settings: Settings, log: Log, *, yes: bool, common: Common) -> int:
    server = Server(settings, log)
    simulator_port: int | None = None

    def when_started(server: Server) -> None:
        nonlocal simulator_port
        simulator_port = import_module("turnpike.cli.first_run.simulated").start_again(server)
        import_module("turnpike.cli.first_run.steps")

    async def when_ready(server: Server) -> None:
        steps = import_module("turnpike.cli.first_run.steps")
        welcome = import_module("turnpike.cli.first_run.welcome")
        command = welcome.Command(welcome.command_name(), common.data_dir)
        await steps.first_steps(server, steps.Wishes(yes, common.json, command), simulator_port)

    return await run(server, when_started=when_started, when_ready=when_ready)
