"""Every table, so that `Base.metadata` is whole once this is imported. Rows and constraints; no behaviour."""

from turnpike.control.db.base import Base
from turnpike.control.db.models.audit import (
    AuditCheckpoint,
    AuditEntry,
    AuditErasure,
    AuditHead,
    AuditPersonal,
    AuditWaiting,
)
from turnpike.control.db.models.budgets import Budget, BudgetAlert, BudgetCounter, BudgetSlice
from turnpike.control.db.models.caching import CacheClearRow, CacheRuleRow
from turnpike.control.db.models.catalog import Credential, Model, ModelAlias, Provider, ProviderSetting
from turnpike.control.db.models.identity import Department, User
from turnpike.control.db.models.keys import ApiKey
from turnpike.control.db.models.leases import LentSeats, LentWindow
from turnpike.control.db.models.ledger import LedgerRow, LedgerTotal
from turnpike.control.db.models.limits import Limit, Tier
from turnpike.control.db.models.objects import OwnedObjectRow
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
    "ApiKey",
    "AuditCheckpoint",
    "AuditEntry",
    "AuditErasure",
    "AuditHead",
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
    "Department",
    "EntryLink",
    "FeatureFlag",
    "GuardDecision",
    "GuardPolicy",
    "IdempotentAnswer",
    "Issuer",
    "LedgerRow",
    "LedgerTotal",
    "LentSeats",
    "LentWindow",
    "Limit",
    "Meta",
    "Model",
    "ModelAlias",
    "NetworkRule",
    "OwnedObjectRow",
    "Password",
    "Policy",
    "Provider",
    "ProviderSetting",
    "RefreshToken",
    "ResidencyPolicy",
    "RouteRow",
    "RouteVersion",
    "Session",
    "SignInThrottle",
    "SigningKey",
    "StoredSetting",
    "Tier",
    "User",
    "UserIdentity",
]
