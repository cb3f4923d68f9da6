"""The one form of every answer under /api/v1 (HOUSE.md, "Surfaces")."""

from contextvars import ContextVar
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, SerializerFunctionWrapHandler, model_serializer

from turnpike.kit.clock import from_ms, rfc3339, utc_now
from turnpike.kit.pagination import Page, PageInfo

request_id: ContextVar[str] = ContextVar("request_id", default="")
answered: ContextVar[BaseModel | None] = ContextVar("answered", default=None)
"""What the request being served is answered with, once that is made (idempotency.py keeps it)."""

T = TypeVar("T")

Moment = Annotated[datetime, PlainSerializer(rfc3339, return_type=str)]
"""RFC 3339, UTC, milliseconds."""


def moment(ms: int) -> datetime:
    return from_ms(ms)


def moment_or_none(ms: int | None) -> datetime | None:
    return None if ms is None else from_ms(ms)


class Pagination(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    page: int
    per_page: int
    total: int = Field(description="Entries in the whole list.")
    pages: int


class Meta(BaseModel):
    request_id: str
    pagination: Pagination | None = Field(default=None, description="Only in lists.")

    @model_serializer(mode="wrap")
    def _without_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value is not None}


class Envelope(BaseModel, Generic[T]):
    """An answer that worked out."""

    success: Literal[True] = True
    data: T
    message: str | None = None
    error: None = None
    meta: Meta


class ErrorBody(BaseModel):
    code: str = Field(description="Stable; see docs/errors.md.")
    message: str
    details: dict[str, Any] = {}
    request_id: str
    timestamp: Moment


class ErrorEnvelope(BaseModel):
    """An answer that did not."""

    success: Literal[False] = False
    data: None = None
    message: str
    error: ErrorBody
    meta: Meta


def ok(data: T, message: str | None = None) -> Envelope[T]:
    envelope = Envelope(data=data, message=message, meta=Meta(request_id=request_id.get(), pagination=None))
    answered.set(envelope)
    return envelope


def page_of(data: list[T], page: Page, total: int) -> Envelope[list[T]]:
    pagination = Pagination.model_validate(PageInfo.of(page, total))
    return Envelope(data=data, meta=Meta(request_id=request_id.get(), pagination=pagination))


def failure(code: str, message: str, details: dict[str, Any]) -> ErrorEnvelope:
    asked = request_id.get()
    error = ErrorBody(code=code, message=message, details=details, request_id=asked, timestamp=utc_now())
    return ErrorEnvelope(message=message, error=error, meta=Meta(request_id=asked, pagination=None))
