"""`turnpike cache`: which answers are kept to be given again."""

import sys
from typing import Annotated, Any, Literal

import httpx2
from cyclopts import Parameter

from turnpike.cli.calibration import rates, read_pairs, similarity
from turnpike.cli.client import Control
from turnpike.cli.options import DEFAULT, Common
from turnpike.cli.output import Output, cell, field
from turnpike.cli.tasks import with_control
from turnpike.errors import InvalidRequest, NotFound, Unavailable

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


def calibrate(
    model: Annotated[str, Parameter(help="The embeddings model, as callers name it.")],
    *,
    api_key: Annotated[str, Parameter(help="An API key that may use the model; - reads it from standard input.")],
    url: Annotated[str, Parameter(help="Where the gateway is.")] = "http://127.0.0.1:8080",
    common: Common = DEFAULT,
) -> None:
    """Measure how often near questions would be taken for the same."""
    key = sys.stdin.readline().strip() if api_key == "-" else api_key
    pairs = read_pairs()
    texts = [text for pair in pairs for text in (pair.first, pair.second)]
    vectors = _embeddings(url, key, model, texts)
    near = [similarity(first, second) for first, second in zip(vectors[::2], vectors[1::2], strict=True)]
    same = [value for value, pair in zip(near, pairs, strict=True) if pair.same]
    different = [value for value, pair in zip(near, pairs, strict=True) if not pair.same]
    rows = [rate._asdict() for rate in rates(same, different)]
    Output(common).table(
        rows,
        (
            ("THRESHOLD", lambda row: f"{row['threshold']:.2f}"),
            ("FALSE HITS", lambda row: f"{row['false_hits']:.0%}"),
            ("FOUND", lambda row: f"{row['found']:.0%}"),
        ),
        empty="-",
    )


def _embeddings(url: str, key: str, model: str, texts: list[str]) -> list[list[float]]:
    try:
        response = httpx2.post(
            f"{url.rstrip('/')}/v1/embeddings",
            json={"model": model, "input": texts, "encoding_format": "float"},
            headers={"authorization": f"Bearer {key}"},
            timeout=60.0,
        )
    except httpx2.TransportError as error:
        raise Unavailable(f"{url} does not answer ({error or type(error).__name__}).") from error
    if response.is_error:
        said = response.json().get("error", {}).get("message", "") if "json" in response.headers["content-type"] else ""
        raise InvalidRequest(f"The gateway answered {response.status_code}: {said}")
    return [item["embedding"] for item in sorted(response.json()["data"], key=lambda item: item["index"])]
