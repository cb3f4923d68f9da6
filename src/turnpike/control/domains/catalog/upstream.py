"""What a provider says of itself: is it there, does it take the key, which models does it have.

No transaction is open while a provider is waited for: rows are read, the provider is asked, then rows are written.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import urlencode

from turnpike.control.db.database import Database
from turnpike.control.db.models import Model, Provider
from turnpike.control.db.models.catalog import CAPABILITIES
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.catalog import repository
from turnpike.control.domains.catalog.credentials import Credentials
from turnpike.control.domains.catalog.facts import Facts, facts_of, known_vendor, read_config
from turnpike.control.domains.catalog.prices import Pricing, known_models
from turnpike.control.domains.catalog.schemas import SyncBody, SyncView, TestView
from turnpike.control.outbound import Answer, Outbound
from turnpike.control.tokens.asking import Asking
from turnpike.control.tokens.sending import Ready, ready
from turnpike.errors import InvalidRequest, NotFound, UpstreamError, UpstreamRefused
from turnpike.kit.crypto import scrub
from turnpike.wire.dialects.common.errors import read_error, refusal_in
from turnpike.wire.dialects.models import ModelList, ModelRow, read_bedrock, read_models, read_vertex
from turnpike.wire.parameters import pack_secret, unpack_secret
from turnpike.wire.vendor import ModelsFormat

MAX_PAGES = 50
MAX_SHOWN_ERROR = 500


@dataclass(frozen=True)
class Target:
    provider: Provider
    facts: Facts
    secret: str | None


@dataclass(frozen=True)
class Listed:
    rows: tuple[ModelRow, ...]
    last: Answer


class Upstream:
    def __init__(self, outbound: Outbound, credentials: Credentials, pricing: Pricing) -> None:
        self._outbound = outbound
        self._credentials = credentials
        self._pricing = pricing

    # ---- testing

    async def test(self, database: Database, reference: str, api_key: str | None) -> TestView:
        """Raises NotFound or InvalidRequest; what the provider does wrong is in the answer."""
        async with database.read() as session:
            target = await self._target(session, reference, api_key)
        try:
            facts = target.facts
            answer = None
            if facts.credential_path is not None or facts.models_path is None:
                answer = await self._ask_by_credential(target)
                if facts.models_path is None:
                    return TestView(ok=True, status=answer.status, elapsed_ms=answer.elapsed_ms)
            listed = await self._list(target)
        except UpstreamError as error:
            return _failed(error)
        return TestView(
            ok=True,
            status=listed.last.status,
            elapsed_ms=listed.last.elapsed_ms,
            models=len(listed.rows),
            credential_tested=answer is not None or not facts.models_public,
        )

    async def test_model(self, database: Database, model_id: str) -> TestView:
        """Raises NotFound or InvalidRequest."""
        async with database.read() as session:
            found = await repository.model(session, model_id)
            if found is None:
                raise NotFound(f"There is no model {model_id}.")
            model, provider = found
            target = await self._target(session, provider.id, None)
        if target.facts.models_path is None:
            return await self.test(database, provider.id, None)
        try:
            listed = await self._list(target)
        except UpstreamError as error:
            return _failed(error)
        there = any(row.id == model.model_id for row in listed.rows)
        error = None if there else f"{provider.slug} does not list a model {model.model_id!r}."
        answer = listed.last
        return TestView(
            ok=there, status=answer.status, elapsed_ms=answer.elapsed_ms, models=len(listed.rows), error=error
        )

    # ---- syncing

    async def sync(self, database: Database, reference: str, wish: SyncBody) -> SyncView:
        """Adds what the provider lists and the catalog lacks. Raises NotFound, InvalidRequest or UpstreamError."""
        async with database.read() as session:
            target = await self._target(session, reference, None)
        if target.facts.models_path is None:
            rows, all_ids = self._known(target), None
        else:
            rows = (await self._list(target)).rows
            all_ids = {row.id for row in rows}
        wanted = [row for row in rows if _is_wanted(row.id, wish.only)]
        async with database.write() as session:
            provider = await repository.provider(session, target.provider.id)
            if provider is None:
                raise NotFound(f"The provider {reference} was deleted meanwhile.")
            return await self._store(session, provider, wanted, all_ids, wish)

    def _known(self, target: Target) -> tuple[ModelRow, ...]:
        """What the price list knows of a provider that lists nothing itself. Raises InvalidRequest."""
        rows = known_models(target.facts.price_provider)
        if not rows:
            raise InvalidRequest(
                f"{target.provider.slug} does not list its models, and the price list knows none of it; name them with "
                "POST /api/v1/ai/models, or give it a config.models_path."
            )
        return rows

    async def _store(
        self,
        session: WriteSession,
        provider: Provider,
        wanted: Sequence[ModelRow],
        all_ids: set[str] | None,
        wish: SyncBody,
    ) -> SyncView:
        """`all_ids`: what the provider lists; None where it lists nothing, and nothing can be missing."""
        present = await repository.models_of(session, provider.id)
        known = {row.model_id for row in present}
        added = [self._new(provider, row, wish) for row in wanted if row.id not in known]
        session.add_all(added)
        missing = [row for row in present if all_ids is not None and row.model_id not in all_ids]
        deactivated = [row for row in missing if row.is_active] if wish.deactivate_missing else []
        for row in deactivated:
            row.is_active = False
        await session.flush()
        if added or deactivated:
            session.changes.catalog()
        return SyncView(
            added=[row.model_id for row in added],
            total=len(present) + len(added),
            missing=[row.model_id for row in missing],
            deactivated=[row.model_id for row in deactivated],
            unpriced=[row.model_id for row in added if row.rates is None],
            listed=all_ids is not None,
        )

    def _new(self, provider: Provider, listed: ModelRow, wish: SyncBody) -> Model:
        row = Model(
            provider_id=provider.id,
            name=listed.id[:255],
            model_id=listed.id[:255],
            display_name=(listed.display_name or listed.id)[:255],
            capabilities=[name for name in CAPABILITIES if name in listed.capabilities],
            is_active=wish.activate,
            context_window=_bounded(listed.context_window),
            max_output_tokens=_bounded(listed.max_output_tokens),
        )
        self._pricing.price(row, provider, listed.rates)
        return row

    # ---- asking

    async def _target(self, session: ReadSession, reference: str, api_key: str | None) -> Target:
        provider = await repository.provider(session, reference)
        if provider is None:
            raise NotFound(f"There is no provider {reference}.")
        facts = facts_of(provider.vendor, read_config(provider.config), provider.parameters)
        if api_key is None:
            rows = await self._credentials.shared(session, provider.id)
            active = next((row for row in rows if row.is_active), None)
            api_key = self._credentials.open(active) if active else None
        else:
            api_key = pack_secret(known_vendor(provider.vendor), api_key, "api_key")
        if api_key is None and facts.needs_credential:
            raise InvalidRequest(f"{provider.slug} needs a credential, and has none that is shared.")
        return Target(provider, facts, api_key)

    async def _list(self, target: Target) -> Listed:
        """All lists and pages. Raises UpstreamError with the credential scrubbed from its message."""
        rows: dict[str, ModelRow] = {}
        try:
            sending = await self._ready(target)
            last: Answer | None = None
            for path in (target.facts.models_path or "", *target.facts.models_more):
                last = await self._list_one(target, sending, path, rows)
        except UpstreamError as error:
            raise _hidden(error, target) from error
        assert last is not None
        return Listed(tuple(rows.values()), last)

    async def _list_one(self, target: Target, sending: Ready, path: str, rows: dict[str, ModelRow]) -> Answer:
        after: str | None = None
        for page in range(1, MAX_PAGES + 1):
            answer = await self._get(target, sending, _paged(target.facts, path, after))
            found = _READERS.get(target.facts.models_format, read_models)(answer.body)
            for row in found.rows:
                rows.setdefault(row.id, row)
            if found.next_after_id in {None, after} or page == MAX_PAGES:
                return answer
            after = found.next_after_id
        raise AssertionError("the last page returns")

    async def _ask_by_credential(self, target: Target) -> Answer:
        """Raises UpstreamError, or InvalidRequest where the vendor has nothing to ask that costs nothing."""
        if target.facts.credential_path is None:
            raise InvalidRequest(
                f"{target.provider.slug} has nothing to ask that costs nothing; call one of its models instead, or "
                "give it a config.models_path."
            )
        try:
            return await self._get(target, await self._ready(target), target.facts.credential_path)
        except UpstreamError as error:
            raise _hidden(error, target) from error

    async def _ready(self, target: Target) -> Ready:
        """The credential as it is sent. Raises UpstreamError where a token is needed and not given."""
        provider = target.provider
        ask = Asking(self._outbound, tuple(provider.allow_addresses), provider.proxy)
        return await ready(target.facts.auth, target.secret, ask)

    async def _get(self, target: Target, sending: Ready, path: str) -> Answer:
        """Raises UpstreamError."""
        provider, facts = target.provider, target.facts
        base = provider.api_base_url
        if facts.models_host is not None:
            base = base.replace(*facts.models_host, 1)
        url = sending.url(base + path)
        answer = await self._outbound.get(
            url,
            headers={**facts.headers, **sending.headers(url)},
            allow_addresses=provider.allow_addresses,
            proxy=provider.proxy,
        )
        refused = refusal_in(answer.body) if answer.status < 300 else None
        if refused is not None:
            refused.message = f"{provider.slug} answered {answer.status}: {refused.message}"
            raise refused
        if not 200 <= answer.status < 300:
            raise UpstreamRefused(_refusal(target, answer), status=answer.status)
        return answer


_READERS: dict[ModelsFormat, Callable[[bytes], ModelList]] = {
    ModelsFormat.BEDROCK: read_bedrock,
    ModelsFormat.VERTEX: read_vertex,
}
_PAGES = {
    ModelsFormat.ANTHROPIC: ("limit", "after_id"),
    ModelsFormat.GEMINI: ("pageSize", "pageToken"),
    ModelsFormat.BEDROCK: ("", "nextToken"),
    ModelsFormat.VERTEX: ("", "pageToken"),
}
"""How a list is asked for its largest pages, and for the next one."""


def _paged(facts: Facts, path: str, after: str | None) -> str:
    size, token = _PAGES.get(facts.models_format, ("", "after_id"))
    query = {size: "1000"} if size else {}
    if after is not None:
        query[token] = after
    if not query:
        return path
    return f"{path}{'&' if '?' in path else '?'}{urlencode(query)}"


def _refusal(target: Target, answer: Answer) -> str:
    slug = target.provider.slug
    if 300 <= answer.status < 400:
        return f"{slug} answered {answer.status}: it redirects, which is not followed. Give the address it means."
    # Our key is masked before anything that looks like a key is removed: an administrator sees which one was sent.
    body = scrub(answer.body.decode("utf-8", "replace"), _secrets(target))
    error = read_error(answer.status, body.encode())
    told = "" if error.message.endswith("and no message.") else f": {error.message}"
    return f"{slug} answered {answer.status}{told}"


def _secrets(target: Target) -> list[str]:
    """The credential and every part of it."""
    if not target.secret:
        return []
    return [*unpack_secret(known_vendor(target.provider.vendor), target.secret).values(), target.secret]


def _hidden(error: UpstreamError, target: Target) -> UpstreamError:
    error.message = _shown(error.message, _secrets(target))
    error.args = (error.message,)
    return error


def _shown(message: str, secrets: list[str]) -> str:
    clean = scrub(message, secrets)
    clean = "".join(character if character.isprintable() else " " for character in clean)
    return clean if len(clean) <= MAX_SHOWN_ERROR else clean[:MAX_SHOWN_ERROR] + "…"


def _failed(error: UpstreamError) -> TestView:
    status = error.status if isinstance(error, UpstreamRefused) else None
    return TestView(ok=False, status=status, elapsed_ms=None, error=error.message)


def _is_wanted(name: str, only: Sequence[str]) -> bool:
    return not only or any(fnmatchcase(name, pattern) for pattern in only)


def _bounded(tokens: int | None) -> int | None:
    return tokens if tokens is not None and 0 < tokens <= 100_000_000 else None
