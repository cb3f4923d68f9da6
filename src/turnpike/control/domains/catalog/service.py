"""What other domains may ask of the catalog."""

from turnpike.control.db.sessions import ReadSession
from turnpike.control.domains.catalog import repository
from turnpike.errors import InvalidRequest


async def provider_id_of(session: ReadSession, slug: str) -> str:
    """Raises InvalidRequest."""
    row = await repository.provider(session, slug)
    if row is None:
        raise InvalidRequest(f"There is no provider {slug!r}.", details={"param": "default_provider"})
    return row.id
