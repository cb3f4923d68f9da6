"""What is found on this machine, with real small servers at real ports."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from turnpike.cli.first_run.discovery import local_base_url, offers_from_environment, offers_from_loopback
from turnpike.cli.first_run.offers import chosen
from turnpike.settings import found_vendor_keys
from turnpike.wire.vendor import Vendor
from turnpike.wire.vendors import VENDORS


def local(port: int, **values: object) -> Vendor:
    facts = Vendor(
        name="local",
        display_name="Local",
        website="",
        reference="",
        base_url=None,
        operations={},
        loopback_ports=(port,),
        probe_path="/v1/models",
        probe_contains='"list"',
    )
    return msgspec.structs.replace(facts, **values)


@asynccontextmanager
async def serving(body: bytes, delay_s: float = 0.01) -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.wait_for(reader.read(1), delay_s)  # a caller that leaves ends the wait
        except TimeoutError:
            writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path):
    for vendor in VENDORS.values():
        for name in (*vendor.env_keys, *(key for each in vendor.parameters for key in each.env_keys)):
            monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_a_key_in_the_environment_is_offered_by_its_variable_and_not_by_its_value(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    (offer,) = offers_from_environment(VENDORS.values())
    assert (offer.title, offer.where, offer.command) == ("OpenAI", "key in OPENAI_API_KEY", "providers add openai")
    assert offer.provider.api_key == "sk-very-secret"
    assert "secret" not in repr(offer)


def test_a_vendor_is_offered_only_with_every_parameter_that_it_needs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "secret-token")
    assert offers_from_environment(VENDORS.values()) == []
    monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", "0" * 32)
    (offer,) = offers_from_environment(VENDORS.values())
    assert offer.provider.parameters == {"account_id": "0" * 32}
    assert "secret-token" not in repr(offer)


def test_an_empty_variable_is_no_key(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "  ")
    assert offers_from_environment(VENDORS.values()) == []


def test_keys_are_found_in_the_env_file_too(tmp_path):
    (tmp_path / ".env").write_text("MISTRAL_API_KEY=abc\n")
    assert {name: key.get_secret_value() for name, key in found_vendor_keys(["MISTRAL_API_KEY", "X"]).items()} == {
        "MISTRAL_API_KEY": "abc"
    }


def test_a_key_for_a_server_of_ones_own_is_no_offer_by_itself(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VLLM_API_KEY", "abc")
    assert offers_from_environment(VENDORS.values()) == []


async def test_a_server_on_loopback_gets_its_key_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("VLLM_API_KEY", "abc")
    async with serving(b'{"object": "list"}') as port:
        (offer,) = await offers_from_loopback([local(port, env_keys=("VLLM_API_KEY",))], own_ports=())
    assert offer.provider.api_key == "abc"


async def test_a_server_on_loopback_is_offered_with_its_address_allowed():
    async with serving(b'{"object": "list"}') as port:
        (offer,) = await offers_from_loopback([local(port)], own_ports=())
    assert offer.provider.base_url == f"http://127.0.0.1:{port}/v1"
    assert offer.provider.allow_addresses == ("127.0.0.1/32",)
    assert offer.command == f"providers add local --base-url http://127.0.0.1:{port}/v1 --allow-address 127.0.0.1/32"


async def test_another_program_at_the_port_is_not_offered():
    async with serving(b"hello") as port:
        assert await offers_from_loopback([local(port)], own_ports=()) == []


async def test_our_own_port_is_not_asked():
    async with serving(b'{"object": "list"}') as port:
        assert await offers_from_loopback([local(port)], own_ports={port}) == []


async def test_a_server_that_does_not_answer_at_once_is_passed_over():
    async with serving(b'{"object": "list"}', delay_s=2) as port:
        assert await asyncio.wait_for(offers_from_loopback([local(port)], own_ports=()), 1.5) == []


def test_a_local_address_has_the_vendors_own_path():
    assert local_base_url(local(1, base_url="http://localhost:99/api/v3/"), 5) == "http://127.0.0.1:5/api/v3"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("", "abc"),
        ("y", "abc"),
        ("ALL", "abc"),
        ("n", ""),
        (None, ""),
        ("1,3", "ac"),
        ("2 2", "b"),
        ("4", None),
        ("x", None),
    ],
)
def test_an_answer_takes_all_some_or_none(answer: str | None, expected: str | None):
    found = chosen(answer, list("abc"))  # pyright: ignore[reportArgumentType]
    assert found == (None if expected is None else list(expected))
