"""Refusing what a target has no word for, in one form."""

from turnpike.errors import Inexpressible, InvalidRequest
from turnpike.wire.dialect import AnyRequest, AnyResponse
from turnpike.wire.types.conversation import Request, Response


def inexpressible(param: str, target: str, advice: str = "") -> Inexpressible:
    """`param` in the caller's own words; `target` says which form has no word for it."""
    return Inexpressible(f"`{param}` cannot be said in {target}. {advice}".rstrip(), details={"param": param})


def invalid(param: str, reason: str) -> InvalidRequest:
    return InvalidRequest(f"`{param}` {reason}", details={"param": param})


def refuse_own_tools(request: Request, dialect: str, target: str) -> None:
    """Raises Inexpressible for tools that another dialect's provider runs itself."""
    for tool in request.server_tools:
        if tool.dialect != dialect:
            raise inexpressible("tools", target, f"{tool.kind!r} is a tool of another API's own.")


def as_conversation(request: AnyRequest) -> Request:
    """Raises TypeError for a request of another operation, which only a mistake of ours can bring here."""
    if not isinstance(request, Request):
        raise TypeError(f"a conversation is expected, not {type(request).__name__}")
    return request


def as_answer(response: AnyResponse) -> Response:
    if not isinstance(response, Response):
        raise TypeError(f"a conversation's answer is expected, not {type(response).__name__}")
    return response
