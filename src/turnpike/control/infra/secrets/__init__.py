"""Secrets at rest: where the keys come from, sealing with them, and changing them."""

from turnpike.control.infra.secrets.keyring import Keyring, load_keyring
from turnpike.control.infra.secrets.sealer import CannotOpen, Sealer

__all__ = ["CannotOpen", "Keyring", "Sealer", "load_keyring"]
