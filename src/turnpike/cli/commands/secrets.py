"""`turnpike secrets`."""

from turnpike.cli.client import Control
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output
from turnpike.cli.tasks import with_control

PATH = "/api/v1/admin/secrets/rotate"


def rotate(*, common: Common = DEFAULT) -> None:
    """Encrypt every stored secret anew with a new key."""

    async def work(control: Control) -> None:
        done = (await control.post(PATH)).data
        Output(common).result(done, *(f"{name}: {count}" for name, count in done.items()))

    with_control(common, work)
