"""`turnpike cache`: which answers are kept to be given again."""

from typing import Annotated, Any, Literal

from cyclopts import Parameter

from turnpike.cli.client import Control
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, cell, field
from turnpike.cli.tasks import with_control
from turnpike.errors import NotFound

PATH = "/api/v1/cache"
RULES = f"{PATH}/rules"


def set_rule(
    model: Annotated[str, Parameter(help="A model's name; * stands for any run of characters.")] = "*",
    *,
    mode: Annotated[
        Literal["off", "exact", "exact+semantic"] | None,
        Parameter(help="off: an exception from a wider rule; exact+semantic: near questions too."),
    ] = None,
    ttl: Annotated[int | None, Parameter(help="How long an answer is given again, in seconds.")] = None,
    sharing: Annotated[
        Literal["user", "department", "gateway"] | None,
        Parameter(help="Who may be given an answer that was made for somebody."),
    ] = None,
    key: Annotated[str | None, Parameter(help="Only for this API key: its id.")] = None,
    department: Annotated[str | None, Parameter(help="Only for people of this department: its id.")] = None,
    max_entry_bytes: Annotated[int | None, Parameter(help="The largest answer that is kept.")] = None,
    wait: Annotated[
        float | None, Parameter(help="Seconds to wait for the same question on its way; 0: ask as well.")
    ] = None,
    threshold: Annotated[float | None, Parameter(help="Cosine similarity of near questions, 0.5 to 1.")] = None,
    embedding_model: Annotated[str | None, Parameter(help="The model that compares questions.")] = None,
    remove: Annotated[bool, Parameter(negative="", help="Take the rule away.")] = False,
    common: Common = DEFAULT,
) -> None:
    """Keep answers of a model and give them again, or change how."""
    wishes = {
        "mode": mode,
        "ttl_s": ttl,
        "sharing": sharing,
        "max_entry_bytes": max_entry_bytes,
        "wait_s": wait,
        "threshold": threshold,
        "embedding_model": embedding_model,
    }
    given = {name: value for name, value in wishes.items() if value is not None}

    async def work(control: Control) -> None:
        rows = await control.rows(RULES, model=model, key_id=key, department_id=department)
        same = [row for row in rows if (row["key_id"], row["department_id"]) == (key, department)]
        if remove:
            if not same:
                raise NotFound(
                    f"There is no cache rule for {model!r} and these callers; turnpike cache list shows all."
                )
            gone = (await control.delete(f"{RULES}/{same[0]['id']}")).data
            Output(common).result(gone, f"answers of {cell(model)} are not kept any more")
        elif same:
            made = (await control.patch(f"{RULES}/{same[0]['id']}", given)).data
            Output(common).result(made, _told(made))
        else:
            body = {"model": model, "key_id": key, "department_id": department, **given}
            made = (await control.post(RULES, body)).data
            Output(common).result(made, _told(made))

    with_control(common, work)


def _told(rule: dict[str, Any]) -> str:
    if rule["mode"] == "off":
        return f"answers of [bold]{cell(rule['model'])}[/bold] are not kept for these callers"
    return (
        f"answers of [bold]{cell(rule['model'])}[/bold] are kept for {rule['ttl_s']} s ({rule['mode']}, shared by "
        f"{rule['sharing']})"
    )


def list_rules(*, common: Common = DEFAULT) -> None:
    """List the cache's rules."""

    async def work(control: Control) -> None:
        Output(common).table(
            await control.rows(RULES),
            (
                ("MODEL", field("model")),
                ("MODE", field("mode")),
                ("TTL S", field("ttl_s")),
                ("SHARED BY", field("sharing")),
                ("KEY", field("key_id")),
                ("DEPARTMENT", field("department_id")),
                ("WAIT S", field("wait_s")),
                ("THRESHOLD", lambda row: row["threshold"] if row["mode"] == "exact+semantic" else None),
                ("ACTIVE", field("is_active")),
            ),
            empty="Nothing is kept: turnpike cache set MODEL",
        )

    with_control(common, work)


def clear(
    *,
    model: Annotated[str | None, Parameter(help="Only answers of this model.")] = None,
    key: Annotated[str | None, Parameter(help="Only those made for this API key: its id.")] = None,
    user: Annotated[str | None, Parameter(help="Only those made for this person: their id.")] = None,
    common: Common = DEFAULT,
) -> None:
    """Forget kept answers, on every machine."""

    async def work(control: Control) -> None:
        body = {"model": model, "key_id": key, "user_id": user}
        done = (await control.post(f"{PATH}/clear", body)).data
        count = "an unknown number of" if done["cleared"] is None else done["cleared"]
        Output(common).result(done, f"cleared: {count} in the shared store, and what relays had in memory")

    with_control(common, work)


def stats(*, common: Common = DEFAULT) -> None:
    """Show what the cache holds and did."""

    async def work(control: Control) -> None:
        found = (await control.get(f"{PATH}/stats")).data
        rate = "-" if found["hit_rate"] is None else f"{found['hit_rate']:.1%}"
        Output(common).result(
            found,
            f"calls: {found['hits']} hits, {found['semantic']} semantic, {found['misses']} misses ({rate} answered), "
            f"{found['bypasses']} passed by",
            f"saved: {found['saved_usd']} US dollars",
            f"store: {found['store']}, {cell(found['entries'])} answers, {cell(found['size_bytes'])} bytes; relays: "
            f"{found['memory_entries']} answers, {found['memory_bytes']} bytes",
        )

    with_control(common, work)
