"""Everything that Turnpike tells a caller went wrong, as one tree.

    TurnpikeError                   500  INTERNAL
    ├── RequestError                400  the caller can mend it
    │   ├── InvalidRequest          400  INVALID_REQUEST
    │   │   ├── InvalidJson         400  INVALID_JSON            (with the byte position)
    │   │   ├── UnsupportedOperation 400 UNSUPPORTED_OPERATION   (names the models that can)
    │   │   └── Inexpressible       400  NOT_EXPRESSIBLE         (the target dialect has no word for it)
    │   ├── Unauthenticated         401  UNAUTHENTICATED
    │   ├── Forbidden               403  FORBIDDEN
    │   │   ├── ScopeMissing        403  SCOPE_MISSING
    │   │   ├── ModelForbidden      403  MODEL_FORBIDDEN
    │   │   └── AddressForbidden    403  ADDRESS_FORBIDDEN
    │   ├── NotFound                404  NOT_FOUND
    │   │   └── ModelNotFound       404  MODEL_NOT_FOUND         (names the nearest models)
    │   ├── MethodNotAllowed        405  METHOD_NOT_ALLOWED
    │   ├── RequestTimeout          408  REQUEST_TIMEOUT
    │   ├── Conflict                409  CONFLICT
    │   ├── PreconditionFailed      412  PRECONDITION_FAILED     (If-Match names another version)
    │   ├── BodyTooLarge            413  BODY_TOO_LARGE
    │   ├── UnsupportedMedia        415  UNSUPPORTED_MEDIA
    │   ├── KeyReused               422  IDEMPOTENCY_KEY_REUSED  (the same key, another request)
    │   ├── PreconditionRequired    428  PRECONDITION_REQUIRED   (a change must say which version it means)
    │   ├── HeadTooLarge            431  HEAD_TOO_LARGE
    │   ├── NotCached               504  NOT_CACHED              (the caller wants an answer from the cache alone)
    │   ├── PolicyRefused           400  POLICY_REFUSED          (a guard or another policy says no, and which)
    │   └── RateLimited             429  RATE_LIMITED            (with retry_after_s, and the limit that is reached)
    │       └── BudgetSpent         429  BUDGET_SPENT            (names the budget, and when it is renewed)
    ├── UpstreamError               502  the provider's side failed
    │   ├── UpstreamRefused         its own status  UPSTREAM_REFUSED
    │   ├── UpstreamUnreachable     502  UPSTREAM_UNREACHABLE
    │   ├── UpstreamGarbage         502  UPSTREAM_GARBAGE
    │   ├── UpstreamCut             502  UPSTREAM_CUT
    │   ├── UpstreamTimeout         504  UPSTREAM_TIMEOUT
    │   └── AddressRefused          502  ADDRESS_REFUSED         (the address policy says no)
    ├── Unavailable                 503  UNAVAILABLE             (with retry_after_s)
    │   ├── Maintenance             503  MAINTENANCE             (an administrator closed the gateway for a while)
    │   ├── Overloaded              503  OVERLOADED              (shed under load, the lowest tier first)
    │   └── StorageFull             507  STORAGE_FULL            (an upload cannot be kept until it is sent on)
    └── ConfigurationError          500  CONFIGURATION           (start-up refuses; never sent to a client)

Only an edge turns one into HTTP: a dialect renders its own API's form, control renders the envelope. A message is
written for the person who reads it and never holds a secret. This module imports nothing of ours.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar


class TurnpikeError(Exception):
    """Base of the tree. `message` is safe to show to any caller; `details` is JSON-ready and just as safe."""

    code: ClassVar[str] = "INTERNAL"
    status: int = 500
    retryable: ClassVar[bool] = False
    """Whether the same request may succeed at another deployment, or later."""

    def __init__(
        self,
        message: str = "Something failed inside Turnpike; the log explains it under this request id.",
        *,
        details: Mapping[str, Any] | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details: dict[str, Any] = dict(details) if details else {}
        self.retry_after_s = retry_after_s


class RequestError(TurnpikeError):
    code = "INVALID_REQUEST"
    status = 400


class InvalidRequest(RequestError):
    """`details["param"]` names the field where one is to blame."""


class InvalidJson(InvalidRequest):
    code = "INVALID_JSON"


class UnsupportedOperation(InvalidRequest):
    code = "UNSUPPORTED_OPERATION"


class Inexpressible(InvalidRequest):
    code = "NOT_EXPRESSIBLE"


class Unauthenticated(RequestError):
    code = "UNAUTHENTICATED"
    status = 401


class Forbidden(RequestError):
    code = "FORBIDDEN"
    status = 403


class ScopeMissing(Forbidden):
    code = "SCOPE_MISSING"


class ModelForbidden(Forbidden):
    code = "MODEL_FORBIDDEN"


class AddressForbidden(Forbidden):
    code = "ADDRESS_FORBIDDEN"


class NotFound(RequestError):
    code = "NOT_FOUND"
    status = 404


class ModelNotFound(NotFound):
    code = "MODEL_NOT_FOUND"


class MethodNotAllowed(RequestError):
    code = "METHOD_NOT_ALLOWED"
    status = 405


class RequestTimeout(RequestError):
    code = "REQUEST_TIMEOUT"
    status = 408


class Conflict(RequestError):
    code = "CONFLICT"
    status = 409


class PreconditionFailed(RequestError):
    """RFC 9110, 13.1.1: what the caller means to change is not what is there now."""

    code = "PRECONDITION_FAILED"
    status = 412


class BodyTooLarge(RequestError):
    code = "BODY_TOO_LARGE"
    status = 413


class UnsupportedMedia(RequestError):
    code = "UNSUPPORTED_MEDIA"
    status = 415


class KeyReused(RequestError):
    """An Idempotency-Key that stands for another request already."""

    code = "IDEMPOTENCY_KEY_REUSED"
    status = 422


class PreconditionRequired(RequestError):
    """RFC 6585, 3."""

    code = "PRECONDITION_REQUIRED"
    status = 428


class HeadTooLarge(RequestError):
    code = "HEAD_TOO_LARGE"
    status = 431


class NotCached(RequestError):
    """RFC 9111, 5.2.1.7: `only-if-cached`, and nothing is."""

    code = "NOT_CACHED"
    status = 504


class RateLimited(RequestError):
    code = "RATE_LIMITED"
    status = 429
    retryable = True


class BudgetSpent(RateLimited):
    """`details["budget"]` names it; `retry_after_s` is when its period ends, where it does."""

    code = "BUDGET_SPENT"
    retryable = False


class PolicyRefused(RequestError):
    """`details` names the policy and the kind of what was found, never the text."""

    code = "POLICY_REFUSED"


class UpstreamError(TurnpikeError):
    code = "UPSTREAM_ERROR"
    status = 502
    retryable = True


class RefusalKind(StrEnum):
    """Why a provider refused, in no provider's words."""

    BAD_KEY = "bad_key"
    QUOTA = "quota"
    """No money or quota left: waiting does not help."""
    RATE_LIMITED = "rate_limited"
    CONTEXT = "context"
    """Longer than the model's context."""
    CONTENT = "content"
    """Refused for what it says."""
    NOT_FOUND = "not_found"
    OVERLOADED = "overloaded"
    UNSUPPORTED = "unsupported"
    FORBIDDEN = "forbidden"


class UpstreamRefused(UpstreamError):
    """The provider answered with an error of its own; `status` is the provider's, unless that says another thing than
    its error does.

    `upstream_code` and `upstream_type` are its own words, kept so that the caller's dialect can repeat them; `kind` is
    what they mean, where that is known.
    """

    code = "UPSTREAM_REFUSED"

    def __init__(
        self,
        message: str,
        *,
        status: int,
        upstream_code: str | None = None,
        upstream_type: str | None = None,
        param: str | None = None,
        details: Mapping[str, Any] | None = None,
        retry_after_s: float | None = None,
        kind: RefusalKind | None = None,
    ) -> None:
        super().__init__(message, details=details, retry_after_s=retry_after_s)
        self.status = status
        self.kind = kind
        self.upstream_code = upstream_code
        self.upstream_type = upstream_type
        self.param = param


class UpstreamUnreachable(UpstreamError):
    code = "UPSTREAM_UNREACHABLE"


class UpstreamGarbage(UpstreamError):
    code = "UPSTREAM_GARBAGE"


class UpstreamCut(UpstreamError):
    code = "UPSTREAM_CUT"


class UpstreamTimeout(UpstreamError):
    code = "UPSTREAM_TIMEOUT"
    status = 504


class AddressRefused(UpstreamError):
    code = "ADDRESS_REFUSED"
    retryable = False


class Unavailable(TurnpikeError):
    code = "UNAVAILABLE"
    status = 503
    retryable = True


class Maintenance(Unavailable):
    code = "MAINTENANCE"


class Overloaded(Unavailable):
    code = "OVERLOADED"


class StorageFull(Unavailable):
    code = "STORAGE_FULL"
    status = 507


class ConfigurationError(TurnpikeError):
    code = "CONFIGURATION"
