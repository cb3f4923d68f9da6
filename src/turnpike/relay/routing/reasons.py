"""Why a call goes on to another model, in one word: what the header `x-turnpike-fallback` tells the caller."""

from turnpike.errors import RefusalKind, TurnpikeError, UpstreamRefused

_OF_KIND = {
    RefusalKind.CONTEXT: "context",
    RefusalKind.CONTENT: "content",
    RefusalKind.RATE_LIMITED: "rate_limited",
    RefusalKind.QUOTA: "quota",
    RefusalKind.OVERLOADED: "overloaded",
}
ANOTHER_MODEL = frozenset(("context", "content"))
"""What no other deployment of the same model would do better."""


def why(error: TurnpikeError) -> str:
    """`context`, `rate_limited`, `upstream_503`, `upstream_timeout`, ..."""
    if isinstance(error, UpstreamRefused):
        return _OF_KIND.get(error.kind, f"upstream_{error.status}") if error.kind else f"upstream_{error.status}"
    return error.code.lower()
