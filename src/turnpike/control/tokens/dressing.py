"""A snapshot and grants as relays may have them: each credential in the form that it is sent in, tokens in the place of
what they are got with."""

import msgspec
import structlog

from turnpike.contract.grants import KeyGrant, PersonalAccess
from turnpike.contract.snapshot import CredentialSpec, ProviderSpec, Snapshot
from turnpike.control.tokens.minter import Minter, Wanted
from turnpike.errors import InvalidRequest
from turnpike.wire.aws.sigv4 import AwsKeys
from turnpike.wire.credentials import AnyCredential, ExternalAccount, MetadataServer, PlainKey, read_credential
from turnpike.wire.vendor import BEARER

_encode_keys = msgspec.json.Encoder().encode
log = structlog.get_logger()


class Dresser:
    def __init__(self, minter: Minter) -> None:
        self._minter = minter
        self._providers: dict[str, ProviderSpec] = {}
        self._personal: set[str] = set()
        """Credentials of people that tokens are kept for."""

    # ---- snapshots

    def follow(self, snapshot: Snapshot) -> None:
        """Tokens are kept for this snapshot's credentials from now on."""
        self._providers = {provider.id: provider for provider in snapshot.providers}
        shared: set[str] = set()
        for provider in snapshot.providers:
            for credential in provider.credentials if provider.auth.kind != "header" else ():
                found = _read(provider, credential.id, credential.secret)
                if found is not None and not isinstance(found, PlainKey | AwsKeys):
                    shared.add(credential.id)
                    self._minter.keep(_wanted(provider, credential.id, found))
        self._minter.drop_others(shared, but=self._personal)

    def dress(self, snapshot: Snapshot) -> Snapshot:
        if all(provider.auth.kind == "header" for provider in snapshot.providers):
            return snapshot
        providers = tuple(
            provider
            if provider.auth.kind == "header"
            else msgspec.structs.replace(
                provider, credentials=tuple(self._spec(provider, each) for each in provider.credentials)
            )
            for provider in snapshot.providers
        )
        return msgspec.structs.replace(snapshot, providers=providers)

    def _spec(self, provider: ProviderSpec, credential: CredentialSpec) -> CredentialSpec:
        found = _read(provider, credential.id, credential.secret)
        if found is None:
            return CredentialSpec(credential.id, "", fault="it is not complete; an administrator has to mend it")
        return msgspec.structs.replace(self._sent(provider, credential.id, found), budgets=credential.budgets)

    def _sent(self, provider: ProviderSpec, credential_id: str, found: AnyCredential) -> CredentialSpec:
        match found:
            case PlainKey(secret=secret, bearer=bearer):
                plain = BEARER if bearer else msgspec.structs.replace(provider.auth, kind="header")
                return CredentialSpec(credential_id, secret, plain)
            case AwsKeys():
                return CredentialSpec(credential_id, _encode_keys(found).decode(), provider.auth)
            case _:
                token, fault = self._minter.current(credential_id)
                if token is None:
                    return CredentialSpec(credential_id, "", BEARER, f"no token for it could be got: {fault}")
                return CredentialSpec(credential_id, token, BEARER)

    # ---- grants

    async def dress_grant(self, grant: KeyGrant) -> KeyGrant:
        if all(each.secret is None or self._is_plain(each) for each in grant.personal):
            return grant
        personal = [await self._personal_of(each) for each in grant.personal]
        return msgspec.structs.replace(grant, personal=tuple(personal))

    def _is_plain(self, access: PersonalAccess) -> bool:
        provider = self._providers.get(access.provider_id)
        return provider is None or provider.auth.kind == "header"

    async def _personal_of(self, access: PersonalAccess) -> PersonalAccess:
        provider = self._providers.get(access.provider_id)
        if access.secret is None or access.credential_id is None or provider is None or provider.auth.kind == "header":
            return access
        found = _read(provider, access.credential_id, access.secret)
        if found is None or isinstance(found, ExternalAccount | MetadataServer):
            # What speaks for the machine itself is for administrators to lend.
            return msgspec.structs.replace(access, secret=None)
        if not isinstance(found, PlainKey | AwsKeys):
            self._personal.add(access.credential_id)
            self._minter.keep(_wanted(provider, access.credential_id, found))
            await self._minter.settled(access.credential_id)
        spec = self._sent(provider, access.credential_id, found)
        return msgspec.structs.replace(access, secret=spec.secret or None, auth=spec.auth)

    def forget_personal(self, credential_id: str) -> None:
        """Nobody uses it any more."""
        self._personal.discard(credential_id)
        self._minter.drop(credential_id)

    def is_personal(self, credential_id: str) -> bool:
        return credential_id in self._personal


def _read(provider: ProviderSpec, credential_id: str, secret: str) -> AnyCredential | None:
    try:
        return read_credential(provider.auth, secret)
    except InvalidRequest as error:
        log.error("credential_unusable", provider=provider.slug, credential_id=credential_id, reason=error.message)
        return None


def _wanted(provider: ProviderSpec, credential_id: str, source: AnyCredential) -> Wanted:
    assert not isinstance(source, PlainKey | AwsKeys)
    return Wanted(credential_id, provider.slug, source, provider.auth, provider.allow_addresses, provider.proxy)
