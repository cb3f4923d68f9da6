"""Random people in random departments with random roles, through the whole app: nobody sees, counts, finds, changes or
deletes what their permissions do not reach. What they reach is worked out here once more, apart from the policy."""

import asyncio
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tests.support.control import Api, api, make_provider
from tests.support.following import EVENTS, following, serving
from tests.support.worlds import KINDS, Somebody, Thing, World, make_event, make_world
from turnpike.control.db.models import Credential, ProviderSetting
from turnpike.control.delivery.dispatcher import Dispatcher
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
    "settings": "/api/v1/settings/own/providers",
    "events": EVENTS,
    "webhooks": "/api/v1/webhooks",
    "deliveries": "/api/v1/webhooks/deliveries",
}
PROVIDER = "/api/v1/ai/providers/acme"
LISTED_AS = {"ledger": "event_id", "decisions": "request_id", "audit": "seq", "settings": "personal_api_key"}
NOT_ONE_BY_ONE = {"sessions", "decisions", "settings", "events"}
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
    "settings": "-provider",
    "webhooks": "url",
    "deliveries": "status",
}
OWN, DEPARTMENT, ALL = 1, 2, 3
HOOKS = dict.fromkeys(("webhooks", "deliveries"))
REACHES: dict[str, dict[str, int | None]] = {
    "user": {
        **dict.fromkeys(KINDS, OWN),
        **dict.fromkeys(("users", "decisions", "departments", "invitations", "audit")),
        **HOOKS,
    },
    "department_admin": {**dict.fromkeys(KINDS, DEPARTMENT), "settings": OWN, **HOOKS},
    "admin": {**dict.fromkeys(KINDS, ALL), "settings": OWN},
    "super_admin": {**dict.fromkeys(KINDS, ALL), "settings": OWN},
    "clerk": {
        **dict.fromkeys(KINDS), "users": DEPARTMENT, "keys": OWN, "ledger": ALL, "invitations": DEPARTMENT,
        "settings": OWN, "events": OWN,
    },
}  # fmt: skip
"""By role and kind; `clerk` is a role made by an administrator. One's own settings at providers are nobody else's,
whatever the role."""
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
    "webhooks": ("PATCH", {"description": "taken over"}),
    "deliveries": ("POST", None),
}

crowds = st.lists(
    st.tuples(st.sampled_from(sorted(REACHES)), st.none() | st.integers(0, 1)), min_size=3, max_size=4
).filter(lambda people: len({role for role, _ in people}) > 1)
names = st.lists(st.sampled_from(["a_b", "axb", "50%", "50x", "b\\c", "Ada", "ada"]), min_size=5, max_size=5)


async def test_nothing_leaks_across_scopes(services: ControlServices, operator: Api) -> None:
    await operator.data("PUT", "/api/v1/roles/clerk", {"permissions": CLERK})
    provider_id = (await make_provider(operator))["id"]
    loop = asyncio.get_running_loop()
    everything = World()

    @settings(
        max_examples=3,
        phases=(Phase.generate,),  # the world grows from example to example: a smaller one would not be the same
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        database=None,
    )
    @given(people=crowds, called=names, asking=st.integers(0, 4), aimed=st.integers(0, 50))
    def explore(people: list[tuple[str, int | None]], called: list[str], asking: int, aimed: int) -> None:
        async def example() -> None:
            world = await make_world(services, 2, people, called[: len(people)], provider_id)
            await _leave_traces(services, operator, world)
            everything.add(world)
            await _hand_out(services, operator, everything)
            actors = [world.people[(asking + step) % len(world.people)] for step in range(2)]
            for actor in actors:
                async with api(services, actor.key) as caller:
                    for kind in KINDS:
                        if kind != "events":
                            await _check_kind(caller, operator, everything, actor, kind, aimed)
                    await _check_settings(services, caller, everything, actor, aimed)
                await _check_events(services, address, everything, actor)

        asyncio.run_coroutine_threadsafe(example(), loop).result()

    async with serving(services) as address:
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


async def _hand_out(services: ControlServices, operator: Api, world: World) -> None:
    """Every event is on its way to those whom it concerns, and to nobody else."""
    while await Dispatcher(services.database).hand_out():
        pass
    told = {thing.id: thing for thing in world.things["events"]}
    rows = await operator.data("GET", PATHS["deliveries"], params={"per_page": "500"})
    by_hook: dict[str, set[str]] = {}
    for row in rows:
        by_hook.setdefault(row["receiver_id"], set()).add(row["event_id"])
    for hook in world.things["webhooks"]:
        got = by_hook[hook.id]
        assert len(got & world.tests) == 1
        concerned = [told[event_id] for event_id in got & told.keys()]
        assert concerned, hook
        if hook.department_id is not None:
            assert {event.department_id for event in concerned} == {hook.department_id}
    world.things["deliveries"] = [Thing(row["id"], None, None) for row in rows]


async def _check_kind(caller: Api, operator: Api, world: World, actor: Somebody, kind: str, aimed: int) -> None:
    reach = REACHES[actor.role][kind]
    things = world.things[kind]
    mine = {thing.id for thing in things if actor.sees(thing, reach)}
    denied = reach is None or (kind == "invitations" and reach == DEPARTMENT and actor.department_id is None)
    if denied:
        assert (await caller.get(PATHS[kind])).status_code == 403
        mine = set()
    else:
        await _check_lists(caller, world, actor, kind, mine)
    hidden = [thing for thing in things if thing.id not in mine]
    shown = [thing for thing in things if thing.id in mine]
    if kind not in NOT_ONE_BY_ONE:
        for thing in [*shown[-2:], *hidden[-2:]]:
            status = (await caller.get(f"{PATHS[kind]}/{thing.id}")).status_code
            assert status == (200 if thing.id in mine else 403 if denied else 404), (actor, kind, thing)
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
    wished = f"{path}/replay" if kind == "deliveries" else path
    before = None if kind == "sessions" else (await operator.get(path)).json()["data"]
    answer = await caller.call(method, wished, body)
    assert answer.status_code in {403, 404}, (kind, answer.text)
    if before is not None:
        assert (await operator.get(path)).json()["data"] == before
    else:
        alive = await operator.data("GET", PATHS[kind], params={"everyone": "true", "per_page": "500"})
        assert thing.id in _ids(alive, kind)


async def _check_settings(services: ControlServices, caller: Api, world: World, actor: Somebody, aimed: int) -> None:
    """Settings at one provider, where people have their own at the same address, and personal keys by their ids."""
    own = {thing.owner_id: thing.id for thing in world.things["settings"]}
    seen = await caller.get(f"{PROVIDER}/settings")
    assert seen.status_code == (403 if actor.role == "clerk" else 200)
    assert seen.status_code == 403 or seen.json()["data"]["personal_api_key"] == own[actor.id]
    others = [person for person in world.people if person.id != actor.id]
    aim = others[aimed % len(others)]
    before = await _settings_of_others(services, actor)
    assert {aim.id, *own} == {*before, actor.id}
    changed = await caller.call("PATCH", f"{PROVIDER}/settings", {"is_active": False})
    assert changed.status_code == seen.status_code
    for method, body in (("PATCH", {"label": "taken over"}), ("DELETE", None)):
        answer = await caller.call(method, f"{PROVIDER}/credentials/{world.personal[aim.id]}", body)
        assert answer.status_code == (404 if actor.role in {"admin", "super_admin"} else 403)
    assert await _settings_of_others(services, actor) == before
    shared = await caller.get(f"{PROVIDER}/credentials")
    assert not any(credential_id in shared.text for credential_id in world.personal.values())


async def _settings_of_others(services: ControlServices, actor: Somebody) -> dict[str, tuple[Any, ...]]:
    """By whose they are, as they stand in the database: no route shows them to anybody else."""
    query = (
        select(ProviderSetting.user_id, ProviderSetting.is_active, Credential.id, Credential.label, Credential.sealed)
        .join(Credential, Credential.id == ProviderSetting.credential_id)
        .where(ProviderSetting.user_id != actor.id)
    )
    async with services.database.read() as session:
        return {user_id: tuple(values) for user_id, *values in (await session.execute(query)).all()}


async def _check_events(services: ControlServices, address: str, world: World, actor: Somebody) -> None:
    """All that the stream tells from the first event on, up to one that is made now and is the actor's own."""
    async with services.database.write() as session:
        last = await make_event(session, actor.id, actor.department_id)
    world.things["events"].append(last)
    told: set[str] = set()
    async with following(address, actor.key, params={"after": "0"}) as stream, asyncio.timeout(30):
        while last.id not in told:
            await asyncio.sleep(0.01)
            told = {event["id"] for event in stream.told()}
    reach = REACHES[actor.role]["events"]
    known = {thing.id for thing in world.things["events"]} | world.tests
    assert told & known == {thing.id for thing in world.things["events"] if actor.sees(thing, reach)}, actor
    if reach != ALL:
        assert told <= known, "nothing of before and beside the examples either"
