"""The closed list of permissions, how far each may reach, and sets of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Reach(IntEnum):
    """Whose data a permission is about, in rising order."""

    OWN = 1
    DEPARTMENT = 2
    ALL = 3


REACH_NAMES: dict[Reach, str] = {
    Reach.OWN: "own_data",
    Reach.DEPARTMENT: "department_data",
    Reach.ALL: "all_data",
}
REACHES: dict[str, Reach] = {name: reach for reach, name in REACH_NAMES.items()}


class Permission(StrEnum):
    """In the order of their bits; new ones are appended, never inserted."""

    CHAT = "chat"
    VIEW_ASSISTANTS = "view_assistants"
    MANAGE_ASSISTANTS = "manage_assistants"
    VIEW_ANALYTICS = "view_analytics"
    VIEW_MODELS = "view_models"
    MANAGE_PROVIDERS = "manage_providers"
    MANAGE_ROUTES = "manage_routes"
    MANAGE_CACHE = "manage_cache"
    VIEW_USERS = "view_users"
    MANAGE_USERS = "manage_users"
    VIEW_DEPARTMENTS = "view_departments"
    MANAGE_DEPARTMENTS = "manage_departments"
    MANAGE_ROLES = "manage_roles"
    VIEW_KEYS = "view_keys"
    MANAGE_KEYS = "manage_keys"
    VIEW_SESSIONS = "view_sessions"
    MANAGE_SESSIONS = "manage_sessions"
    VIEW_LIMITS = "view_limits"
    MANAGE_LIMITS = "manage_limits"
    VIEW_BUDGETS = "view_budgets"
    MANAGE_BUDGETS = "manage_budgets"
    VIEW_DECISIONS = "view_decisions"
    MANAGE_POLICIES = "manage_policies"
    VIEW_AUDIT = "view_audit"
    VERIFY_AUDIT = "verify_audit"
    ERASE_AUDIT = "erase_audit"
    MANAGE_ISSUERS = "manage_issuers"
    MANAGE_NETWORKS = "manage_networks"
    MANAGE_SECRETS = "manage_secrets"
    VIEW_CLUSTER = "view_cluster"
    MANAGE_CLUSTER = "manage_cluster"
    MANAGE_SETTINGS = "manage_settings"
    MANAGE_FLAGS = "manage_flags"
    MANAGE_WEBHOOKS = "manage_webhooks"
    MANAGE_ALERTS = "manage_alerts"
    VIEW_EVENTS = "view_events"
    MANAGE_PROVISIONING = "manage_provisioning"
    MANAGE_PERSONAL_DATA = "manage_personal_data"
    VIEW_TRAINING = "view_training"
    MANAGE_TRAINING = "manage_training"
    MANAGE_PLATFORM = "manage_platform"


WORDS: dict[Permission, str] = {
    Permission.CHAT: "Call models, and keep one's own settings at providers.",
    Permission.VIEW_ASSISTANTS: "See assistants.",
    Permission.MANAGE_ASSISTANTS: "Make and change assistants.",
    Permission.VIEW_ANALYTICS: "Read the ledger: calls, usage and costs.",
    Permission.VIEW_MODELS: "See active providers and models, and the rules of the cache.",
    Permission.MANAGE_PROVIDERS: "Providers, shared credentials, models, names and prices.",
    Permission.MANAGE_ROUTES: "Routes of models, and data residency.",
    Permission.MANAGE_CACHE: "Rules of the cache, and clearing it.",
    Permission.VIEW_USERS: "See people and roles.",
    Permission.MANAGE_USERS: "Add, change and deactivate people, give them roles, let them in by a link.",
    Permission.VIEW_DEPARTMENTS: "See departments.",
    Permission.MANAGE_DEPARTMENTS: "Make, rename and remove departments.",
    Permission.MANAGE_ROLES: "Make, change and remove roles.",
    Permission.VIEW_KEYS: "See API keys.",
    Permission.MANAGE_KEYS: "Make, change, rotate and revoke API keys.",
    Permission.VIEW_SESSIONS: "See who is signed in.",
    Permission.MANAGE_SESSIONS: "End sessions.",
    Permission.VIEW_LIMITS: "See limits and what is used of them.",
    Permission.MANAGE_LIMITS: "Set limits and tiers.",
    Permission.VIEW_BUDGETS: "See budgets, what is spent of them, and their alerts.",
    Permission.MANAGE_BUDGETS: "Set budgets.",
    Permission.VIEW_DECISIONS: "See what guards decided.",
    Permission.MANAGE_POLICIES: "See, try and change guards and bounds.",
    Permission.VIEW_AUDIT: "Read the audit log.",
    Permission.VERIFY_AUDIT: "Verify, sign and export the audit log.",
    Permission.ERASE_AUDIT: "Remove personal data and old entries from the audit log.",
    Permission.MANAGE_ISSUERS: "Say which identity providers are trusted.",
    Permission.MANAGE_NETWORKS: "Say which networks may come in.",
    Permission.MANAGE_SECRETS: "Change the keys that encrypt secrets and sign tokens.",
    Permission.VIEW_CLUSTER: "See metrics and the state of the gateway's parts.",
    Permission.MANAGE_CLUSTER: "Retries, breakers, queues and shedding.",
    Permission.MANAGE_SETTINGS: "Change settings of the gateway.",
    Permission.MANAGE_FLAGS: "Switch features.",
    Permission.MANAGE_WEBHOOKS: "Webhooks and what they are sent.",
    Permission.MANAGE_ALERTS: "Rules of alerts, and silencing them.",
    Permission.VIEW_EVENTS: "Follow what happens, as it happens.",
    Permission.MANAGE_PROVISIONING: "Bring people and groups in from a directory.",
    Permission.MANAGE_PERSONAL_DATA: "Export and erase what is known of people.",
    Permission.VIEW_TRAINING: "See datasets and training jobs.",
    Permission.MANAGE_TRAINING: "Datasets and training jobs.",
    Permission.MANAGE_PLATFORM: "Whatever else concerns the whole gateway.",
}
_P = Permission
WHOLE: frozenset[Permission] = frozenset((
    _P.MANAGE_PROVIDERS, _P.MANAGE_ROUTES, _P.MANAGE_CACHE, _P.MANAGE_DEPARTMENTS, _P.MANAGE_ROLES, _P.MANAGE_LIMITS,
    _P.MANAGE_BUDGETS, _P.MANAGE_POLICIES, _P.VERIFY_AUDIT, _P.ERASE_AUDIT, _P.MANAGE_ISSUERS, _P.MANAGE_NETWORKS,
    _P.MANAGE_SECRETS, _P.VIEW_CLUSTER, _P.MANAGE_CLUSTER, _P.MANAGE_SETTINGS, _P.MANAGE_FLAGS, _P.MANAGE_WEBHOOKS,
    _P.MANAGE_ALERTS, _P.MANAGE_PROVISIONING, _P.MANAGE_PLATFORM,
))  # fmt: skip
"""About the whole gateway: held at `all_data`, or not at all."""

BIT: dict[Permission, int] = {permission: 1 << place for place, permission in enumerate(Permission)}


@dataclass(frozen=True)
class Rights:
    """Permissions at their reaches, as bits: who holds one at a reach holds it at the lower ones as well."""

    own: int = 0
    department: int = 0
    everywhere: int = 0

    @classmethod
    def of(cls, held: Mapping[Permission, Reach]) -> "Rights":
        bits = [sum(BIT[each] for each, reach in held.items() if reach >= least) for least in Reach]
        return cls(*bits)

    @classmethod
    def read(cls, stored: Mapping[str, str]) -> "Rights":
        """By name; a name of another release is nobody's right."""
        known = {name.value: name for name in Permission}
        return cls.of(
            {known[name]: REACHES[reach] for name, reach in stored.items() if name in known and reach in REACHES}
        )

    def reach(self, permission: Permission) -> Reach | None:
        """How far it goes; None: not held."""
        bit = BIT[permission]
        if self.everywhere & bit:
            return Reach.ALL
        if self.department & bit:
            return Reach.DEPARTMENT
        return Reach.OWN if self.own & bit else None

    def names(self) -> dict[str, str]:
        """By name, in the order of the list."""
        held = {permission.value: self.reach(permission) for permission in Permission}
        return {name: REACH_NAMES[reach] for name, reach in held.items() if reach is not None}

    def bits(self) -> tuple[int, int, int]:
        return self.own, self.department, self.everywhere

    def covers(self, other: "Rights") -> bool:
        """Whether everything of `other` is held, as far as there."""
        pairs = zip(self.bits(), other.bits(), strict=True)
        return all(theirs & ~ours == 0 for ours, theirs in pairs)

    def __and__(self, other: "Rights") -> "Rights":
        return Rights(*(ours & theirs for ours, theirs in zip(self.bits(), other.bits(), strict=True)))

    def __or__(self, other: "Rights") -> "Rights":
        return Rights(*(ours | theirs for ours, theirs in zip(self.bits(), other.bits(), strict=True)))

    def __bool__(self) -> bool:
        return bool(self.own)

    def weight(self) -> tuple[int, ...]:
        """Higher for who has more, the widest reach first: tells which of several roles is the highest."""
        return tuple(bits.bit_count() for bits in reversed(self.bits()))


def own(permissions: Iterable[Permission]) -> Rights:
    """At the lowest reach."""
    return Rights.of(dict.fromkeys(permissions, Reach.OWN))
