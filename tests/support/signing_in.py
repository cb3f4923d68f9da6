"""Signing in through an issuer, as the tests of it do: who is trusted, who comes in, and as whom."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest

from tests.support.control import BASE, Api, running_control
from tests.support.issuer import CLIENT, FakeIssuer, callback, running_issuer
from tests.support.people import AUTH, browser
from turnpike.control.services import ControlServices
from turnpike.settings import Settings

HERE = {"allow_addresses": ["127.0.0.1/32", "::1/128"]}


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[ControlServices]:
    async with running_control(settings.model_copy(update={"public_url": BASE})) as running:
        yield running


@pytest.fixture
def issuer() -> Iterator[FakeIssuer]:
    with running_issuer() as running:
        yield running


@pytest.fixture
async def person(services: ControlServices) -> AsyncIterator[Api]:
    async with browser(services) as client:
        yield client


async def trust(operator: Api, url: str, slug: str = "corp", **values: Any) -> dict[str, Any]:
    config = {**HERE, **values.pop("config", {})}
    body = {"slug": slug, "name": slug.title(), "issuer": url, "client_id": CLIENT, "config": config, **values}
    return await operator.data("POST", f"{AUTH}/issuers", body)


async def come_in(person: Api, issuer: FakeIssuer, slug: str = "corp", **answer: str) -> httpx2.Response:
    begun = await person.get(f"{AUTH}/login/{slug}")
    assert begun.status_code == 302, begun.text
    return await person.get(callback(slug, {**issuer.authorize(begun.headers["location"]), **answer}))


async def who(person: Api) -> dict[str, Any]:
    return await person.data("GET", f"{AUTH}/me")
