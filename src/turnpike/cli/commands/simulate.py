"""`turnpike simulate`."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output
from turnpike.errors import ConfigurationError
from turnpike.simulator import DEFAULT_PORT, run


def simulate(
    *,
    host: Annotated[str, Parameter(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="Port to listen on; 0 takes a free one, named in the line that follows.")] = (
        DEFAULT_PORT
    ),
    api_key: Annotated[str | None, Parameter(help="Refuse callers that do not send this key.")] = None,
    call_log: Annotated[Path | None, Parameter(help="File that gets a line of JSON for every request.")] = None,
    common: Common = DEFAULT,
) -> None:
    """Run a simulated provider, to try things without a model or a cost."""
    if common.json:
        Output(common).result({"host": host, "port": port, "simulator": True})
    try:
        run(host, port, api_key, call_log)
    except OSError as error:
        raise ConfigurationError(f"the simulator cannot listen on {host} port {port}: {error.strerror}") from error
    except KeyboardInterrupt:
        sys.stderr.write("\n")
