"""The tree of commands, and the one place where their failures become exit codes."""

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from turnpike import __version__
from turnpike.cli.failures import INTERRUPTED, USAGE, fail, say
from turnpike.errors import TurnpikeError

HELP = """One road to every AI model: a self-hosted AI gateway.

A first start:

    turnpike serve

Every command works on one installation, the data folder: through the running server, or on the folder itself while
none runs.
"""

GROUPS: dict[str, str] = {
    "keys": "API keys: who may call, and what.",
    "providers": "Where models come from.",
    "models": "What callers can ask for.",
    "ledger": "What was called, by whom, and what it cost.",
    "db": "The database.",
    "secrets": "The keys that encrypt secrets at rest.",
}

COMMANDS: dict[str, tuple[str, str]] = {
    "serve": ("serve:serve", "Run the gateway."),
    "simulate": ("simulate:simulate", "Run a simulated provider, to try things without a model or a cost."),
    "keys create": ("keys:create", "Make an API key and show it once."),
    "keys list": ("keys:list_keys", "List API keys."),
    "keys revoke": ("keys:revoke", "Make an API key unknown, within a second, for good."),
    "keys rotate": ("keys:rotate", "Replace an API key; the old one works on for a grace period."),
    "providers add": ("providers:add", "Register a provider and its models."),
    "providers list": ("providers:list_providers", "List providers."),
    "providers test": ("providers:check", "Ask a provider whether address and credential work."),
    "providers set-key": ("providers:set_key", "Give a provider another credential, at work within a second."),
    "providers sync-models": ("providers:sync_models", "Read a provider's list of models into the catalog."),
    "models list": ("models:list_models", "List models."),
    "ledger tail": ("ledger:tail", "Show the newest calls, and with --follow those to come."),
    "ledger export": ("ledger:export", "Write calls out, one row an event."),
    "db upgrade": ("database:upgrade", "Bring the database to this release's tables."),
    "secrets rotate": ("secrets:rotate", "Encrypt every stored secret anew with a new key."),
    "doctor": ("doctor:doctor", "Say what is wrong with an installation, and how to mend it."),
    "version": ("version:version", "Say which release this is."),
}
"""Path of the command, where it is, and what it does: the first line of its docstring, so that help imports nothing."""


def build() -> App:
    app = App(
        name="turnpike",
        help=HELP,
        help_format="plaintext",
        version=__version__,
        result_action="return_value",
        exit_on_error=False,
        print_error=False,
        suppress_keyboard_interrupt=False,
    )
    groups = {name: App(name=name, help=text, help_format="plaintext") for name, text in GROUPS.items()}
    for path, (place, text) in COMMANDS.items():
        group, _, name = path.rpartition(" ")
        parent = groups[group] if group else app
        parent.command(f"turnpike.cli.commands.{place}", name=name, help=text)
    for group in groups.values():
        app.command(group)
    return app


def run(arguments: Sequence[str]) -> int:
    """Returns the exit code."""
    as_json = "--json" in arguments
    try:
        return int(build()(list(arguments)) or 0)
    except CycloptsError as error:
        return say("USAGE", f"{' '.join(str(error).split())} (see --help)", {}, as_json=as_json, exit_code=USAGE)
    except TurnpikeError as error:
        return fail(error, as_json=as_json)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has left (`| head`): nothing to say, and nobody to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def main() -> None:
    if sys.platform == "win32":
        sys.exit("turnpike: Windows is not supported; run it in WSL 2 or in a container")
    sys.exit(run(sys.argv[1:]))
