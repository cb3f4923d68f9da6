"""People in departments, with something of each kind that belongs to somebody; written straight into the database."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, LargeBinary, String, Text

from turnpike.contract.grants import KEY_PREFIX, key_digest
from turnpike.control.db.base import Base
from turnpike.control.db.models import (
    ApiKey,
    Budget,
    Credential,
    Department,
    GuardDecision,
    Invitation,
    LedgerRow,
    LedgerTotal,
    Limit,
    ProviderSetting,
    Session,
    User,
    WebhookEndpoint,
)
from turnpike.control.events.kinds import Ping, UserActivated
from turnpike.control.events.outbox import emit
from turnpike.control.services import ControlServices
from turnpike.kit.clock import now_ms
from turnpike.kit.crypto import random_text
from turnpike.kit.ids import new_id

DAY = "2026-05-29"
AT_MS = 1_780_056_000_000
KINDS = (
    "users", "keys", "sessions", "ledger", "decisions", "budgets", "limits", "departments", "invitations", "audit",
    "settings", "events", "webhooks", "deliveries",
)  # fmt: skip


@dataclass(frozen=True)
class Thing:
    id: str
    owner_id: str | None
    department_id: str | None


@dataclass(frozen=True)
class Somebody:
    id: str
    role: str
    department_id: str | None
    key: str
    """Carries the person's own role, so it may do what the person may."""

    def sees(self, thing: Thing, reach: int | None) -> bool:
        """Written down once more, apart from the policy that it checks. Reaches are 1, 2 and 3."""
        if reach is None:
            return False
        same_department = thing.department_id is not None and thing.department_id == self.department_id
        return reach == 3 or thing.owner_id == self.id or (reach == 2 and same_department)


@dataclass
class World:
    people: list[Somebody] = field(default_factory=list[Somebody])
    things: dict[str, list[Thing]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    personal: dict[str, str] = field(default_factory=dict[str, str])
    """Ids of personal credentials, by whose they are."""
    tests: set[str] = field(default_factory=set[str])
    """Events that are tests of one receiver: nobody else is told of them."""

    def add(self, other: "World") -> None:
        self.people += other.people
        self.personal |= other.personal
        self.tests |= other.tests
        for kind, things in other.things.items():
            self.things[kind] += things


def filled(model: type[Base], **values: Any) -> Any:
    """A row whose other columns hold nothing in particular."""
    table: Any = model.__table__
    for column in table.columns:
        if column.name in values or column.nullable or column.default is not None:
            continue
        kinds = ((Boolean, False), (LargeBinary, b""), (String, ""), (Text, ""))
        values[column.name] = next((empty for kind, empty in kinds if isinstance(column.type, kind)), 0)
    return model(**values)


async def make_world(
    services: ControlServices,
    departments: int,
    people: Sequence[tuple[str, int | None]],
    names: Sequence[str],
    provider_id: str,
) -> World:
    """`people`: each one's role, and the number of the department or None. All have settings at the provider."""
    made = World()
    async with services.database.write() as session:
        rows = [Department(name=f"d {new_id()}") for _ in range(departments)]
        session.add_all(rows)
        await session.flush()
        for (role, number), name in zip(people, names, strict=True):
            department_id = None if number is None else rows[number].id
            await _make_person(services, session, made, role, department_id, name)
        for person in made.people:
            await _make_setting(services, session, made, person, provider_id)
        for row in rows:
            made.things["budgets"].append(await _budget(session, "department", row.id, Thing("", None, row.id)))
            made.things["limits"].append(await _limit(session, "department", row.id, Thing("", None, row.id)))
            made.things["departments"].append(Thing(row.id, None, row.id))
        for department_id in (None, *(row.id for row in rows)):
            made.things["invitations"].append(await _invitation(session, department_id))
            made.things["webhooks"].append(await _webhook(session, made, department_id))
            made.things["events"].append(await make_event(session, None, department_id))
        session.changes.all_keys()
    return made


async def _make_person(
    services: ControlServices, session: Any, made: World, role: str, department_id: str | None, name: str
) -> None:
    user = User(display_name=name, role=role, department_id=department_id)
    session.add(user)
    await session.flush()
    whose = Thing("", user.id, department_id)
    text = KEY_PREFIX + random_text(256)
    digest = key_digest(text.encode(), services.sealer.keyring.pepper)
    key = ApiKey(
        user_id=user.id, name=name, prefix=text[:10], digest=digest, scopes=[], tier="standard", models=[],
        networks=[], role=role,
    )  # fmt: skip
    signed_in = filled(
        Session, user_id=user.id, method="local", expires_at_ms=now_ms() + 10**7, last_seen_at_ms=now_ms()
    )
    session.add_all([key, signed_in])
    await session.flush()
    event = UUID(new_id()).bytes
    call = {"user_id": user.id, "key_id": key.id, "department_id": department_id}
    session.add(filled(LedgerRow, event_id=event, started_at_ms=AT_MS, **call))
    total = {**call, "department_id": department_id or ""}
    session.add(filled(LedgerTotal, day=DAY, requests=1, **total))
    request_id = new_id()
    session.add(filled(GuardDecision, event_id=event, at_ms=AT_MS, request_id=request_id, **call))
    made.people.append(Somebody(user.id, role, department_id, text))
    found = {
        "users": user.id, "keys": key.id, "sessions": signed_in.id, "ledger": str(UUID(bytes=event)),
        "decisions": request_id,
    }  # fmt: skip
    for kind, found_id in found.items():
        made.things[kind].append(Thing(found_id, user.id, department_id))
    made.things["events"].append(await make_event(session, user.id, department_id))
    for subject, subject_id in (("user", user.id), ("key", key.id)):
        made.things["budgets"].append(await _budget(session, subject, subject_id, whose))
        made.things["limits"].append(await _limit(session, subject, subject_id, whose))


async def _make_setting(
    services: ControlServices, session: Any, made: World, person: Somebody, provider_id: str
) -> None:
    secret = "sk-" + random_text(256)
    credential = Credential(
        provider_id=provider_id, owner_id=person.id, label="personal", sealed=services.sealer.seal(secret),
        hint=f"sk-{secret[-20:]}",
    )  # fmt: skip
    session.add(credential)
    await session.flush()
    session.add(ProviderSetting(user_id=person.id, provider_id=provider_id, credential_id=credential.id))
    made.personal[person.id] = credential.id
    whose = Thing(credential.hint, person.id, person.department_id)
    made.things["settings"].append(whose)
    made.things["budgets"].append(await _budget(session, "credential", credential.id, whose))


async def make_event(session: Any, user_id: str | None, department_id: str | None) -> Thing:
    """About a person, a department, or the whole gateway."""
    row = emit(session, UserActivated(user_id=user_id or ""), user_id=user_id, department_id=department_id)
    await session.flush()
    return Thing(row.id, user_id, department_id)


async def _webhook(session: Any, made: World, department_id: str | None) -> Thing:
    """With a test on its way to it."""
    row = filled(WebhookEndpoint, event_types=["*"], department_id=department_id)
    session.add(row)
    await session.flush()
    test = emit(session, Ping(receiver_id=row.id, message=""), department_id=department_id, only=row.id)
    await session.flush()
    made.tests.add(test.id)
    return Thing(row.id, None, department_id)


async def _budget(session: Any, kind: str, subject: str, whose: Thing) -> Thing:
    row = filled(
        Budget, kind=kind, subject=subject, amount_nanousd=10**9, period="month", zone="UTC", hard=True, alerts=[80]
    )
    session.add(row)
    await session.flush()
    return Thing(row.id, whose.owner_id, whose.department_id)


async def _invitation(session: Any, department_id: str | None) -> Thing:
    name = new_id()
    row = filled(
        Invitation, email=f"{name}@example.com", role="user", department_id=department_id, digest=UUID(name).bytes * 2,
        expires_at_ms=now_ms() + 10**7,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    return Thing(row.id, None, department_id)


async def _limit(session: Any, subject: str, name: str, whose: Thing) -> Thing:
    row = filled(Limit, subject=subject, name=name, resource="requests", window_s=60, amount=1000)
    session.add(row)
    await session.flush()
    return Thing(row.id, whose.owner_id, whose.department_id)
