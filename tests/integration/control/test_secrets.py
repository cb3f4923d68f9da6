"""Rotating the encryption keys: every row, counted, however often and wherever it was stopped."""

import pytest
from sqlalchemy import select

from tests.integration.control.test_keys import _aged, resolve
from tests.support.control import SECRET, Api, api, make_key, make_provider, make_user, running_control
from turnpike.control.boot import prepare
from turnpike.control.db.models import ApiKey, Base, Credential
from turnpike.control.infra.secrets import load_keyring
from turnpike.control.infra.secrets.rotation import SEALED, reseal_all
from turnpike.control.services import ControlServices
from turnpike.control.tasks import PeriodicTasks
from turnpike.errors import ConfigurationError

ROTATE = "/api/v1/admin/secrets/rotate"


def test_every_column_that_holds_sealed_text_is_rotated() -> None:
    columns = {
        (mapper.class_, column.key)
        for mapper in Base.registry.mappers
        for column in mapper.columns
        if column.key.startswith("sealed")
    }
    assert columns == set(SEALED)


async def sealed(services: ControlServices) -> list[str]:
    async with services.database.read() as session:
        first = (await session.scalars(select(Credential.sealed).order_by(Credential.id))).all()
        second = (await session.scalars(select(ApiKey.sealed_key).where(ApiKey.sealed_key.is_not(None)))).all()
    return [*first, *(text for text in second if text)]


@pytest.fixture
async def filled(services: ControlServices, operator: Api) -> ControlServices:
    """Shared and personal credentials, and a successor that waits: seven sealed values."""
    await make_provider(operator, shared_api_key=SECRET)
    for number in range(4):
        body = {"label": str(number), "api_key": f"sk-{number}-" + "x" * 20}
        await operator.data("POST", "/api/v1/ai/providers/acme/credentials", body)
    person = await make_key(operator, user_id=await make_user(operator))
    async with api(services, person["key"]) as caller:
        await caller.data("PUT", "/api/v1/ai/providers/acme/settings", {"personal_api_key": SECRET})
    services.settings = services.settings.model_copy(update={"api_key_rotation_days": 1})
    await _aged(services, person["id"], 2)
    assert await PeriodicTasks(services).rotate_keys() == 1
    return services


async def test_rotation_reencrypts_every_row_and_says_how_many(filled: ControlServices, operator: Api) -> None:
    before = await sealed(filled)
    opened = sorted(filled.sealer.open(text) for text in before)
    done = await operator.data("POST", ROTATE)
    assert (done["reencrypted"], done["unreadable"], done["new_key"], done["keys"]) == (7, 0, True, 2)
    after = await sealed(filled)
    assert len(after) == 7
    assert not set(before) & set(after)
    assert all(text.startswith(filled.sealer.current_prefix) for text in after)
    assert sorted(filled.sealer.open(text) for text in after) == opened
    assert load_keyring(filled.settings).fernet_keys == filled.sealer.keyring.fernet_keys


async def test_repeating_without_a_new_key_finds_nothing_left(filled: ControlServices, operator: Api) -> None:
    await operator.data("POST", ROTATE)
    done = await operator.data("POST", ROTATE, {"new_key": False})
    assert (done["reencrypted"], done["keys"]) == (0, 2)


async def test_a_rotation_that_was_stopped_goes_on_where_it_was(filled: ControlServices) -> None:
    filled.sealer.use(filled.sealer.keyring.with_new_key())
    async with filled.database.write() as session:
        row = (await session.scalars(select(Credential).order_by(Credential.id).limit(1))).one()
        row.sealed = filled.sealer.seal(filled.sealer.open(row.sealed))
    done = await reseal_all(filled.database, filled.sealer, batch=2)
    assert (done.count, done.unreadable) == (6, 0)
    assert all(text.startswith(filled.sealer.current_prefix) for text in await sealed(filled))


async def test_old_keys_are_forgotten_only_when_asked_and_when_nothing_needs_them(
    filled: ControlServices, operator: Api
) -> None:
    async with filled.database.write() as session:
        row = (await session.scalars(select(Credential).limit(1))).one()
        good, row.sealed = row.sealed, "00000000:damaged"
    done = await operator.data("POST", ROTATE, {"forget_old_keys": True})
    assert (done["reencrypted"], done["unreadable"], done["forgotten"], done["keys"]) == (6, 1, 0, 2)
    async with filled.database.write() as session:
        (await session.scalars(select(Credential).where(Credential.id == row.id))).one().sealed = good
    done = await operator.data("POST", ROTATE, {"new_key": False, "forget_old_keys": True})
    assert (done["reencrypted"], done["forgotten"], done["keys"]) == (1, 1, 1)
    assert len(load_keyring(filled.settings).fernet_keys) == 1


async def test_keys_and_providers_work_after_a_rotation_and_a_restart(
    filled: ControlServices, operator: Api, first_key: str
) -> None:
    await operator.data("POST", ROTATE, {"forget_old_keys": True})
    async with running_control(filled.settings) as again:
        assert again.keeper.snapshot is not None
        secrets = [credential.secret for credential in again.keeper.snapshot.providers[0].credentials]
        assert SECRET in secrets
        assert await resolve(again, first_key) is not None


async def test_only_a_super_admin_rotates(services: ControlServices, operator: Api) -> None:
    made = await make_key(operator, user_id=await make_user(operator, "admin"), scopes=["admin"])
    async with api(services, made["key"]) as admin:
        assert (await admin.post(ROTATE)).status_code == 403


# ---- the database and its secrets belong together


async def test_a_lost_secrets_file_is_noticed_before_anything_is_served(filled: ControlServices) -> None:
    filled.settings.secrets_file.unlink()
    with pytest.raises(ConfigurationError, match=r"pepper .* Restore it"):
        await prepare(filled.settings)


async def test_another_encryption_key_is_noticed(filled: ControlServices) -> None:
    keyring = filled.sealer.keyring
    keyring.with_new_key()
    only_new = load_keyring(filled.settings).with_newest_only()
    with pytest.raises(ConfigurationError, match="do not open"):
        await prepare(filled.settings, only_new)
