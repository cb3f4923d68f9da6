"""`turnpike secrets`."""

from typing import Annotated

from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output
from turnpike.cli.tasks import with_control

PATH = "/api/v1/admin/secrets/rotate"


def rotate(
    *,
    forget_old_keys: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help="Remove the old keys afterwards. Backups from before can then not be read.",
        ),
    ] = False,
    common: Common = DEFAULT,
) -> None:
    """Encrypt every stored secret anew with a new key."""

    async def work(control: Control) -> None:
        done = (await control.post(PATH, {"forget_old_keys": forget_old_keys})).data
        said = [f"{done['reencrypted']} secrets were encrypted anew; {done['keys']} keys are in use."]
        if done["unreadable"]:
            said.append(f"{done['unreadable']} could not be read with any key; the server's log names them.")
        Output(common).result(done, *said)

    with_control(common, work)
