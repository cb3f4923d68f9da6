"""Files that are written while they are downloaded, so that their size does not matter to memory."""

from collections.abc import AsyncIterator
from typing import Any

from fastapi.responses import StreamingResponse

from turnpike.kit.clock import utc_now

MEDIA_TYPES = {"csv": "text/csv; charset=utf-8; header=present", "ndjson": "application/x-ndjson"}


def described(description: str) -> dict[int | str, dict[str, Any]]:
    """What a route says of its answers."""
    return {200: {"content": {"text/csv": {}, "application/x-ndjson": {}}, "description": description}}


async def download(parts: AsyncIterator[bytes], name: str, form: str) -> StreamingResponse:
    """`form`: csv or ndjson. The first part is read now: what goes wrong with it is still an ordinary error."""
    first = await anext(parts)
    file = f"{name}-{utc_now():%Y%m%d-%H%M%S}.{form}"
    headers = {"content-disposition": f'attachment; filename="{file}"', "cache-control": "no-store"}
    return StreamingResponse(_joined(first, parts), media_type=MEDIA_TYPES[form], headers=headers)


async def _joined(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in others:
        yield part
