"""`turnpike models`: what callers can ask for, and by which other names."""

from typing import Annotated, Any

from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.commands.subjects import the_one
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, cell, field
from turnpike.cli.tasks import with_control
from turnpike.errors import InvalidRequest, NotFound

PATH = "/api/v1/ai/models"
ALIASES = "/api/v1/ai/aliases"


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


async def find_model(control: Control, name: str, provider: str | None) -> dict[str, Any]:
    """Raises NotFound, or InvalidRequest where several providers have a model of that name."""
    rows = await control.rows(PATH, name=name, provider=provider)
    places = ", ".join(str(row["provider"]) for row in rows)
    return the_one(
        rows,
        f"There is no model {name!r}; turnpike models list shows those there are.",
        f"Several providers have {name!r}: say --provider with one of {places}",
    )


def change(
    name: Annotated[str, Parameter(help="The model's name.")],
    *,
    provider: Annotated[
        str | None, Parameter(help="At this provider (its slug), where several have a model of that name.")
    ] = None,
    weight: Annotated[
        int | None, Parameter(help="Its share of the calls; 0: only when the others of its name fail or rest.")
    ] = None,
    max_in_flight: Annotated[
        int | None, Parameter(help="Calls in hand at it and one relay, at most; 0: the gateway's concurrency_max.")
    ] = None,
    region: Annotated[str | None, Parameter(help="Where it runs; empty: where its provider does.")] = None,
    active: Annotated[bool | None, Parameter(help="Switched on.")] = None,
    common: Common = DEFAULT,
) -> None:
    """Change how a model at a provider is used."""
    body: dict[str, Any] = {"weight": weight, "is_active": active}
    body = {key: value for key, value in body.items() if value is not None}
    body.update({} if max_in_flight is None else {"max_in_flight": max_in_flight or None})
    body.update({} if region is None else {"region": region or None})
    if not body:
        raise InvalidRequest("say what is to change: --weight, --max-in-flight, --region, --active or --no-active")

    async def work(control: Control) -> None:
        row = await find_model(control, name, provider)
        row = (await control.patch(f"{PATH}/{row['id']}", body)).data
        said = [f"{key}: {cell(row[key])}" for key in ("weight", "max_in_flight", "region", "is_active")]
        Output(common).result(row, f"[bold]{cell(row['name'])}[/bold] at {cell(row['provider'])}: {', '.join(said)}")

    with_control(common, work)


def alias(
    name: Annotated[str, Parameter(help="What callers say.")],
    target: Annotated[str, Parameter(help="The model that it means: its name, or provider/name.")],
    *,
    retired: Annotated[
        bool, Parameter(negative="", help="Answer that the model is gone and that TARGET replaces it.")
    ] = False,
    note: Annotated[str | None, Parameter(help="Told to callers who ask for a retired model.")] = None,
    common: Common = DEFAULT,
) -> None:
    """Give a model another name, or say what replaces a retired one."""
    body = {"name": name, "target": target, "retired": retired, "note": note}

    async def work(control: Control) -> None:
        same = await control.rows(ALIASES, name=name)
        made = (
            await control.patch(f"{ALIASES}/{same[0]['id']}", body) if same else await control.post(ALIASES, body)
        ).data
        words = "is answered with a hint at" if retired else "means"
        Output(common).result(made, f"[bold]{cell(name)}[/bold] {words} {cell(target)}")

    with_control(common, work)


def list_aliases(*, common: Common = DEFAULT) -> None:
    """List other names of models."""

    async def work(control: Control) -> None:
        Output(common).table(
            await control.rows(ALIASES),
            (
                ("NAME", field("name")),
                ("MEANS", field("target")),
                ("RETIRED", field("retired")),
                ("NOTE", field("note")),
            ),
            empty="No alias yet: turnpike models alias NAME TARGET",
        )

    with_control(common, work)


def remove_alias(name: Annotated[str, Parameter(help="The alias.")], *, common: Common = DEFAULT) -> None:
    """Take another name away."""

    async def work(control: Control) -> None:
        same = await control.rows(ALIASES, name=name)
        if not same:
            raise NotFound(f"There is no alias {name!r}; turnpike models aliases shows those there are.")
        gone = (await control.delete(f"{ALIASES}/{same[0]['id']}")).data
        Output(common).result(gone, f"{cell(name)} is no alias any more")

    with_control(common, work)
