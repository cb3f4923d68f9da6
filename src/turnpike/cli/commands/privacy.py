"""`turnpike users export` and `turnpike users erase`: what is held about a person, given out or removed for ever."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.commands.subjects import USERS, find_user
from turnpike.cli.commands.users import UserName
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, cell
from turnpike.cli.tasks import with_control
from turnpike.errors import InvalidRequest


def export(
    user: UserName,
    /,
    *,
    out: Annotated[Path | None, Parameter(help="File to write. Default: standard output.")] = None,
    common: Common = DEFAULT,
) -> None:
    """Write out everything that is held about a person, as a JSON document."""

    async def work(control: Control) -> None:
        found = await find_user(control, user)
        parts = control.lines(f"{USERS}/{found['id']}/export")
        if out is None:
            async for part in parts:
                sys.stdout.buffer.write(part)
            sys.stdout.buffer.flush()
            return
        data = b"".join([part async for part in parts])
        _write(out, data)
        Output(common).result(
            {"file": str(out), "user_id": found["id"], "bytes": len(data)}, f"Wrote {cell(str(out))}."
        )

    with_control(common, work)


def _write(path: Path, data: bytes) -> None:
    """Raises InvalidRequest where no file can be made: one that is there is never written over."""
    msgspec.json.decode(data, type=dict[str, Any])  # what broke off on the way is no document
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise InvalidRequest(f"--out {path}: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def erase(
    user: UserName,
    /,
    *,
    yes: Annotated[bool, Parameter(negative="", show_default=False, help="Yes, for ever.")] = False,
    common: Common = DEFAULT,
) -> None:
    """Remove for ever what tells who a person was."""

    async def work(control: Control) -> None:
        found = await find_user(control, user)
        if not yes:
            raise InvalidRequest(f"this cannot be taken back; to erase {found['display_name']!r} add --yes")
        done = (await control.post(f"{USERS}/{found['id']}/erase", {"confirm": found["id"]})).data
        Output(common).result(done, f"Erased. In lists and sums it is {cell(done['pseudonym'])}, {done['user_id']}.")

    with_control(common, work)
