"""The catalog's services, put together for a request."""

from typing import Annotated

from fastapi import Depends

from turnpike.control.domains.catalog.credentials import Credentials
from turnpike.control.domains.catalog.models import Models
from turnpike.control.domains.catalog.own_settings import OwnSettings
from turnpike.control.domains.catalog.prices import Pricing
from turnpike.control.domains.catalog.providers import Providers
from turnpike.control.domains.catalog.reading import CatalogReader
from turnpike.control.domains.catalog.upstream import Upstream
from turnpike.control.outbound import Outbound
from turnpike.control.web.principal import Services


class Catalog:
    def __init__(self, control: Services) -> None:
        self.pricing = Pricing()
        self.credentials = Credentials(control.sealer)
        self.providers = Providers(control.settings, self.credentials, self.pricing)
        self.models = Models(self.pricing)
        self.own = OwnSettings(self.credentials)
        self.reader = CatalogReader(control.cache, control.keeper.known_snapshot_version)
        self.upstream = Upstream(Outbound(control.settings), self.credentials, self.pricing)


Parts = Annotated[Catalog, Depends(Catalog)]
