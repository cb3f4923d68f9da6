"""The options that every command has."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Group, Parameter

_EVERYWHERE = Group("Every command has", sort_key=1000)


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    data_dir: Annotated[
        Path | None,
        Parameter(
            metavar="DIR",
            group=_EVERYWHERE,
            help="Folder of the installation. Default: TURNPIKE_DATA_DIR, else `data` in this folder.",
        ),
    ] = None
    json: Annotated[
        bool,
        Parameter(
            name="--json", negative="", show_default=False, group=_EVERYWHERE, help="Answer in JSON, for scripts."
        ),
    ] = False


DEFAULT = Common()

Lines = Annotated[int, Parameter(name=("--lines", "-n"), help="How many.")]
Follow = Annotated[bool, Parameter(name=("--follow", "-f"), negative="", help="Go on with what comes, until Ctrl-C.")]
"""Of commands that show the newest of something."""
