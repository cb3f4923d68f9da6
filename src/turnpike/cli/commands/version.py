"""`turnpike version`."""

import platform

from turnpike import __version__
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output
from turnpike.contract import CONTRACT_VERSION


def version(*, common: Common = DEFAULT) -> None:
    """Say which release this is."""
    facts = {
        "version": __version__,
        "contract": CONTRACT_VERSION,
        "python": platform.python_version(),
        "platform": platform.platform(terse=True),
    }
    Output(common).result(facts, f"Turnpike {__version__} (Python {facts['python']}, {facts['platform']})")
