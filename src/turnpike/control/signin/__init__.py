"""What sign-in is made of below the web: signing keys, access tokens, sessions, passwords, throttling.

No routes and no principals here; those are in domains/auth and web/principal.py, which ask this package.
"""

from dataclasses import dataclass

from turnpike.control.db.database import Database
from turnpike.control.infra.secrets import Sealer
from turnpike.control.keeper import Keeper
from turnpike.control.oidc.flow import CodeFlow
from turnpike.control.oidc.issuers import Issuers
from turnpike.control.oidc.metadata import Directory, Reader
from turnpike.control.oidc.tokens import TokenChecker
from turnpike.control.outbound import Outbound
from turnpike.control.signin.access_tokens import AccessTokens
from turnpike.control.signin.callers import Callers
from turnpike.control.signin.passwords import Passwords
from turnpike.control.signin.presence import Presence
from turnpike.control.signin.sessions import Sessions
from turnpike.control.signin.signing_keys import SigningKeys
from turnpike.control.signin.throttle import Throttle
from turnpike.settings import Settings

__all__ = ["SignIn"]


@dataclass(frozen=True)
class SignIn:
    keys: SigningKeys
    tokens: AccessTokens
    sessions: Sessions
    presence: Presence
    passwords: Passwords
    throttle: Throttle
    issuers: Issuers
    directory: Directory
    checker: TokenChecker
    flow: CodeFlow
    callers: Callers

    @classmethod
    def of(cls, settings: Settings, database: Database, sealer: Sealer, keeper: Keeper) -> "SignIn":
        keys = SigningKeys(settings, database, sealer)
        tokens = AccessTokens(settings, keys)
        directory = Directory(Reader(settings, Outbound(settings)))
        checker = TokenChecker(directory)
        presence = Presence(settings, database, sealer, keeper, keys)
        issuers = Issuers(database, sealer, keeper)
        return cls(
            keys=keys,
            tokens=tokens,
            sessions=Sessions(settings, database, sealer, tokens),
            presence=presence,
            passwords=Passwords(settings),
            throttle=Throttle(settings, database, sealer.keyring.pepper),
            issuers=issuers,
            directory=directory,
            checker=checker,
            flow=CodeFlow(sealer, directory, checker),
            callers=Callers(database, keeper, tokens, presence, issuers, checker),
        )
