"""Rows of the catalog to answers: what whom is shown."""

from turnpike.control.db.models import Credential
from turnpike.control.domains.catalog.access import Access
from turnpike.control.domains.catalog.facts import known_vendor
from turnpike.control.domains.catalog.price_schemas import view_rates
from turnpike.control.domains.catalog.rates import read_rates
from turnpike.control.domains.catalog.rows import ModelRow, ProviderRow
from turnpike.control.domains.catalog.schemas import CredentialView, ModelView, ProviderView
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.envelope import moment
from turnpike.control.web.principal import Principal
from turnpike.kit.crypto import MASK
from turnpike.wire.parameters import secret_names


def view_provider(row: ProviderRow, principal: Principal) -> ProviderView:
    view = ProviderView(
        id=row.id,
        slug=row.slug,
        name=row.name,
        display_name=row.display_name,
        website=row.website,
        vendor=row.vendor,
        is_active=row.is_active,
        sort_order=row.sort_order,
        access=Access(principal).to_provider(row),
        allow_shared_for_users=row.allow_shared_for_users,
        allow_shared_for_normal_admins=row.allow_shared_for_normal_admins,
        created_at=moment(row.created_at_ms),
        updated_at=moment(row.updated_at_ms),
    )
    if principal.may(Permission.MANAGE_PROVIDERS):
        view.api_base_url = row.api_base_url
        view.shared_api_key = row.credentials[0] if row.credentials else None
        view.credentials = row.credentials
        view.allow_addresses = row.allow_addresses
        view.proxy = row.proxy
        view.region = row.region
        view.config = row.config
        view.parameters = row.parameters | _masked(row)
    return view


def _masked(row: ProviderRow) -> dict[str, str]:
    """Parts of the credential: the first by its hint, of the others only that they are there."""
    if not row.credentials:
        return {}
    names = secret_names(known_vendor(row.vendor))
    return {name: row.credentials[0] if place == 0 else MASK for place, name in enumerate(names)}


def view_model(row: ModelRow, access: Access) -> ModelView:
    rates = read_rates(row.rates)
    return ModelView(
        id=row.id,
        provider=row.provider,
        provider_id=row.provider_id,
        name=row.name,
        model_id=row.model_id,
        display_name=row.display_name,
        capabilities=row.capabilities,
        is_active=row.is_active,
        sort_order=row.sort_order,
        weight=row.weight,
        max_in_flight=row.max_in_flight,
        context_window=row.context_window,
        max_output_tokens=row.max_output_tokens,
        region=row.region,
        priced=rates is not None,
        price=None if rates is None else view_rates(rates),
        price_source=row.price_source,
        access=access.to_model(row),
        created_at=moment(row.created_at_ms),
        updated_at=moment(row.updated_at_ms),
    )


def view_credential(row: Credential) -> CredentialView:
    return CredentialView(
        id=row.id,
        label=row.label,
        api_key=row.hint,
        is_active=row.is_active,
        created_at=moment(row.created_at_ms),
        updated_at=moment(row.updated_at_ms),
    )
