"""The lane's two settings: a flat price for calls without one, and administrators who see all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.passage.conftest import Person, person, register
from tests.support.gateway import RunningGateway, running_gateway
from tests.support.simulator import RunningSimulator


@pytest.fixture(scope="module")
def strict(simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    settings = {"TURNPIKE_PASSTHROUGH_CALL_USD": "0.002", "TURNPIKE_PASSTHROUGH_ADMINS_SEE_ALL": "true"}
    folder: Path = tmp_path_factory.mktemp("policies")
    with running_gateway(folder, simulator, settings=settings) as running:
        register(running)
        yield running


@pytest.fixture(scope="module")
def carol(strict: RunningGateway) -> Person:
    return person(strict, "Carol")


def test_a_call_without_usage_counts_the_flat_price(strict: RunningGateway, carol: Person) -> None:
    carol.ask("GET", "/v1/files", headers={"x-request-id": "flat"})
    row = strict.ledger_row("flat")

    assert (row["cost_nanousd"], row["priced"], row["price_source"]) == (2_000_000, True, "flat")


def test_usage_goes_before_the_flat_price(strict: RunningGateway, carol: Person) -> None:
    body = {"model": "chat-by-openai", "prompt": "a b c"}
    carol.ask("POST", "/v1/completions", json=body, headers={"x-request-id": "flat-usage"})

    assert strict.ledger_row("flat-usage")["cost_nanousd"] == 21_000


def test_a_refused_call_counts_nothing(strict: RunningGateway, carol: Person) -> None:
    carol.ask("GET", "/v1/files/file-never", headers={"x-request-id": "flat-refused"})

    assert strict.ledger_row("flat-refused")["cost_nanousd"] == 0


def test_administrators_see_all_where_that_is_set(strict: RunningGateway, carol: Person) -> None:
    name = carol.upload(b"hers").json()["id"]
    admin = person(strict, "Root", role="super_admin")
    dave = person(strict, "Dave")

    assert admin.made("GET", f"/v1/files/{name}")["id"] == name
    assert name in str(admin.made("GET", "/v1/files"))
    assert dave.ask("GET", f"/v1/files/{name}").status_code == 404
