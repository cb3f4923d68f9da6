"""OpenID providers of tests: a real one from PyPI as a process of its own, and one made here, whose every word a test
can choose, in the shapes that Microsoft documents for Entra ID."""

import base64
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.support.control import unused_port

CLIENT = "turnpike-client"


@contextmanager
def running_provider_mock() -> Iterator[str]:
    """`oidc-provider-mock`. Yields its issuer."""
    port = unused_port()
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        url = f"http://localhost:{port}"
        try:
            deadline = time.monotonic() + 30
            while True:
                assert process.poll() is None
                try:
                    httpx2.get(f"{url}/.well-known/openid-configuration", trust_env=False)
                    break
                except httpx2.TransportError:
                    assert time.monotonic() < deadline
                    time.sleep(0.1)
            yield url
        finally:
            process.terminate()


@dataclass
class FakeIssuer:
    """Signs whatever it is told to."""

    url: str = ""
    keys: list[RSAKey] = field(default_factory=lambda: [RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})])
    claims: dict[str, Any] = field(default_factory=dict)
    """Of the next ID token, beside what each has."""
    metadata: dict[str, Any] = field(default_factory=dict)
    id_token: str | None = None
    """Instead of the one that would be made."""
    groups: list[str] = field(default_factory=list)
    """What Graph says."""
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    away: bool = False
    """It answers nothing but 503."""
    moved: dict[str, str] = field(default_factory=dict)
    """Where it sends whoever asks for a path."""
    refused: list[str] = field(default_factory=list)
    """Why it redeemed no code."""

    def count(self, path: str) -> int:
        return sum(asked == path for asked, _, _ in self.asked)

    def token(self, *, key: RSAKey | None = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        key = key or self.keys[0]
        now = int(time.time())
        body = {"iss": self.url, "aud": CLIENT, "sub": "subject-1", "iat": now, "exp": now + 600, **claims}
        body = {name: value for name, value in body.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": key.kid, **(header or {})}, body, key)

    def authorize(self, address: str) -> dict[str, str]:
        """As a person who signs in there: what the browser is sent back with."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        return {"code": code, "state": query["state"]}

    # ---- its endpoints

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        self.asked.append((path, headers, body))
        if self.away:
            return 503, {"error": "temporarily_unavailable"}
        if path in self.moved:
            return 302, {}
        if path.endswith("/.well-known/openid-configuration"):
            path = "/.well-known/openid-configuration"  # of any of its tenants
        match path:
            case "/.well-known/openid-configuration":
                return 200, {
                    "issuer": self.url,
                    "authorization_endpoint": f"{self.url}/authorize",
                    "token_endpoint": f"{self.url}/token",
                    "jwks_uri": f"{self.url}/keys",
                    "end_session_endpoint": f"{self.url}/logout",
                    **self.metadata,
                }
            case "/keys":
                return 200, {"keys": [dict(key.as_dict(private=False)) for key in self.keys]}
            case "/token":
                return self._redeem({name: values[0] for name, values in parse_qs(body.decode()).items()})
            case "/v1.0/me/getMemberGroups":
                return 200, {"value": self.groups}
            case _:
                return 404, {}

    def _redeem(self, form: dict[str, str]) -> tuple[int, Any]:
        asked = self.codes.pop(form["code"], None)
        if asked is None or asked["redirect_uri"] != form["redirect_uri"]:
            self.refused.append("code")
            return 400, {"error": "invalid_grant"}
        # RFC 7636, 4.6: of the code's own sign-in.
        challenge = base64.urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        if (asked["code_challenge_method"], asked["code_challenge"]) != ("S256", challenge):
            self.refused.append("code_verifier")
            return 400, {"error": "invalid_grant"}
        made = self.id_token or self.token(**{"nonce": asked["nonce"], **self.claims})
        return 200, {"access_token": "graph-token", "token_type": "Bearer", "id_token": made}


@contextmanager
def running_issuer() -> Iterator[FakeIssuer]:
    issuer = FakeIssuer()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            return None

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, found = issuer.answer(urlsplit(self.path).path, headers, body)
            sent = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            if status == 302:
                self.send_header("location", issuer.moved[urlsplit(self.path).path])
            self.send_header("content-length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = _serve  # noqa: N815 - the base class's names

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()


def callback(slug: str, answer: dict[str, str]) -> str:
    return f"/api/v1/auth/callback/{slug}?{urlencode(answer)}"
