"""Control's own requests: testing providers and reading their models, with a real server at the other end."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.support.control import SECRET, Api, api, make_model, make_provider, running_control
from turnpike.control.outbound import Outbound
from turnpike.control.services import ControlServices
from turnpike.errors import AddressRefused, UpstreamGarbage, UpstreamTimeout, UpstreamUnreachable
from turnpike.settings import Settings

PROVIDERS = "/api/v1/ai/providers"
LOCAL = ["127.0.0.1"]


class Upstream:
    """Answers every request with what is set; remembers the heads it was sent."""

    def __init__(self) -> None:
        self.status = 200
        self.body: Any = {"data": []}
        self.headers = ""
        self.heads: list[str] = []
        self.port = 0
        self.raw: bytes | None = None

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head.decode())
        body = json.dumps(self.body).encode()
        answer = f"HTTP/1.1 {self.status} X\r\ncontent-length: {len(body)}\r\n{self.headers}\r\n".encode() + body
        writer.write(answer if self.raw is None else self.raw)
        writer.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    made = Upstream()
    server = await asyncio.start_server(made.handle, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()
    await server.wait_closed()


@pytest.fixture
async def services(sqlite_settings: Settings) -> AsyncIterator[ControlServices]:
    async with running_control(sqlite_settings) as running:
        yield running


@pytest.fixture
async def operator(services: ControlServices) -> AsyncIterator[Api]:
    async with api(services) as client:
        yield client


@pytest.fixture
async def provider(operator: Api, upstream: Upstream) -> dict[str, Any]:
    return await make_provider(operator, api_base_url=upstream.url, allow_addresses=LOCAL, shared_api_key=SECRET)


MODELS = {"data": [{"id": "gpt-4o"}, {"id": "text-embedding-3-small"}, {"id": "my-model", "context_length": 4096}]}


async def test_a_provider_that_answers_is_well(operator: Api, upstream: Upstream, provider: dict[str, Any]) -> None:
    upstream.body = MODELS
    result = await operator.data("POST", f"{PROVIDERS}/acme/test")
    assert (result["ok"], result["status"], result["models"], result["error"]) == (True, 200, 3, None)
    (head,) = upstream.heads
    assert head.startswith("GET /v1/models HTTP/1.1\r\n")
    assert f"authorization: Bearer {SECRET}\r\n" in head


async def test_another_key_can_be_tried_and_is_not_kept(
    operator: Api, upstream: Upstream, provider: dict[str, Any]
) -> None:
    other = "sk-another-key-to-try-0123456789"
    await operator.data("POST", f"{PROVIDERS}/acme/test", {"api_key": other})
    assert other in upstream.heads[0]
    await operator.data("POST", f"{PROVIDERS}/acme/test")
    assert other not in upstream.heads[1]


async def test_what_the_provider_says_is_shown_without_the_key(
    operator: Api, upstream: Upstream, provider: dict[str, Any]
) -> None:
    upstream.status, upstream.body = 401, {"error": {"message": f"Incorrect API key provided: {SECRET}\n\x1b[31m"}}
    result = await operator.data("POST", f"{PROVIDERS}/acme/test")
    assert (result["ok"], result["status"]) == (False, 401)
    assert "Incorrect API key provided: sk-…abcd" in result["error"]
    assert SECRET not in json.dumps(result)
    assert "\x1b" not in result["error"]


@pytest.mark.parametrize("status", [301, 302, 307])
async def test_redirects_are_not_followed(
    operator: Api, upstream: Upstream, provider: dict[str, Any], status: int
) -> None:
    upstream.status, upstream.headers = status, "location: http://169.254.169.254/\r\n"
    result = await operator.data("POST", f"{PROVIDERS}/acme/test")
    assert result["ok"] is False
    assert "redirects" in result["error"]
    assert len(upstream.heads) == 1


@pytest.mark.parametrize("raw", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{", b""])
async def test_garbage_is_told(operator: Api, upstream: Upstream, provider: dict[str, Any], raw: bytes) -> None:
    upstream.raw = raw
    result = await operator.data("POST", f"{PROVIDERS}/acme/test")
    assert result["ok"] is False
    assert result["error"]


async def test_an_answer_that_is_no_list_is_told(operator: Api, upstream: Upstream, provider: dict[str, Any]) -> None:
    upstream.body = {"hello": "world"}
    result = await operator.data("POST", f"{PROVIDERS}/acme/test")
    assert result["ok"] is False
    assert "not a list of models" in result["error"]


async def test_a_provider_without_the_credential_it_needs_is_told(operator: Api) -> None:
    await operator.data("POST", PROVIDERS, {"vendor": "openai"})
    answer = await operator.post(f"{PROVIDERS}/openai/test")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "INVALID_REQUEST")
    assert "needs a credential" in answer.json()["message"]


# ---- syncing


async def test_sync_adds_what_is_new_and_changes_nothing_else(
    operator: Api, upstream: Upstream, provider: dict[str, Any], services: ControlServices
) -> None:
    kept = await make_model(operator, "acme", "renamed", model_id="gpt-4o", capabilities=["image"])
    gone = await make_model(operator, "acme", "gone")
    upstream.body = MODELS
    done = await operator.data("POST", f"{PROVIDERS}/acme/sync-models")
    assert (done["added"], done["total"], done["missing"], done["deactivated"]) == (
        ["text-embedding-3-small", "my-model"], 4, ["gone"], [],
    )  # fmt: skip
    rows = {row["model_id"]: row for row in await operator.data("GET", "/api/v1/ai/models")}
    assert rows["gpt-4o"] == kept
    assert rows["text-embedding-3-small"]["capabilities"] == ["embeddings"]
    assert rows["my-model"]["context_window"] == 4096
    again = await operator.data("POST", f"{PROVIDERS}/acme/sync-models", {"deactivate_missing": True})
    assert (again["added"], again["deactivated"]) == ([], ["gone"])
    assert (await operator.data("GET", f"/api/v1/ai/models/{gone['id']}"))["is_active"] is False


async def test_sync_takes_only_what_is_wanted(operator: Api, upstream: Upstream, provider: dict[str, Any]) -> None:
    upstream.body = MODELS
    done = await operator.data("POST", f"{PROVIDERS}/acme/sync-models", {"only": ["gpt-*"], "activate": False})
    assert done["added"] == ["gpt-4o"]
    (row,) = await operator.data("GET", "/api/v1/ai/models")
    assert row["is_active"] is False


async def test_a_refused_sync_changes_nothing(operator: Api, upstream: Upstream, provider: dict[str, Any]) -> None:
    upstream.status, upstream.body = 500, {"error": "down"}
    answer = await operator.post(f"{PROVIDERS}/acme/sync-models")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "UPSTREAM_REFUSED")
    assert await operator.data("GET", "/api/v1/ai/models") == []


async def test_prices_that_the_provider_tells_are_taken_where_the_list_has_none(
    operator: Api, upstream: Upstream, provider: dict[str, Any]
) -> None:
    upstream.body = {"data": [{"id": "priced", "pricing": {"prompt": "0.000001", "completion": "0.000002"}}]}
    await operator.data("POST", f"{PROVIDERS}/acme/sync-models")
    (row,) = await operator.data("GET", "/api/v1/ai/models")
    assert (row["priced"], row["price_source"], row["price"]["output"]) == (True, "provider's list", "2")


async def test_a_model_is_tested_by_the_providers_list(
    operator: Api, upstream: Upstream, provider: dict[str, Any]
) -> None:
    upstream.body = MODELS
    there = await make_model(operator, "acme", "gpt-4o")
    missing = await make_model(operator, "acme", "missing")
    assert (await operator.data("POST", f"/api/v1/ai/models/{there['id']}/test"))["ok"] is True
    result = await operator.data("POST", f"/api/v1/ai/models/{missing['id']}/test")
    assert result["ok"] is False
    assert "missing" in result["error"]


# ---- addresses, at the moment of the connection

Fetch = Callable[..., Awaitable[Any]]


@pytest.fixture
def fetch(sqlite_settings: Settings) -> Fetch:
    outbound = Outbound(sqlite_settings)

    async def get(url: str, allow: list[str], proxy: str | None = None) -> Any:
        return await outbound.get(url, headers={}, allow_addresses=allow, proxy=proxy)

    return get


async def test_a_name_that_leads_to_this_machine_is_refused(fetch: Fetch, upstream: Upstream) -> None:
    with pytest.raises(AddressRefused, match="loopback"):
        await fetch(f"http://localhost:{upstream.port}/", [])
    assert upstream.heads == []
    assert (await fetch(f"http://localhost:{upstream.port}/", ["127.0.0.0/8", "::1"])).status == 200


async def test_metadata_services_are_never_reached(fetch: Fetch) -> None:
    with pytest.raises(AddressRefused, match="metadata"):
        await fetch("http://169.254.169.254/latest/meta-data/", ["0.0.0.0/0"])


async def test_our_own_port_is_never_reached(sqlite_settings: Settings, upstream: Upstream) -> None:
    outbound = Outbound(sqlite_settings.model_copy(update={"port": upstream.port}))
    with pytest.raises(AddressRefused, match="own"):
        await outbound.get(upstream.url, headers={}, allow_addresses=LOCAL, proxy=None)
    assert upstream.heads == []


async def test_a_closed_port_and_an_unknown_name_are_unreachable(fetch: Fetch) -> None:
    with pytest.raises(UpstreamUnreachable):
        await fetch("http://127.0.0.1:9/", LOCAL)
    with pytest.raises(UpstreamUnreachable, match="no address"):
        await fetch("http://nowhere.invalid/", [])


async def test_a_provider_that_says_nothing_is_given_up(fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turnpike.control.outbound.TOTAL_TIMEOUT_S", 0.2)

    gone = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            pass
        writer.close()
        gone.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    with pytest.raises(UpstreamTimeout):
        await fetch(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", LOCAL)
    await asyncio.wait_for(gone.wait(), 3)
    server.close()
    await server.wait_closed()


async def test_an_endless_answer_is_cut_off(fetch: Fetch, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turnpike.control.outbound.MAX_ANSWER_BYTES", 1000)
    upstream.body = "x" * 2000
    with pytest.raises(UpstreamGarbage, match="larger"):
        await fetch(upstream.url, LOCAL)


async def test_a_proxy_is_used_where_one_is_named(fetch: Fetch, upstream: Upstream) -> None:
    assert (await fetch("http://models.example/v1/models", [], f"http://127.0.0.1:{upstream.port}")).status == 200
    assert upstream.heads[0].startswith("GET http://models.example/v1/models HTTP/1.1")
