"""Refusing what a target has no word for, in one form."""

from turnpike.errors import Inexpressible, InvalidRequest
from turnpike.wire.dialect import AnyRequest, AnyResponse
from turnpike.wire.types.conversation import Request, Response, ServerItem


def inexpressible(param: str, target: str, advice: str = "") -> Inexpressible:
    """`param` in the caller's own words; `target` says which form has no word for it."""
    return Inexpressible(f"`{param}` cannot be said in {target}. {advice}".rstrip(), details={"param": param})


def foreign(part: ServerItem, param: str, target: str) -> Inexpressible:
    """An item of a tool that another API's provider runs itself."""
    return inexpressible(f"{param}.type", target, f"{part.kind!r} is another API's own.")


def invalid(param: str, reason: str) -> InvalidRequest:
    return InvalidRequest(f"`{param}` {reason}", details={"param": param})


def as_conversation(request: AnyRequest) -> Request:
    """Raises TypeError for a request of another operation, which only a mistake of ours can bring here."""
    if not isinstance(request, Request):
        raise TypeError(f"a conversation is expected, not {type(request).__name__}")
    return request


def as_answer(response: AnyResponse) -> Response:
    if not isinstance(response, Response):
        raise TypeError(f"a conversation's answer is expected, not {type(response).__name__}")
    return response
