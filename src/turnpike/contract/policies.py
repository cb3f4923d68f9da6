"""Policies: for whom, and what guards and bounds then hold. Part of the snapshot."""

import msgspec

from turnpike.wire.guards.spec import BoundsSpec as BoundsSpec
from turnpike.wire.guards.spec import GuardSpec as GuardSpec


class PolicySpec(msgspec.Struct, frozen=True):
    """Each list narrows the policy; an empty one does not. All empty: the whole gateway."""

    id: str
    name: str
    priority: int = 100
    """Lower ones come first where several policies apply; all that apply hold."""
    keys: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    """These three by id."""
    tiers: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    """Names with `*`, of what the caller asks for or of what it stands for."""
    guards: tuple[GuardSpec, ...] = ()
    bounds: BoundsSpec | None = None
    fail_closed: bool = True
    """What a guard should have looked at and could not is refused."""
    media: str = "block"
    """`block` or `allow`: images, sounds and files, which no guard can read, where a guard masks or blocks."""

    @property
    def enforces(self) -> bool:
        """A guard of it keeps something from going on."""
        return any(guard.action in ("mask", "restore", "block") for guard in self.guards)
