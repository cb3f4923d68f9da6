"""`turnpike residency`: where data may go."""

from typing import Annotated, Any

from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.commands.subjects import find_key
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, cell, field
from turnpike.cli.tasks import with_control
from turnpike.cli.values import words
from turnpike.errors import NotFound

PATH = "/api/v1/residency"

_Many = Parameter(negative="")
PolicyName = Annotated[str, Parameter(help="The policy's name.")]


def set_policy(
    name: PolicyName,
    *,
    region: Annotated[list[str], _Many, Parameter(help="Where the data may go: eu-west-1, eu-*.")],
    department: Annotated[list[str] | None, _Many, Parameter(help="Whose data: ids of departments.")] = None,
    key: Annotated[list[str] | None, _Many, Parameter(help="Whose data: keys, by id or name.")] = None,
    tag: Annotated[list[str] | None, _Many, Parameter(help="Which data: tags of requests.")] = None,
    active: Annotated[bool, Parameter(help="Switched on.")] = True,
    common: Common = DEFAULT,
) -> None:
    """Say where data may go; without a department, key or tag, all data."""

    async def work(control: Control) -> None:
        keys = [str((await find_key(control, each))["id"]) for each in words(key)]
        body: dict[str, Any] = {"name": name, "regions": words(region), "departments": words(department)}
        body.update(keys=keys, tags=words(tag), is_active=active)
        same = await control.rows(PATH, name=name)
        made = (await control.patch(f"{PATH}/{same[0]['id']}", body) if same else await control.post(PATH, body)).data
        Output(common).result(made, f"Policy [bold]{cell(name)}[/bold] allows {cell(made['regions'])}")

    with_control(common, work)


def list_policies(*, common: Common = DEFAULT) -> None:
    """List where data may go."""

    async def work(control: Control) -> None:
        Output(common).table(
            await control.rows(PATH),
            (
                ("POLICY", field("name")),
                ("REGIONS", field("regions")),
                ("DEPARTMENTS", field("departments")),
                ("KEYS", field("keys")),
                ("TAGS", field("tags")),
                ("ACTIVE", field("is_active")),
            ),
            empty="No policy yet, so data may go anywhere: turnpike residency set NAME --region eu-*",
        )

    with_control(common, work)


def remove(name: PolicyName, *, common: Common = DEFAULT) -> None:
    """Take a policy away."""

    async def work(control: Control) -> None:
        same = await control.rows(PATH, name=name)
        if not same:
            raise NotFound(f"There is no policy {name!r}; turnpike residency list shows those there are.")
        gone = (await control.delete(f"{PATH}/{same[0]['id']}")).data
        Output(common).result(gone, f"The policy {cell(name)} is gone")

    with_control(common, work)
