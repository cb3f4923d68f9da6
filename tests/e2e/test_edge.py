"""The edge of a whole gateway that speaks TLS: what every answer carries, and where a key may be used from, on each way
in: model calls, media, pass-through, realtime, the platform's own routes."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.support.certificates import Authority
from tests.support.gateways import Gateway
from tests.support.installation import PATIENCE_S
from turnpike.contract.scopes import SCOPES

LANES = (
    ("POST", "/v1/chat/completions"), ("POST", "/v1/messages"), ("POST", "/v1/audio/speech"), ("GET", "/v1/models"),
    ("GET", "/v1/files"), ("GET", "/v1/realtime?model=m"), ("GET", "/api/v1/keys"),
)  # fmt: skip
PAGES = (("GET", "/health"), ("GET", "/metrics"), ("GET", "/"), ("GET", "/api/v1/docs"), ("GET", "/nothing"))


class Door:
    def __init__(self, gateway: Gateway, authority: Authority) -> None:
        self.gateway = gateway
        self._client = httpx2.Client(verify=authority.client(), timeout=PATIENCE_S)

    def close(self) -> None:
        self._client.close()

    def ask(self, method: str, path: str, *, key: str | None = None, address: str | None = None) -> httpx2.Response:
        headers = {}
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        if address is not None:
            headers["x-forwarded-for"] = address
        if "realtime" in path:
            headers |= {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13",
                        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip
        body: Any = {"model": "m"} if method == "POST" else None
        return self._client.request(method, self.gateway.url + path, headers=headers, json=body)

    def make_key(self, **wishes: Any) -> str:
        headers = {"authorization": f"Bearer {self.gateway.first_key()}"}
        made = self._client.post(f"{self.gateway.url}/api/v1/keys", json={"name": "k", **wishes}, headers=headers)
        return made.json()["data"]["key"]


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority(folder, "authority")
    certificate, key = authority.certify("gateway", "127.0.0.1")
    settings = {
        "TURNPIKE_TLS_CERTIFICATE": str(certificate),
        "TURNPIKE_TLS_KEY": str(key),
        "TURNPIKE_TRUSTED_PROXIES": "127.0.0.0/8",
        "TURNPIKE_SIMULATOR": "false",
    }
    with Gateway(folder / "data", **settings) as gateway:
        made = Door(gateway, authority)
        yield made
        made.close()


@pytest.mark.parametrize(("method", "path"), [*LANES, *PAGES])
def test_every_answer_says_that_only_https_is_to_be_used(door: Door, method: str, path: str) -> None:
    assert door.gateway.url.startswith("https://")
    for key in (None, door.gateway.first_key()):
        headers = door.ask(method, path, key=key).headers
        assert headers.get_list("strict-transport-security") == ["max-age=31536000"]
        assert headers.get_list("x-content-type-options") == ["nosniff"]


def test_a_key_works_from_its_networks_alone_on_every_way_in(door: Door) -> None:
    networks = ["192.0.2.0/24", "2001:db8:1::/48"]
    key = door.make_key(networks=networks, denied_networks=["192.0.2.128/25"], scopes=list(SCOPES))
    verdicts = {
        "192.0.2.1": True,
        "::ffff:192.0.2.1": True,
        "2001:db8:1::7": True,
        "192.0.2.200": False,
        "::ffff:192.0.2.200": False,
        "198.51.100.1": False,
        "2001:db8:2::7": False,
        "192.0.2.1, 198.51.100.1": False,
        "192.0.2.1, junk": False,
    }
    for method, path in LANES:
        for address, allowed in verdicts.items():
            answer = door.ask(method, path, key=key, address=address)
            forbidden = (answer.status_code, answer.headers.get("x-turnpike-error")) == (403, "ADDRESS_FORBIDDEN")
            if path.startswith("/api/"):
                forbidden = answer.status_code == 403 and answer.json()["error"]["code"] == "ADDRESS_FORBIDDEN"
            assert forbidden is not allowed, (path, address, answer.status_code, answer.text)
