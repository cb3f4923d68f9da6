"""`turnpike doctor`."""

import asyncio

from turnpike.cli.client import open_control
from turnpike.cli.configuration import load_settings
from turnpike.cli.doctor.catalog import catalog
from turnpike.cli.doctor.finding import Finding, State, problem
from turnpike.cli.doctor.folder import folder
from turnpike.cli.doctor.machine import machine
from turnpike.cli.doctor.server import running, server
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, cell
from turnpike.errors import ConfigurationError, TurnpikeError
from turnpike.settings import Settings

_MARK = {
    State.OK: "[green]ok[/green]     ",
    State.WARNING: "[yellow]look[/yellow]   ",
    State.PROBLEM: "[red]wrong[/red]  ",
}


def doctor(*, common: Common = DEFAULT) -> int:
    """Say what is wrong with an installation, and how to mend it."""
    try:
        settings = load_settings(common)
    except ConfigurationError as error:
        findings = [problem("settings", error.message, "docs/settings.md has every setting")]
    else:
        findings = asyncio.run(_examine(settings))
    wrong = any(one.state is State.PROBLEM for one in findings)
    lines = [line for one in findings for line in _lines(one)]
    verdict = "Something is wrong; see above." if wrong else "Nothing is wrong."
    Output(common).result({"healthy": not wrong, "findings": findings}, *lines, "", verdict)
    return 1 if wrong else 0


async def _examine(settings: Settings) -> list[Finding]:
    findings = [*machine(settings), *folder(settings)]
    if any(one.check == "data folder" and one.state is State.PROBLEM for one in findings):
        return findings
    found = running(settings)
    findings += await server(settings, found)
    if found is not None or _may_be_opened(settings, findings):
        findings += await _catalog(settings)
    return findings


def _may_be_opened(settings: Settings, findings: list[Finding]) -> bool:
    """Opening a folder that no server uses would make or migrate its database: it must be there, and be new enough."""
    states = {one.check: one.state for one in findings}
    used = settings.lock_file.exists() and settings.secrets_file.exists()
    return used and states.get("database") is State.OK and states.get("secrets") is State.OK


async def _catalog(settings: Settings) -> list[Finding]:
    try:
        async with open_control(settings, wait_s=2.0) as control:
            return await catalog(control)
    except TurnpikeError as error:
        return [problem("control", error.message, "mend what is above first; then look at the server's log")]


def _lines(one: Finding) -> list[str]:
    lines = [f"{_MARK[one.state]} {one.check}: {cell(one.says)}"]
    if one.remedy is not None:
        lines.append(f"         -> {cell(one.remedy)}")
    return lines
