"""What a credential is: one key, or a cloud's with parts of its own. Read and checked here; tokens are got elsewhere.

Sources: Google's "Application Default Credentials" and AIP-4110 to 4117 for its JSON files, Microsoft's "client
credentials flow" for Entra ID, and `turnpike.wire.aws.sigv4` for AWS keys. No message repeats what was given.
"""

from typing import Annotated, Literal

import msgspec

from turnpike.errors import InvalidRequest
from turnpike.wire.aws.sigv4 import AwsKeys, read_keys
from turnpike.wire.vendor import AuthSpec

Https = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s/?#@]+(/[^\s]*)?$", max_length=2000)]
GOOGLE_TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address


class PlainKey(msgspec.Struct, frozen=True):
    """Sent as it is, by the provider's rule."""

    secret: str
    bearer: bool = False
    """As a bearer's token, whatever header the provider's other keys go in."""


class SecretParts(msgspec.Struct, frozen=True):
    """Base of what must not be shown."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class ServiceAccount(SecretParts, frozen=True, tag_field="type", tag="service_account"):
    client_email: str
    private_key: str
    private_key_id: str | None = None
    token_uri: Https = GOOGLE_TOKEN_URL


class AuthorizedUser(SecretParts, frozen=True, tag_field="type", tag="authorized_user"):
    client_id: str
    client_secret: str
    refresh_token: str
    token_uri: Https = GOOGLE_TOKEN_URL


class SourceFormat(msgspec.Struct, frozen=True):
    type: Literal["text", "json"] = "text"
    subject_token_field_name: str | None = None


class TokenSource(msgspec.Struct, frozen=True):
    """Where the identity's own token is found: a file, or an address to be asked."""

    file: str | None = None
    url: Https | None = None
    headers: dict[str, str] = {}
    format: SourceFormat = SourceFormat()
    environment_id: str | None = None
    executable: dict[str, object] | None = None


class Impersonation(msgspec.Struct, frozen=True):
    token_lifetime_seconds: Annotated[int, msgspec.Meta(ge=600, le=43_200)] = 3600


class ExternalAccount(SecretParts, frozen=True, tag_field="type", tag="external_account"):
    """Workload identity federation."""

    audience: str
    subject_token_type: str
    token_url: Https
    credential_source: TokenSource
    service_account_impersonation_url: Https | None = None
    service_account_impersonation: Impersonation = Impersonation()


class MetadataServer(SecretParts, frozen=True, tag_field="type", tag="metadata_server"):
    """The service account of the machine, pod or service that the gateway runs on at Google."""

    account: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9@._-]{1,254}$")] = "default"


class EntraApplication(SecretParts, frozen=True):
    tenant_id: str
    client_id: str
    client_secret: str


GoogleSource = ServiceAccount | AuthorizedUser | ExternalAccount | MetadataServer
TokenSources = GoogleSource | EntraApplication
"""Credentials that short-lived tokens are got for."""
AnyCredential = PlainKey | AwsKeys | TokenSources

_google = msgspec.json.Decoder(GoogleSource).decode
_texts = msgspec.json.Decoder(dict[str, str]).decode


def read_credential(auth: AuthSpec, secret: str) -> AnyCredential:
    """Raises InvalidRequest that says what is missing."""
    parts = _parts(secret) if auth.kind != "header" else {}
    if not parts:
        return PlainKey(secret)
    match auth.kind:
        case "google":
            return _google_source(parts.get("credentials", secret))
        case "sigv4" if parts.get("api_key"):
            return PlainKey(parts["api_key"], bearer=True)
        case "sigv4":
            return read_keys(secret)
        case _ if parts.get("api_key"):
            return PlainKey(parts["api_key"])
        case _:
            return _application(parts)


def _parts(secret: str) -> dict[str, str]:
    try:
        return _texts(secret)
    except msgspec.DecodeError:
        return {"credentials": secret} if secret.lstrip().startswith("{") else {}


def _application(parts: dict[str, str]) -> EntraApplication:
    names = ("tenant_id", "client_id", "client_secret")
    missing = [name for name in names if not parts.get(name)]
    if missing:
        raise InvalidRequest(
            f"The credential needs an `api_key`, or {', '.join(f'`{name}`' for name in names)} of an Entra ID"
            f" application: {', '.join(missing)} missing.",
            details={"param": f"parameters.{missing[0]}"},
        )
    return EntraApplication(*(parts[name] for name in names))


def _google_source(text: str) -> GoogleSource:
    param = {"param": "parameters.credentials"}
    try:
        source = _google(text)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"Google's credentials cannot be used: {str(error)[:200]}.", details=param) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest("Google's credentials are not the JSON of a credentials file.", details=param) from error
    if isinstance(source, ExternalAccount):
        given = source.credential_source
        if (
            given.executable is not None
            or given.environment_id is not None
            or (given.file is None) == (given.url is None)
        ):
            raise InvalidRequest(
                "A workload identity's `credential_source` must name a `file` or a `url`; commands and AWS's own"
                " environments are not run or asked here.",
                details=param,
            )
    return source
