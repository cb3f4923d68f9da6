"""Rows of routes and residency policies to what the snapshot holds of them."""

import msgspec

from turnpike.contract.routes import ResidencySpec, RouteSpec, Rule
from turnpike.control.db.models import ResidencyPolicy, RouteRow


def route_spec(row: RouteRow) -> RouteSpec:
    return RouteSpec(row.name, msgspec.convert(row.rules, tuple[Rule, ...]), row.version)


def residency_spec(row: ResidencyPolicy) -> ResidencySpec:
    return ResidencySpec(row.id, row.name, tuple(row.regions), tuple(row.departments), tuple(row.keys), tuple(row.tags))
