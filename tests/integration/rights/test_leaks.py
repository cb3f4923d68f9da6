"""Random people in random departments with random roles, through the whole app: nobody sees, counts, finds, changes or
deletes what their permissions do not reach. What they reach is worked out here once more, apart from the policy."""

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.control import Api, api
from tests.support.worlds import KINDS, Somebody, Thing, World, make_world
from turnpike.control.services import ControlServices

PATHS = {
    "users": "/api/v1/users",
    "keys": "/api/v1/keys",
    "sessions": "/api/v1/auth/sessions",
    "ledger": "/api/v1/ledger",
    "decisions": "/api/v1/policies/decisions",
    "budgets": "/api/v1/budgets",
    "limits": "/api/v1/limits",
    "departments": "/api/v1/departments",
    "invitations": "/api/v1/invitations",
    "audit": "/api/v1/audit",
}
LISTED_AS = {"ledger": "event_id", "decisions": "request_id", "audit": "seq"}
SORTS = {
    "users": "role,-created_at",
    "keys": "-name",
    "sessions": "expires_at",
    "ledger": "cost",
    "decisions": "policy",
    "budgets": "amount",
    "limits": "-amount",
    "departments": "-name",
    "invitations": "-email",
    "audit": "seq",
}
OWN, DEPARTMENT, ALL = 1, 2, 3
REACHES: dict[str, dict[str, int | None]] = {
    "user": {
        **dict.fromkeys(KINDS, OWN),
        **dict.fromkeys(("users", "decisions", "departments", "invitations", "audit")),
    },
    "department_admin": dict.fromkeys(KINDS, DEPARTMENT),
    "admin": dict.fromkeys(KINDS, ALL),
    "super_admin": dict.fromkeys(KINDS, ALL),
    "clerk": {**dict.fromkeys(KINDS), "users": DEPARTMENT, "keys": OWN, "ledger": ALL, "invitations": DEPARTMENT},
}
"""By role and kind; `clerk` is a role made by an administrator."""
CLERK = {
    "view_users": "department_data", "manage_users": "department_data", "view_keys": "own_data",
    "view_analytics": "all_data",
}  # fmt: skip
CHANGES: dict[str, tuple[str, Any]] = {
    "users": ("PATCH", {"display_name": "taken over"}),
    "keys": ("PATCH", {"name": "taken over"}),
    "sessions": ("DELETE", None),
    "budgets": ("PATCH", {"amount_usd": "1"}),
    "limits": ("DELETE", None),
    "departments": ("PATCH", {"name": "taken over"}),
    "invitations": ("DELETE", None),
}

crowds = st.lists(
    st.tuples(st.sampled_from(sorted(REACHES)), st.none() | st.integers(0, 1)), min_size=3, max_size=4
).filter(lambda people: len({role for role, _ in people}) > 1)
names = st.lists(st.sampled_from(["a_b", "axb", "50%", "50x", "b\\c", "Ada", "ada"]), min_size=5, max_size=5)


async def test_nothing_leaks_across_scopes(services: ControlServices, operator: Api) -> None:
    await operator.data("PUT", "/api/v1/roles/clerk", {"permissions": CLERK})
    loop = asyncio.get_running_loop()
    everything = World()

    @settings(
        max_examples=3,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        database=None,
    )
    @given(people=crowds, called=names, asking=st.integers(0, 4), aimed=st.integers(0, 50))
    def explore(people: list[tuple[str, int | None]], called: list[str], asking: int, aimed: int) -> None:
        async def example() -> None:
            world = await make_world(services, 2, people, called[: len(people)])
            await _leave_traces(services, operator, world)
            everything.add(world)
            actors = [world.people[(asking + step) % len(world.people)] for step in range(2)]
            for actor in actors:
                async with api(services, actor.key) as caller:
                    for kind in KINDS:
                        await _check_kind(caller, operator, everything, actor, kind, aimed)

        asyncio.run_coroutine_threadsafe(example(), loop).result()

    await asyncio.to_thread(explore)


async def _leave_traces(services: ControlServices, operator: Api, world: World) -> None:
    """Everybody who may changes something, which the audit log tells of."""
    keys = {thing.owner_id: thing.id for thing in world.things["keys"]}
    for person in world.people:
        async with api(services, person.key) as caller:
            await caller.patch(f"{PATHS['keys']}/{keys[person.id]}", {"models": ["some-*"]})
        for entry in await operator.data("GET", PATHS["audit"], params={"actor_id": person.id}):
            world.things["audit"].append(Thing(str(entry["seq"]), person.id, person.department_id))
    assert world.things["audit"]


async def _check_kind(caller: Api, operator: Api, world: World, actor: Somebody, kind: str, aimed: int) -> None:
    reach = REACHES[actor.role][kind]
    things = world.things[kind]
    mine = {thing.id for thing in things if actor.sees(thing, reach)}
    if reach is None or (kind == "invitations" and reach == DEPARTMENT and actor.department_id is None):
        assert (await caller.get(PATHS[kind])).status_code == 403
        return
    await _check_lists(caller, world, actor, kind, mine)
    hidden = [thing for thing in things if thing.id not in mine]
    shown = [thing for thing in things if thing.id in mine]
    if kind not in {"sessions", "decisions"}:
        for thing in [*shown[-2:], *hidden[-2:]]:
            status = (await caller.get(f"{PATHS[kind]}/{thing.id}")).status_code
            assert status == (200 if thing.id in mine else 404), (actor, kind, thing)
    if kind in CHANGES and hidden:
        await _check_change(caller, operator, kind, hidden[aimed % len(hidden)])


async def _check_lists(caller: Api, world: World, actor: Somebody, kind: str, mine: set[str]) -> None:
    """Pages, counts, orders, filters and sums."""
    known = {thing.id for thing in world.things[kind]}
    reach = REACHES[actor.role][kind]
    base = {"per_page": "500", **({"everyone": "true"} if kind == "sessions" and _sees_others(actor, reach) else {})}
    for asked in (base, {**base, "sort": SORTS[kind]}):
        answer = await caller.get(PATHS[kind], params=asked)
        assert answer.status_code == 200, answer.text
        found, meta = _ids(answer.json()["data"], kind), answer.json()["meta"]
        assert found & known == mine, (actor, kind)
        assert meta["pagination"]["total"] == len(found)
        if reach != ALL and kind != "audit":  # what is tried here leaves entries, too
            assert found == mine, "nothing of before and beside the examples either"
        if kind == "ledger":
            assert meta["totals"]["requests"] == len(found)
    for field, value in _filters(world, kind):
        answer = await caller.get(PATHS[kind], params={**base, field: value})
        if answer.status_code == 200:
            assert _ids(answer.json()["data"], kind) & known <= mine, (actor, kind, field)
            assert answer.json()["meta"]["pagination"]["total"] <= len(answer.json()["data"])
        else:
            assert answer.status_code in {403, 404}, answer.text
    if kind in {"users", "keys"}:
        for text in ("_", "%", "\\"):
            rows = (await caller.get(PATHS[kind], params={**base, "search": text})).json()["data"]
            assert _ids(rows, kind) & known <= mine
            # The first characters of a key are searched too.
            named = [(row.get("display_name") or row["name"]) + row.get("prefix", "") for row in rows]
            assert all(text in name for name in named), (text, named)


def _sees_others(actor: Somebody, reach: int | None) -> bool:
    return reach == ALL or (reach == DEPARTMENT and actor.department_id is not None)


def _filters(world: World, kind: str) -> list[tuple[str, str]]:
    """Questions for each other person's things."""
    found: list[tuple[str, str]] = []
    for person in world.people[-4:]:
        if kind in {"keys", "ledger", "decisions", "sessions"}:
            found.append(("user_id", person.id))
        if kind in {"users", "ledger"} and person.department_id:
            found.append(("department_id", person.department_id))
        if kind in {"budgets", "limits"}:
            found.append(("subject" if kind == "budgets" else "name", person.id))
    return found


def _ids(rows: list[dict[str, Any]], kind: str) -> set[str]:
    return {str(row[LISTED_AS.get(kind, "id")]) for row in rows}


async def _check_change(caller: Api, operator: Api, kind: str, thing: Thing) -> None:
    method, body = CHANGES[kind]
    path = f"{PATHS[kind]}/{thing.id}"
    before = None if kind == "sessions" else (await operator.get(path)).json()["data"]
    answer = await caller.call(method, path, body)
    assert answer.status_code in {403, 404}, (kind, answer.text)
    if before is not None:
        assert (await operator.get(path)).json()["data"] == before
    else:
        alive = await operator.data("GET", PATHS[kind], params={"everyone": "true", "per_page": "500"})
        assert thing.id in _ids(alive, kind)
