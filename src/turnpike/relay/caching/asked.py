"""What a request asks of a cache (RFC 9111, 5.2.1), and the digest that stands for its question."""

from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from turnpike.wire.caching import ONE_API_HEADERS, Facts, canonical_body

if TYPE_CHECKING:
    from turnpike.relay.call import Call

Digest = blake2b
_FORM_PARAMETERS = (b"alt=", b"%24alt=", b"$alt=")
"""Of the query: how an answer is framed."""


class Wants(NamedTuple):
    looks: bool = True
    """False: `no-cache`; an answer must be made now. It is kept all the same."""
    keeps: bool = True
    """False: `no-store`; the answer must not be kept. One that is there already may be given."""
    only: bool = False
    """`only-if-cached`."""
    max_age_s: float | None = None


_USUAL = Wants()


def wants_of(header: bytes | None) -> Wants:
    """Of a Cache-Control header. Directives that are not known, or make no sense, say nothing."""
    return _USUAL if header is None else _parsed(header)


@lru_cache(maxsize=256)
def _parsed(header: bytes) -> Wants:
    looks = keeps = True
    only = False
    max_age_s: float | None = None
    for part in header.lower().split(b","):
        name, _, value = part.strip().partition(b"=")
        match name:
            case b"no-cache":
                looks = False
            case b"no-store":
                keeps = False
            case b"only-if-cached":
                only = True
            case b"max-age":
                digits = value.strip(b'" ')
                if digits.isdigit():
                    max_age_s = float(digits)
            case _:
                pass
    return Wants(looks and max_age_s != 0, keeps, only, max_age_s)


def key_of(call: "Call", facts: Facts, start: Digest) -> bytes | None:
    """The digest of a question, 32 bytes; None for a request that has to be answered anew. `start` has taken what is
    the same for all calls behind a gate: rule, tenant, dialect, operation, model."""
    text = canonical_body(facts, call.body)
    if text is None:
        return None
    digest = start.copy()
    digest.update(surroundings(call))
    digest.update(text)
    return digest.digest()


def surroundings(call: "Call") -> bytes:
    """What beside its body changes the answer to a request."""
    head = call.head
    found = [b"%b:%b" % pair for pair in head.pairs if pair[0].startswith(ONE_API_HEADERS)]
    if len(found) > 1:
        found.sort()
    if head.query:
        found += sorted(part for part in head.query.split(b"&") if not part.startswith(_FORM_PARAMETERS))
    if head.drops:
        found.append(b"drops")
    return b"\n".join(found) + b"\0"
