"""Where data may go: the policies that hold for a request, and whether they let a region pass."""

from collections.abc import Iterable

from turnpike.contract.events import Caller
from turnpike.contract.routes import ResidencySpec
from turnpike.kit.patterns import matches

InForce = tuple[ResidencySpec, ...]
"""The policies that hold for a request."""
_REMEMBERED_AT_MOST = 50_000


class Residency:
    """All policies of a snapshot."""

    __slots__ = ("_found", "_names_keys", "_same", "policies")

    def __init__(self, policies: Iterable[ResidencySpec]) -> None:
        self.policies: InForce = tuple(policies)
        self._names_keys = frozenset(key for policy in self.policies for key in policy.keys)
        self._found: dict[tuple[str | None, str | None, tuple[str, ...]], InForce] = {}
        self._same: dict[tuple[str, ...], InForce] = {(): ()}

    def __bool__(self) -> bool:
        return bool(self.policies)

    def of(self, caller: Caller, tags: tuple[str, ...]) -> InForce:
        """Those that hold for a request of this caller under these tags: the same object for the same policies."""
        if not self.policies:
            return ()
        key_id = caller.key_id if caller.key_id in self._names_keys else None
        known = (caller.department_id, key_id, tags)
        found = self._found.get(known)
        if found is None:
            if len(self._found) >= _REMEMBERED_AT_MOST:
                self._found.clear()
            holding = [each for each in self.policies if _holds(each, caller.department_id, caller.key_id, tags)]
            found = self._same.setdefault(tuple(each.id for each in holding), tuple(holding))
            self._found[known] = found
        return found


def _holds(policy: ResidencySpec, department_id: str | None, key_id: str, tags: tuple[str, ...]) -> bool:
    if not (policy.departments or policy.keys or policy.tags):
        return True
    return department_id in policy.departments or key_id in policy.keys or any(tag in policy.tags for tag in tags)


def in_region(region: str | None, patterns: tuple[str, ...]) -> bool:
    """Case does not matter. What has no region is in none."""
    return region is not None and any(matches(pattern.lower(), region.lower()) for pattern in patterns)


def refusing(policies: InForce, region: str | None) -> ResidencySpec | None:
    """The first policy that does not let data go there; None: all do."""
    return next((policy for policy in policies if not in_region(region, policy.regions)), None)
