"""Short-lived tokens that the simulator gives out and knows again: when they end stands in them, under a seal.

Stateless, so that a token outlives nothing but its own time. The keys are published: there is nothing to protect here.
"""

import hashlib
import hmac
import time
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

_SEAL = b"turnpike simulator"
DEFAULT_LIFE_S = 3600.0
ACCOUNT = "simulator@simulator-project.iam.gserviceaccount.com"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def issue(kind: str, life_s: float) -> str:
    """`kind` tells whose token it is: `google`, `entra`."""
    until = f"{time.time() + life_s:.3f}"
    return f"sim.{kind}.{until}.{_seal(kind, until)}"


def is_good(token: str, kind: str) -> bool:
    name, _, rest = token.partition(".")
    given, _, rest = rest.partition(".")
    until, _, seal = rest.rpartition(".")
    if name != "sim" or given != kind or not hmac.compare_digest(seal, _seal(kind, until)):
        return False
    return float(until) > time.time()


def _seal(kind: str, until: str) -> str:
    return hmac.new(_SEAL, f"{kind}.{until}".encode(), hashlib.sha256).hexdigest()[:32]


@lru_cache(1)
def private_key() -> str:
    """Of the simulated service account: another one at each start."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def service_account(token_uri: str) -> dict[str, Any]:
    """The file that Google would give for a service account's key."""
    return {
        "type": "service_account",
        "project_id": "simulator-project",
        "private_key_id": "simulator",
        "private_key": private_key(),
        "client_email": ACCOUNT,
        "client_id": "1",
        "token_uri": token_uri,
    }


def check_assertion(assertion: str, audience: str) -> str | None:
    """What is wrong with a signed JWT that asks for a token, or None (RFC 7523, section 3)."""
    try:
        decoded = jwt.decode(assertion, RSAKey.import_key(private_key()), algorithms=["RS256"])
    except (JoseError, ValueError) as error:
        return f"Invalid JWT Signature: {error}"
    claims = decoded.claims
    now = time.time()
    if claims.get("iss") != ACCOUNT:
        return "Invalid grant: account not found"
    if claims.get("aud") != audience:
        return f"Invalid JWT: the audience must be {audience}"
    if claims.get("scope") != SCOPE:
        return "Invalid scope"
    if not now - 60 <= claims.get("iat", 0) <= now + 60 or not now < claims.get("exp", 0) <= now + 3660:
        return "Invalid JWT: token must be a short-lived token and in a reasonable timeframe"
    return None
