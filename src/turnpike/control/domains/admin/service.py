"""Changing the keys that encrypt secrets at rest."""

import asyncio

from turnpike.control.domains.admin.schemas import RotatedView, RotateSecretsBody
from turnpike.control.infra.secrets.rotation import reseal_all
from turnpike.control.services import ControlServices
from turnpike.errors import Conflict


async def rotate_secrets(control: ControlServices, body: RotateSecretsBody) -> RotatedView:
    """A new key in front (where the keys are in our file), then every row under it. Raises Conflict or
    ConfigurationError."""
    keyring = control.sealer.keyring
    new_key = keyring.file is not None if body.new_key is None else body.new_key
    if new_key and keyring.file is None:
        raise Conflict(
            "The encryption keys come from TURNPIKE_SECRET_KEYS: put the new key in front of the others there, restart "
            "every control process, and rotate again with new_key=false."
        )
    if new_key:
        control.sealer.use(await asyncio.to_thread(keyring.with_new_key))
    done = await reseal_all(control.database, control.sealer)
    forgotten = 0
    if body.forget_old_keys and control.sealer.keyring.file is not None and not done.unreadable:
        forgotten = len(control.sealer.keyring.fernet_keys) - 1
        control.sealer.use(await asyncio.to_thread(control.sealer.keyring.with_newest_only))
    control.keeper.write_down_soon()
    return RotatedView(
        reencrypted=done.count,
        unreadable=done.unreadable,
        new_key=new_key,
        keys=len(control.sealer.keyring.fernet_keys),
        forgotten=forgotten,
    )
