"""How control itself sends a provider's credential: the same ways as a relay, for a request or two."""

import time
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from turnpike.control.tokens.asking import Asking
from turnpike.control.tokens.entra import entra_token
from turnpike.control.tokens.google import google_token
from turnpike.wire.aws.sigv4 import AwsKeys, Signer
from turnpike.wire.credentials import EntraApplication, PlainKey, read_credential
from turnpike.wire.vendor import BEARER, AuthSpec


@dataclass(frozen=True)
class Ready:
    """A credential, ready to be sent."""

    auth: AuthSpec
    secret: str | None
    keys: AwsKeys | None = None

    def url(self, url: str) -> str:
        if not self.secret or not self.auth.query:
            return url
        return f"{url}{'&' if '?' in url else '?'}{self.auth.query}={quote(self.secret, safe='')}"

    def headers(self, url: str) -> dict[str, str]:
        """For a GET of this very address."""
        if self.keys is not None:
            parts = urlsplit(url)
            signer = Signer(self.keys, self.auth.region, self.auth.service)
            signed = signer.sign("GET", parts.path, parts.query, [("host", parts.netloc)], b"", time.time())
            return dict(signed)
        if not self.secret or self.auth.query or not self.auth.header:
            return {}
        return {self.auth.header: self.auth.prefix + self.secret}


async def ready(auth: AuthSpec, secret: str | None, ask: Asking) -> Ready:
    """Raises InvalidRequest for what is no credential, an UpstreamError where no token is given."""
    if secret is None:
        return Ready(auth, None)
    match read_credential(auth, secret):
        case PlainKey(secret=plain, bearer=bearer):
            return Ready(BEARER if bearer else auth, plain)
        case AwsKeys() as keys:
            return Ready(auth, None, keys)
        case EntraApplication() as application:
            return Ready(BEARER, (await entra_token(application, auth.token_url, auth.scope, ask)).value)
        case source:
            return Ready(BEARER, (await google_token(source, auth.scope, ask)).value)
