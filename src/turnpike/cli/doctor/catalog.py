"""The catalog: providers that cannot be called, models that cost nobody knows what."""

from collections.abc import Sequence

from turnpike.cli.client import Control
from turnpike.cli.doctor.finding import Finding, ok, problem, warning
from turnpike.cli.output import Row
from turnpike.cli.registration import MODELS, PROVIDERS
from turnpike.wire.vendors import VENDORS


async def catalog(control: Control) -> list[Finding]:
    providers = await control.rows(PROVIDERS)
    models = await control.rows(MODELS)
    return [*look_at_providers(providers), *look_at_models(models)]


def look_at_providers(providers: Sequence[Row]) -> list[Finding]:
    active = [row for row in providers if row.get("is_active", True)]
    if not active:
        return [problem("providers", "none is registered", "turnpike providers add VENDOR")]
    without = [row["slug"] for row in active if _needs(row) and not has_credential(row)]
    if without:
        names = ", ".join(without)
        return [problem("providers", f"no credential: {names}", "turnpike providers set-key PROVIDER, for each")]
    if all(row["vendor"] == "simulator" for row in active):
        return [warning("providers", "only the simulator answers", "turnpike providers add VENDOR")]
    return [ok("providers", ", ".join(row["slug"] for row in active))]


def _needs(row: Row) -> bool:
    vendor = VENDORS.get(str(row.get("vendor")))
    return vendor is not None and vendor.needs_credential


def has_credential(row: Row) -> bool:
    return bool(row.get("credentials"))


def look_at_models(models: Sequence[Row]) -> list[Finding]:
    active = [row for row in models if row.get("is_active", True)]
    if not active:
        return [problem("models", "none is registered", "turnpike providers sync-models PROVIDER")]
    unpriced = [str(row["name"]) for row in active if not row.get("priced")]
    if unpriced:
        shown = ", ".join(unpriced[:5]) + (f" and {len(unpriced) - 5} more" if len(unpriced) > 5 else "")
        return [
            warning(
                "models",
                f"{len(active)} models, {len(unpriced)} without a price: {shown}",
                "their calls are in the ledger without a cost; set price_override on the model where it has one",
            )
        ]
    return [ok("models", f"{len(active)} models, all with a price")]
