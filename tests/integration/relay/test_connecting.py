"""How connections to providers are made: addresses checked, TLS verified, proxies passed, failures told."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.support.certificates import Authority
from tests.support.http import Answer, caller_at, request
from tests.support.relay_process import KEY, Stage, chat_body, running_stage
from tests.support.upstream import Received, Upstream, Wire, answer, completion, serving
from turnpike.contract.relay_settings import TlsFiles

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOWHERE: dict[str, Any] = {"allow_addresses": ()}
GOOD = answer(completion())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "trusted")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    async with running_stage(folder, upstream_ca=str(authority.file), connect_timeout_s=1.0) as running:
        await running.policies(max_attempts=1)
        yield running


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return sock.getsockname()[1]


async def chat_at(stage: Stage, url: str | Upstream, **provider: Any) -> Answer:
    return await stage.chat(await stage.model(url, provider=provider))


# ---- failures


async def test_a_refused_connection_is_a_502(stage: Stage) -> None:
    answered = await chat_at(stage, f"http://127.0.0.1:{free_port()}/v1")
    assert (answered.status, answered.code) == (502, "UPSTREAM_UNREACHABLE")
    assert stage.settled(answered).cost_nanousd == 0


async def test_a_name_without_an_address_is_a_502(stage: Stage) -> None:
    answered = await chat_at(stage, "http://no-such-host.invalid/v1")
    assert answered.status == 502
    assert answered.code in {"UPSTREAM_UNREACHABLE", "ADDRESS_REFUSED"}


async def test_a_provider_that_takes_no_connection_is_given_up(stage: Stage) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = []
        for _ in range(3):  # the queue of waiting connections is full: the next one hears nothing
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        answered = await chat_at(stage, f"http://127.0.0.1:{port}/v1")
        for filler in fillers:
            filler.close()
    assert (answered.status, answered.code) == (502, "UPSTREAM_UNREACHABLE")
    assert "1 s" in answered.message


# ---- addresses


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.1.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[fe80::1]",
        "[fc00::1]",
        "[64:ff9b::a00:1]",
        "[2002:a00:1::]",
        "2130706433",
        "0x7f000001",
    ],
)
async def test_addresses_inside_are_refused_unless_allowed(stage: Stage, host: str) -> None:
    async with serving(GOOD) as upstream:
        answered = await chat_at(stage, f"http://{host}:{upstream.port}/v1", **NOWHERE)
        assert (answered.status, answered.code) == (502, "ADDRESS_REFUSED"), answered.body
        assert upstream.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_an_address_that_an_administrator_allowed_is_reached(stage: Stage, host: str) -> None:
    async with serving(GOOD) as upstream:
        answered = await chat_at(stage, f"http://{host}:{upstream.port}/v1", allow_addresses=("127.0.0.1/32",))
        assert answered.status == 200
        answered = await chat_at(stage, f"http://{host}:{upstream.port}/v1", allow_addresses=("127.0.0.2/32",))
        assert answered.code == "ADDRESS_REFUSED"


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "[fd00:ec2::254]",
        "[::ffff:169.254.169.254]",
        "2852039166",
    ],
)
async def test_metadata_services_are_never_reached(stage: Stage, host: str) -> None:
    answered = await chat_at(stage, f"http://{host}/v1", allow_addresses=("0.0.0.0/0", "::/0"))
    assert (answered.status, answered.code) == (502, "ADDRESS_REFUSED")


async def test_our_own_ports_are_never_reached(stage: Stage) -> None:
    answered = await chat_at(stage, f"http://127.0.0.1:{stage.port}/v1")
    assert (answered.status, answered.code) == (502, "ADDRESS_REFUSED")
    assert "own" in answered.message


async def test_a_refused_address_is_not_tried_again(stage: Stage) -> None:
    await stage.policies(max_attempts=3)
    try:
        answered = await chat_at(stage, "http://10.0.0.1/v1", **NOWHERE)
    finally:
        await stage.policies(max_attempts=1)
    assert answered.headers["x-turnpike-attempts"] == "1"


async def test_two_providers_at_one_address_do_not_share_what_is_allowed(stage: Stage) -> None:
    """A kept connection of a provider that may reach an address is no way round for one that may not."""
    async with serving(GOOD) as upstream:
        assert (await chat_at(stage, upstream)).status == 200
        assert (await chat_at(stage, upstream, **NOWHERE)).code == "ADDRESS_REFUSED"


# ---- TLS


async def test_a_certificate_of_a_configured_authority_is_trusted(stage: Stage, authority: Authority) -> None:
    async with serving(GOOD, ssl=authority.server("good", "localhost", "127.0.0.1")) as upstream:
        for host in ("localhost", "127.0.0.1"):
            assert (await chat_at(stage, f"https://{host}:{upstream.port}/v1")).status == 200


async def test_a_certificate_of_another_authority_is_not(stage: Stage, stranger: Authority) -> None:
    async with serving(GOOD, ssl=stranger.server("good", "localhost")) as upstream:
        answered = await chat_at(stage, f"https://localhost:{upstream.port}/v1")
        assert upstream.requests == []
    assert (answered.status, answered.code) == (502, "UPSTREAM_UNREACHABLE")
    assert "not trusted" in answered.message


async def test_a_certificate_for_another_name_is_not(stage: Stage, authority: Authority) -> None:
    async with serving(GOOD, ssl=authority.server("other", "other.test")) as upstream:
        answered = await chat_at(stage, f"https://localhost:{upstream.port}/v1")
        assert upstream.requests == []
    assert answered.status == 502
    assert "not trusted" in answered.message


async def test_plain_http_on_a_tls_port_and_the_reverse_are_failures(stage: Stage, authority: Authority) -> None:
    async with serving(GOOD) as plain, serving(GOOD, ssl=authority.server("tls", "localhost")) as secure:
        assert (await chat_at(stage, f"https://localhost:{plain.port}/v1")).status == 502
        assert (await chat_at(stage, f"http://localhost:{secure.port}/v1")).status == 502


async def test_the_public_port_speaks_tls(tmp_path: Path, authority: Authority) -> None:
    certificate, key = authority.certify("public", "127.0.0.1")
    files = TlsFiles(str(certificate), str(key))
    async with running_stage(tmp_path, tls=files) as secure, serving(GOOD) as upstream:
        model = await secure.model(upstream)
        async with caller_at(secure.port, ssl=authority.client()) as caller:
            for _ in range(3):
                assert (await caller.ask("/v1/chat/completions", chat_body(model), key=KEY)).status == 200
            await caller.send(b"BROKEN\r\n\r\n")
            assert (await caller.answer()).status == 400
            assert await caller.rest() == b""


async def test_the_public_port_asks_for_client_certificates_when_told(tmp_path: Path, authority: Authority) -> None:
    certificate, key = authority.certify("public", "127.0.0.1")
    files = TlsFiles(str(certificate), str(key), str(authority.file))
    async with running_stage(tmp_path, tls=files) as secure:
        known = authority.client()
        known.load_cert_chain(*authority.certify("client", "client.test"))
        async with caller_at(secure.port, ssl=known) as caller:
            assert (await caller.ask("/health", method="GET")).status == 200
        with pytest.raises((OSError, asyncio.IncompleteReadError)):
            async with caller_at(secure.port, ssl=authority.client()) as caller:
                await caller.ask("/health", method="GET")


# ---- proxies


class Proxy:
    """An HTTP proxy that tells what it was asked for. `refuse`: the status that CONNECT gets."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.refuse = ""
        self.port = 0
        self._tasks: set[asyncio.Task] = set()

    async def __aenter__(self) -> "Proxy":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            line = head.decode().split("\r\n")[0]
            self.lines.append(line)
            if self.refuse:
                writer.write(f"HTTP/1.1 {self.refuse}\r\ncontent-length: 0\r\n\r\n".encode())
            elif line.startswith("CONNECT "):
                host, port = line.split(" ")[1].rsplit(":", 1)
                await self._tunnel(reader, writer, host, int(port))
            else:
                writer.write(GOOD)
                await reader.read()
        except (asyncio.CancelledError, ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _tunnel(self, reader, writer, host: str, port: int) -> None:
        up_reader, up_writer = await asyncio.open_connection(host, port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")

        async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                target.write(data)
            target.close()

        try:
            await asyncio.gather(copy(reader, up_writer), copy(up_reader, writer))
        finally:
            up_writer.close()


async def test_plain_http_goes_to_a_proxy_in_the_absolute_form(stage: Stage) -> None:
    async with Proxy() as proxy:
        answered = await chat_at(stage, "http://models.example:8000/v1", proxy=proxy.url)
        assert answered.status == 200
        assert proxy.lines == ["POST http://models.example:8000/v1/chat/completions HTTP/1.1"]


async def test_https_goes_through_a_proxy_in_a_tunnel(stage: Stage, authority: Authority) -> None:
    async with Proxy() as proxy, serving(GOOD, ssl=authority.server("tunnel", "localhost")) as upstream:
        model = await stage.model(f"https://localhost:{upstream.port}/v1", provider={"proxy": proxy.url})
        for _ in range(2):
            assert (await stage.chat(model)).status == 200
        assert proxy.lines == [f"CONNECT localhost:{upstream.port} HTTP/1.1"]
        assert [received.path for received in upstream.requests] == ["/v1/chat/completions"] * 2


async def test_a_proxy_that_refuses_is_told(stage: Stage) -> None:
    async with Proxy() as proxy:
        proxy.refuse = "407 Proxy Authentication Required"
        answered = await chat_at(stage, "https://models.example/v1", proxy=proxy.url)
    assert (answered.status, answered.code) == (502, "UPSTREAM_UNREACHABLE")
    assert "407" in answered.message


async def test_a_literal_address_inside_is_refused_behind_a_proxy_too(stage: Stage) -> None:
    async with Proxy() as proxy:
        for scheme in ("http", "https"):
            answered = await chat_at(stage, f"{scheme}://10.0.0.1/v1", proxy=proxy.url, **NOWHERE)
            assert answered.code == "ADDRESS_REFUSED"
        assert proxy.lines == []


async def test_the_gateways_proxy_serves_all_but_the_exceptions(tmp_path: Path) -> None:
    async with Proxy() as proxy, serving(GOOD) as upstream:
        exceptions = ("localhost", ".internal.example", "10.0.0.0/8")
        settings: dict[str, Any] = {"upstream_proxy": proxy.url, "no_proxy": exceptions}
        async with running_stage(tmp_path, **settings) as stage:
            await stage.policies(max_attempts=1)
            assert (await chat_at(stage, "http://models.example/v1")).status == 200
            assert (await chat_at(stage, f"http://localhost:{upstream.port}/v1")).status == 200
            assert len(upstream.requests) == 1
            await chat_at(stage, "http://a.internal.example/v1")
            assert (await chat_at(stage, upstream, proxy="")).status == 200, "the provider asked for no proxy"
            assert len(upstream.requests) == 2
        assert proxy.lines == ["POST http://models.example:80/v1/chat/completions HTTP/1.1"]


async def test_connections_wait_for_their_turn_when_there_may_be_no_more(tmp_path: Path) -> None:
    busy = most = 0

    async def slow(wire: Wire, received: Received) -> None:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.03)
        busy -= 1
        await wire.write(GOOD)

    async with running_stage(tmp_path, upstream_connections=2) as stage, serving(slow) as upstream:
        model = await stage.model(upstream)
        answers = await asyncio.gather(*(stage.chat(model) for _ in range(10)))
    assert {each.status for each in answers} == {200}
    assert most == 2
    assert upstream.connections == 2


async def test_who_waits_too_long_for_a_connection_is_told_that_all_are_in_use(tmp_path: Path) -> None:
    async def stuck(wire: Wire, received: Received) -> None:
        await wire.gone()

    settings: dict[str, Any] = {"upstream_connections": 1, "first_byte_timeout_s": 0.8}
    async with running_stage(tmp_path, **settings) as stage, serving(stuck) as upstream, stage.caller() as first:
        model = await stage.model(upstream)
        await stage.policies(max_attempts=1)
        await first.send(request("/v1/chat/completions", chat_body(model), key=KEY))
        await upstream.asked()
        await asyncio.sleep(0.1)
        first.leave()
        answers = await asyncio.gather(*(stage.chat(model) for _ in range(2)))
        assert {each.code for each in answers} == {"UPSTREAM_TIMEOUT", "UNAVAILABLE"}
