"""`turnpike sessions`: who is signed in, and ending that."""

from typing import Annotated

from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.commands.subjects import find_user
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, field, when
from turnpike.cli.tasks import with_control
from turnpike.errors import InvalidRequest

PATH = "/api/v1/auth/sessions"


def list_sessions(
    *,
    user: Annotated[str | None, Parameter(help="Of this person only: id, e-mail or name.")] = None,
    all_sessions: Annotated[bool, Parameter(name="--all", negative="", help="Those too that are over.")] = False,
    common: Common = DEFAULT,
) -> None:
    """List who is signed in."""

    async def work(control: Control) -> None:
        user_id = (await find_user(control, user))["id"] if user else None
        rows = await control.rows(PATH, user_id=user_id, everyone="true", ended="true" if all_sessions else None)
        Output(common).table(
            rows,
            (
                ("USER", field("user_name")),
                ("BY", field("method")),
                ("KIND", field("kind")),
                ("STATUS", field("status")),
                ("ADDRESS", field("address")),
                ("LAST SEEN", when("last_seen_at")),
                ("UNTIL", when("expires_at")),
                ("ID", field("id")),
            ),
            empty="Nobody is signed in.",
        )

    with_control(common, work)


def revoke(
    session: Annotated[str | None, Parameter(help="Id of a session, as `sessions list` shows it.")] = None,
    /,
    *,
    user: Annotated[str | None, Parameter(help="All sessions of this person: id, e-mail or name.")] = None,
    common: Common = DEFAULT,
) -> None:
    """End a session, or all of a person's, within a second."""
    if (session is None) == (user is None):
        raise InvalidRequest("name a session's id, or --user for all of a person's")

    async def work(control: Control) -> None:
        if user is not None:
            person = await find_user(control, user)
            reply = await control.delete(f"{PATH}?user_id={person['id']}")
        else:
            reply = await control.delete(f"{PATH}/{session}")
        Output(common).result(reply.data, f"Ended {reply.data['ended']}.")

    with_control(common, work)
