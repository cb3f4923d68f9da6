"""Every table, so that `Base.metadata` is whole once this is imported. Rows and constraints; no behaviour."""

from turnpike.control.db.base import Base
from turnpike.control.db.models.catalog import Credential, Model, ModelAlias, Provider, ProviderSetting
from turnpike.control.db.models.identity import Department, User
from turnpike.control.db.models.keys import ApiKey
from turnpike.control.db.models.leases import LentSeats, LentWindow
from turnpike.control.db.models.ledger import LedgerRow, LedgerTotal
from turnpike.control.db.models.objects import OwnedObjectRow
from turnpike.control.db.models.policies import GuardDecision, GuardPolicy
from turnpike.control.db.models.state import Change, Meta, Policy

__all__ = [
    "ApiKey",
    "Base",
    "Change",
    "Credential",
    "Department",
    "GuardDecision",
    "GuardPolicy",
    "LedgerRow",
    "LedgerTotal",
    "LentSeats",
    "LentWindow",
    "Meta",
    "Model",
    "ModelAlias",
    "OwnedObjectRow",
    "Policy",
    "Provider",
    "ProviderSetting",
    "User",
]
