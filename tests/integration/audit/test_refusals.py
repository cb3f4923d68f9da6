"""What was refused or failed is in the log once, whatever process dies in between."""

import asyncio
from pathlib import Path
from typing import Any

from tests.integration.audit.conftest import log_of, verdict
from tests.support.control import Api, api, make_key, make_user
from tests.support.journals import JournalWriter, event_id
from turnpike.contract.refusals import RefusalRecord
from turnpike.control.audit.entries import ANONYMOUS, FAILED, REFUSED, Draft
from turnpike.control.audit.signing import HEAD
from turnpike.control.audit.spool import Spool
from turnpike.control.db.models import AuditMark
from turnpike.control.domains.audit import repository
from turnpike.control.drain.runner import drain_once
from turnpike.control.refusals import RefusalLog
from turnpike.control.services import ControlServices
from turnpike.control.signing_heads import HeadSigner
from turnpike.settings import Settings

SECRET = "sk-secret-in-the-wrong-place-0123456789"
NOBODY = "00000000-0000-7000-8000-000000000000"


def refusal(address: str = "192.0.2.9", **facts: Any) -> Draft:
    return Draft(
        "request.authenticate", 1_700_000_000_000, outcome=REFUSED, error_code="UNAUTHENTICATED",
        actor_kind=ANONYMOUS, personal={"address": address}, **facts,
    )  # fmt: skip


async def test_administration_that_fails_leaves_an_entry_with_why_and_no_secret(
    services: ControlServices, operator: Api
) -> None:
    twice = {"name": "Twice"}
    assert (await operator.post("/api/v1/departments", twice)).status_code == 201
    calls = (
        ("POST", "/api/v1/departments", twice, 409, "department.create", None),
        ("DELETE", f"/api/v1/keys/{NOBODY}", None, 404, "key.delete", NOBODY),
        ("DELETE", f"/api/v1/ai/providers/{SECRET}", None, 404, "provider.delete", None),
        ("POST", "/api/v1/keys", {"name": SECRET, "nonsense": SECRET}, 400, "key.create", None),
    )
    for method, path, body, status, _, _ in calls:
        assert (await operator.call(method, path, body)).status_code == status
    await services.refusals.flush()
    failed = await log_of(operator, outcome=FAILED)
    assert [(each["action"], each["object_id"], each["actor"]) for each in failed] == [
        (action, object_id, "operator") for *_, action, object_id in calls
    ]
    assert [each["error_code"] for each in failed] == ["CONFLICT", "NOT_FOUND", "NOT_FOUND", "INVALID_REQUEST"]
    assert SECRET not in "".join(operator.answers[-1:])
    assert (await verdict(operator))["ok"]


async def test_who_may_not_and_reads_what_is_not_there_leave_what_they_left_before(
    services: ControlServices, operator: Api
) -> None:
    """A read that fails is no administration."""
    key = await make_key(operator, user_id=await make_user(operator))
    async with api(services, key["key"]) as caller:
        assert (await caller.get(f"/api/v1/keys/{NOBODY}")).status_code in (403, 404)
    await services.refusals.flush()
    assert await log_of(operator, outcome=FAILED) == []


async def test_a_spool_of_a_process_that_was_killed_is_chained_once(services: ControlServices, operator: Api) -> None:
    folder = services.settings.data_dir / "refusals"
    killed = Spool(folder)
    for _ in range(3):
        assert killed.append(refusal())
    assert killed.append(refusal("198.51.100.1"))
    alive = RefusalLog(services.database, folder)
    assert await alive.flush() == 0, "its writer holds it"
    killed.close()  # what the kernel does for a process that is killed
    (file,) = folder.glob("*.spool")
    copy = file.read_bytes()
    assert await alive.flush() == 2
    assert not file.exists()
    # Killed between the commit and the end of the file.
    file.write_bytes(copy)
    assert await RefusalLog(services.database, folder).flush() == 0
    assert not file.exists()
    found = await log_of(operator, action="request.authenticate")
    assert sorted((each["address"], each["count"]) for each in found) == [("192.0.2.9", 3), ("198.51.100.1", 1)]


async def test_a_line_that_was_cut_off_spoils_nothing(services: ControlServices) -> None:
    folder = services.settings.data_dir / "refusals"
    spool = Spool(folder)
    spool.append(refusal())
    spool.close()
    (file,) = folder.glob("*.spool")
    with file.open("ab") as end:
        end.write(b'{"action": "cut o')
    assert await services.refusals.flush() == 1


async def test_a_flood_is_counted_when_the_file_is_full(
    tmp_path: Path, services: ControlServices, operator: Api
) -> None:
    full = RefusalLog(services.database, tmp_path)
    full._spool = Spool(tmp_path, limit_bytes=600)  # pyright: ignore[reportPrivateUsage]
    for _ in range(50):
        full.note(refusal())
    assert sum(path.stat().st_size for path in tmp_path.glob("*.spool")) <= 600
    await full.flush()
    found = await log_of(operator, action="request.authenticate")
    assert sum(each["count"] for each in found) == 50


async def test_a_journal_that_is_read_again_brings_no_stranger_twice(
    services: ControlServices, operator: Api, settings: Settings
) -> None:
    with JournalWriter(settings.journal_dir) as journal:
        for number in (1, 2):
            journal.append(RefusalRecord(event_id(), number, 5, "192.0.2.7", "UNAUTHENTICATED", 1))
        await drain_once(settings)
        await services.refusals.flush()
        journal.append(RefusalRecord(event_id(), 3, 6, "192.0.2.7", "RATE_LIMITED", 40))
        # Each reads everything from the beginning, as after a crash of control.
        await drain_once(settings)
        await drain_once(settings)
        await services.refusals.flush()
        journal.die()
    await drain_once(settings)
    await services.refusals.flush()
    found = await log_of(operator, action="call.refused")
    assert [(each["error_code"], each["count"], each["address"]) for each in found] == [
        ("UNAUTHENTICATED", 2, "192.0.2.7"), ("RATE_LIMITED", 40, "192.0.2.7"),
    ]  # fmt: skip
    async with services.database.read() as session:
        assert await session.get(AuditMark, journal.folder.name) is None, "nothing is left of a journal that is gone"


async def test_a_control_that_ends_signs_to_the_end(services: ControlServices, operator: Api) -> None:
    before = await verdict(operator)
    assert (before["signed_seq"], before["signed_at"], before["unsigned"]) == (0, None, before["head"])
    signer = HeadSigner(services)
    await signer.start()
    services.refusals.note(refusal())
    await signer.stop()
    said = await verdict(operator)
    assert said["ok"]
    assert (said["signed_seq"], said["unsigned"]) == (before["head"] + 1, 0)
    assert (await operator.post("/api/v1/departments", {"name": "later"})).status_code == 201
    assert (await verdict(operator))["unsigned"] == 1


async def test_heads_are_signed_by_the_clock_while_something_is_added(services: ControlServices, operator: Api) -> None:
    services.settings = services.settings.model_copy(update={"audit_sign_every_s": 1.0})
    signer = HeadSigner(services)
    await signer.start()
    try:
        seen: set[int] = set()
        async with asyncio.timeout(10):
            while len(seen) < 2:
                await operator.post(
                    "/api/v1/departments", {"name": f"d{len(seen)}-{asyncio.get_running_loop().time()}"}
                )
                await asyncio.sleep(0.2)
                async with services.database.read() as session:
                    newest = await repository.newest_checkpoint(session, HEAD)
                seen |= {newest.seq} if newest else set()
    finally:
        await signer.stop()
    assert (await verdict(operator))["ok"]


async def test_a_new_installation_says_how_it_began(operator: Api) -> None:
    (entry,) = await log_of(operator, action="key.create_first")
    assert (entry["actor"], entry["object"], entry["outcome"]) == ("gateway", "key", "ok")
