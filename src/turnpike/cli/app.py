"""The tree of commands, and the one place where their failures become exit codes."""

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from turnpike import __version__
from turnpike.cli.failures import INTERRUPTED, USAGE, fail, say
from turnpike.cli.texts import COMMANDS, GROUPS, HELP
from turnpike.errors import TurnpikeError


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
    groups = {
        path: App(name=path.rpartition(" ")[2], help=text, help_format="plaintext") for path, text in GROUPS.items()
    }
    for path, (place, text) in COMMANDS.items():
        group, _, name = path.rpartition(" ")
        parent = groups[group] if group else app
        parent.command(f"turnpike.cli.commands.{place}", name=name, help=text)
    for path, group in groups.items():
        outer, _, _ = path.rpartition(" ")
        (groups[outer] if outer else app).command(group)
    return app


def run(arguments: Sequence[str]) -> int:
    """Returns the exit code."""
    as_json = "--json" in arguments
    try:
        code = int(build()(list(arguments)) or 0)
        sys.stdout.flush()  # what is left in the buffer must fail here, if it does
        return code
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
