"""Every table, so that `Base.metadata` is whole once this is imported. Rows and constraints; no behaviour."""

from turnpike.control.db.base import Base
from turnpike.control.db.models.alerts import AlertRecord, AlertRule, AlertSilence, AlertState, AlertTarget
from turnpike.control.db.models.audit import (
    AuditCheckpoint,
    AuditEntry,
    AuditErasure,
    AuditHead,
    AuditMark,
    AuditPersonal,
    AuditWaiting,
)
from turnpike.control.db.models.budgets import Budget, BudgetAlert, BudgetCounter, BudgetSlice
from turnpike.control.db.models.caching import CacheClearRow, CacheRuleRow
from turnpike.control.db.models.catalog import Credential, Model, ModelAlias, Provider, ProviderSetting
from turnpike.control.db.models.events import (
    Delivery,
    DeliveryAttempt,
    EventHead,
    EventRow,
    KeyNotice,
    ProviderDown,
    WebhookEndpoint,
    WorkClaim,
)
from turnpike.control.db.models.identity import Department, RoleRow, User
from turnpike.control.db.models.keys import ApiKey
from turnpike.control.db.models.leases import LentSeats, LentWindow
from turnpike.control.db.models.ledger import LedgerRow, LedgerTotal
from turnpike.control.db.models.limits import Limit, LimitReset, Tier
from turnpike.control.db.models.objects import OwnedObjectRow
from turnpike.control.db.models.people import (
    Invitation,
    ScimGroup,
    ScimMapping,
    ScimMember,
    ScimToken,
    ScimUser,
)
from turnpike.control.db.models.platform import FeatureFlag, IdempotentAnswer, StoredSetting
from turnpike.control.db.models.policies import GuardDecision, GuardPolicy
from turnpike.control.db.models.routes import ResidencyPolicy, RouteRow, RouteVersion
from turnpike.control.db.models.security import NetworkRule
from turnpike.control.db.models.signin import (
    EntryLink,
    Issuer,
    Password,
    RefreshToken,
    Session,
    SigningKey,
    SignInThrottle,
    UserIdentity,
)
from turnpike.control.db.models.state import Change, Meta, Policy

__all__ = [
    "AlertRecord",
    "AlertRule",
    "AlertSilence",
    "AlertState",
    "AlertTarget",
    "ApiKey",
    "AuditCheckpoint",
    "AuditEntry",
    "AuditErasure",
    "AuditHead",
    "AuditMark",
    "AuditPersonal",
    "AuditWaiting",
    "Base",
    "Budget",
    "BudgetAlert",
    "BudgetCounter",
    "BudgetSlice",
    "CacheClearRow",
    "CacheRuleRow",
    "Change",
    "Credential",
    "Delivery",
    "DeliveryAttempt",
    "Department",
    "EntryLink",
    "EventHead",
    "EventRow",
    "FeatureFlag",
    "GuardDecision",
    "GuardPolicy",
    "IdempotentAnswer",
    "Invitation",
    "Issuer",
    "KeyNotice",
    "LedgerRow",
    "LedgerTotal",
    "LentSeats",
    "LentWindow",
    "Limit",
    "LimitReset",
    "Meta",
    "Model",
    "ModelAlias",
    "NetworkRule",
    "OwnedObjectRow",
    "Password",
    "Policy",
    "Provider",
    "ProviderDown",
    "ProviderSetting",
    "RefreshToken",
    "ResidencyPolicy",
    "RoleRow",
    "RouteRow",
    "RouteVersion",
    "ScimGroup",
    "ScimMapping",
    "ScimMember",
    "ScimToken",
    "ScimUser",
    "Session",
    "SignInThrottle",
    "SigningKey",
    "StoredSetting",
    "Tier",
    "User",
    "UserIdentity",
    "WebhookEndpoint",
    "WorkClaim",
]
