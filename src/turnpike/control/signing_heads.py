"""Signs where the audit log stands: now and then while something is added, and when control ends."""

import asyncio

import structlog

from turnpike.control.background import Background
from turnpike.control.db.database import UNREACHABLE
from turnpike.control.domains.audit import service as audit
from turnpike.control.services import ControlServices

_LOOK_S = 5.0
log = structlog.get_logger()


class HeadSigner(Background):
    """A runner. Ended last of all that write entries, so that its signature reaches to the end."""

    task_name = "audit heads"

    def __init__(self, control: ControlServices) -> None:
        self._control = control

    async def stop(self) -> None:
        await super().stop()
        control = self._control
        try:
            # What the drain found last.
            await control.refusals.flush()
            async with control.database.write() as session:
                await audit.sign_head(session, audit.signer_of(control.sealer))
        except UNREACHABLE as error:
            log.warning("audit_head_not_signed", error_type=type(error).__name__)

    async def _run(self) -> None:
        control = self._control
        signer = audit.signer_of(control.sealer)
        every_s = min(_LOOK_S, control.settings.audit_sign_every_s)
        while True:
            await asyncio.sleep(every_s)
            try:
                await audit.sign_if_due(control.settings, control.database, signer)
            except UNREACHABLE as error:
                log.debug("audit_head_waits", error_type=type(error).__name__)
