"""`turnpike models list`."""

from typing import Annotated

from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, field
from turnpike.cli.tasks import with_control

PATH = "/api/v1/ai/models"


def list_models(
    *,
    provider: Annotated[str | None, Parameter(help="Only those of this provider (its slug).")] = None,
    capability: Annotated[str | None, Parameter(help="Only those that can do this: chat, embeddings, ...")] = None,
    common: Common = DEFAULT,
) -> None:
    """List models."""

    async def work(control: Control) -> None:
        rows = await control.rows(PATH, provider=provider, capability=capability)
        Output(common).table(
            rows,
            (
                ("MODEL", field("name")),
                ("PROVIDER", field("provider")),
                ("CAN", field("capabilities")),
                ("CONTEXT", field("context_window")),
                ("PRICE", lambda row: row["price_source"] if row["priced"] else "unpriced"),
                ("ACTIVE", field("is_active")),
            ),
            empty="No model yet: turnpike providers add VENDOR, or turnpike providers sync-models PROVIDER",
        )

    with_control(common, work)
