"""The catalog, compiled for relays: what callers may use, with every address, header, rate and secret in its place."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import structlog
from sqlalchemy import select

from turnpike.contract import CONTRACT_VERSION
from turnpike.contract.limits import LimitRule, Subject
from turnpike.contract.snapshot import AliasSpec, CredentialSpec, ModelSpec, Policies, ProviderSpec, Snapshot
from turnpike.control.budget_specs import SharedBudgets, shared_budgets
from turnpike.control.db.models import (
    Credential,
    GuardPolicy,
    Model,
    ModelAlias,
    Policy,
    Provider,
    ResidencyPolicy,
    RouteRow,
)
from turnpike.control.db.sessions import ReadSession
from turnpike.control.domains.caching.service import read_caching
from turnpike.control.domains.catalog.facts import facts_of, read_config
from turnpike.control.domains.catalog.rates import read_rates
from turnpike.control.domains.catalog.routing import residency_spec, route_spec
from turnpike.control.domains.limits import service as limits
from turnpike.control.domains.policies.service import enabled_policies, spec_of
from turnpike.control.domains.security import service as security
from turnpike.control.domains.settings.runtime import RuntimeSettings
from turnpike.control.infra.secrets import CannotOpen, Sealer
from turnpike.kit.clock import now_ms
from turnpike.settings import CacheStore, Settings
from turnpike.wire.profiles.capabilities import operations_of

GATEWAY_POLICY = "gateway"
_OF_TARGETS = (Subject.PROVIDER, Subject.DEPLOYMENT)
_COLUMNS = (
    Model.id,
    Model.provider_id,
    Model.name,
    Model.model_id,
    Model.capabilities,
    Model.weight,
    Model.context_window,
    Model.max_output_tokens,
    Model.region,
    Model.max_in_flight,
    Model.rates,
    Model.price_source,
    Model.display_name,
    Model.created_at_ms,
)
log = structlog.get_logger()


class _Rows(NamedTuple):
    providers: Sequence[Provider]
    credentials: Sequence[Credential]
    models: Sequence[Any]
    aliases: Sequence[ModelAlias]
    limits: tuple[LimitRule, ...]
    budgets: SharedBudgets
    routes: Sequence[RouteRow]
    residency: Sequence[ResidencyPolicy]
    guards: Sequence[GuardPolicy]


class SnapshotCompiler:
    def __init__(self, settings: Settings, sealer: Sealer, runtime: RuntimeSettings | None = None) -> None:
        self._settings = settings
        self._sealer = sealer
        self._runtime = runtime or RuntimeSettings(settings)

    async def compile(self, session: ReadSession, version: int) -> Snapshot:
        """What is switched off is not in it: to a relay it does not exist."""
        providers = (await session.scalars(select(Provider).where(Provider.is_active).order_by(Provider.id))).all()
        shared = select(Credential).where(Credential.owner_id.is_(None), Credential.is_active)
        credentials = (await session.scalars(shared.order_by(Credential.created_at_ms, Credential.id))).all()
        query = select(*_COLUMNS).join(Provider).where(Model.is_active, Provider.is_active)
        models = (await session.execute(query.order_by(Model.sort_order, Model.name, Model.id))).all()
        aliases = (await session.scalars(select(ModelAlias).order_by(ModelAlias.name))).all()
        networks = await security.rules(session)
        routes = (await session.scalars(select(RouteRow).where(RouteRow.is_active).order_by(RouteRow.name))).all()
        policies = select(ResidencyPolicy).where(ResidencyPolicy.is_active).order_by(ResidencyPolicy.name)
        residency = (await session.scalars(policies)).all()
        guards = (await session.scalars(enabled_policies())).all()
        policy = (await session.scalars(select(Policy.value).where(Policy.name == GATEWAY_POLICY))).first()
        caching = await read_caching(session, store=self._settings.cache_store is not CacheStore.OFF)
        rules = await limits.shared_rules(session)
        # Thousands of rows take a while: the loop goes on serving meanwhile.
        budgets = await shared_budgets(session)
        rows = _Rows(providers, credentials, models, aliases, rules, budgets, routes, residency, guards)
        snapshot = await asyncio.to_thread(self._build, version, rows, policy)
        maintenance = await self._runtime.follow(session)
        return msgspec.structs.replace(snapshot, networks=networks, caching=caching, maintenance=maintenance)

    def _build(self, version: int, rows: _Rows, policy: dict[str, Any] | None) -> Snapshot:
        of_provider: dict[str, list[CredentialSpec]] = {}
        for row in rows.credentials:
            spec = self._credential(row, rows.budgets)
            if spec is not None:
                of_provider.setdefault(row.provider_id, []).append(spec)
        of_providers = limits.of_subject(rows.limits, Subject.PROVIDER)
        of_deployments = limits.of_subject(rows.limits, Subject.DEPLOYMENT)
        specs = tuple(
            _provider(row, tuple(of_provider.get(row.id, ())), of_providers.get(row.id, ()), rows.budgets)
            for row in rows.providers
        )
        operations = {spec.id: spec.operations.keys() for spec in specs}
        return Snapshot(
            contract=CONTRACT_VERSION,
            version=version,
            made_at_ms=now_ms(),
            key_pepper=self._sealer.keyring.pepper,
            providers=specs,
            models=tuple(
                _model(row, operations[row.provider_id], of_deployments.get(row.id, ()), rows.budgets)
                for row in rows.models
            ),
            aliases=tuple(AliasSpec(row.name, row.target, row.retired, row.note) for row in rows.aliases),
            policies=policies_of(self._settings, policy),
            limits=(
                *(rule for rule in rows.limits if rule.subject not in _OF_TARGETS),
                *limits.default_rules(self._settings),
            ),
            budgets=rows.budgets.for_callers,
            routes=tuple(route_spec(row) for row in rows.routes),
            residency=tuple(residency_spec(row) for row in rows.residency),
            guard_policies=tuple(spec_of(row) for row in rows.guards),
        )

    def _credential(self, row: Credential, budgets: SharedBudgets) -> CredentialSpec | None:
        try:
            return CredentialSpec(row.id, self._sealer.open(row.sealed), budgets=budgets.of("credential", row.id))
        except CannotOpen as error:
            # One row that a restored backup left behind must not take every other provider away.
            log.error("credential_cannot_be_opened", credential_id=row.id, reason=error.message)
            return None


def policies_of(settings: Settings, stored: dict[str, Any] | None) -> Policies:
    """The gateway's policies: what is stored, over what the settings say."""
    values = {
        "max_attempts": settings.max_attempts,
        "total_timeout_s": settings.total_timeout_s,
        "passthrough_call_nanousd": round(settings.passthrough_call_usd * 1_000_000_000),
        "admins_see_all_objects": settings.passthrough_admins_see_all,
    }
    return msgspec.convert({**values, **(stored or {})}, Policies)


def _provider(
    row: Provider, credentials: tuple[CredentialSpec, ...], rules: tuple[LimitRule, ...], budgets: SharedBudgets
) -> ProviderSpec:
    facts = facts_of(row.vendor, read_config(row.config), row.parameters)
    return ProviderSpec(
        id=row.id,
        slug=row.slug,
        name=row.display_name,
        vendor=row.vendor,
        base_url=row.api_base_url,
        operations=facts.operations,
        auth=facts.auth,
        headers=facts.headers,
        credentials=credentials,
        needs_credential=facts.needs_credential,
        allow_addresses=tuple(row.allow_addresses),
        proxy=row.proxy,
        shared_for_users=row.allow_shared_for_users,
        shared_for_normal_admins=row.allow_shared_for_normal_admins,
        quirks=facts.quirks,
        region=row.region,
        limits=rules,
        budgets=budgets.of("provider", row.id),
    )


def _model(row: Any, offered: Any, rules: tuple[LimitRule, ...], budgets: SharedBudgets) -> ModelSpec:
    return ModelSpec(
        id=row.id,
        provider_id=row.provider_id,
        name=row.name,
        upstream_model=row.model_id,
        capabilities=tuple(row.capabilities),
        operations=tuple(str(name) for name in operations_of(row.capabilities) if name in offered),
        weight=row.weight,
        context_window=row.context_window,
        max_output_tokens=row.max_output_tokens,
        region=row.region,
        max_in_flight=row.max_in_flight,
        rates=read_rates(row.rates),
        price_source=row.price_source,
        display_name=row.display_name,
        created_s=row.created_at_ms // 1000,
        limits=rules,
        budgets=budgets.of_model(row.name),
    )
