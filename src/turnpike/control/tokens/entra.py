"""Access tokens from Microsoft Entra ID, for an application with a secret.

Source: "Microsoft identity platform and the OAuth 2.0 client credentials flow".
"""

import time
from urllib.parse import quote

from turnpike.control.tokens.asking import Asking, Token, token_in
from turnpike.wire.credentials import EntraApplication
from turnpike.wire.parameters import fill


async def entra_token(source: EntraApplication, token_url: str, scope: str, ask: Asking) -> Token:
    """Raises TokenRefused, or an UpstreamError of the way there."""
    form = {
        "grant_type": "client_credentials",
        "client_id": source.client_id,
        "client_secret": source.client_secret,
        "scope": scope,
    }
    url = fill(token_url, {"tenant_id": quote(source.tenant_id, safe="")})
    return token_in(await ask.post(url, form), time.time())
