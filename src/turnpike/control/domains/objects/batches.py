"""What batches cost: asks providers about those that have not ended, and writes each into the ledger once.

The event id is made of the batch itself, so several processes, or one that died in between, write the same row and not
two. A batch is asked about with the credential that it was made with.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import msgspec
import structlog
from sqlalchemy import select

from turnpike.contract.events import Caller, Outcome, Served, UsageEvent, UsageSource
from turnpike.contract.objects import late_event_id
from turnpike.control.background import Background, woken
from turnpike.control.db.database import UNREACHABLE, Database
from turnpike.control.db.models import Credential, Model, OwnedObjectRow, Provider
from turnpike.control.db.sessions import ReadSession
from turnpike.control.domains.budgets.late import late_holder
from turnpike.control.domains.catalog.facts import Facts, facts_of, read_config
from turnpike.control.domains.catalog.rates import read_rates
from turnpike.control.domains.objects import repository
from turnpike.control.drain.charges import Charged
from turnpike.control.drain.rows import row_of
from turnpike.control.drain.writers import LedgerWriter, Refused, Unreachable, open_writer
from turnpike.control.infra.secrets import CannotOpen, Sealer
from turnpike.control.outbound import Outbound
from turnpike.errors import UpstreamError, UpstreamGarbage
from turnpike.kit.clock import now_ms
from turnpike.settings import Settings
from turnpike.wire.credentials import PlainKey, read_credential
from turnpike.wire.passage.batches import BatchState, ResultsReader, read_state
from turnpike.wire.passage.family import roots_of
from turnpike.wire.passage.paths import Api
from turnpike.wire.prices import cost_nanousd
from turnpike.wire.types.usage import Usage, served_as
from turnpike.wire.vendor import BEARER

EVERY_S = 5.0
"""How often the table is looked at; a batch is asked about far less often."""
AT_ONCE = 20
SHORTEST_MS, LONGEST_MS = 120_000, 900_000
"""Between two questions about one batch: from two minutes up to a quarter of an hour as it grows old."""
RESULTS_TIMEOUT_S = 600.0
GIVEN_UP_AFTER_MS = 32 * 86_400_000
"""Providers keep the results of a batch for a month."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Question:
    row: OwnedObjectRow
    provider: Provider
    facts: Facts
    key: PlainKey | None
    api: Api
    models: list[Model]
    """Those of the provider that the batch may have been for."""

    @property
    def base(self) -> str:
        return self.provider.api_base_url + roots_of(self.facts.operations).get(self.api, "")

    @property
    def headers(self) -> dict[str, str]:
        headers = dict(self.facts.headers)
        auth = BEARER if self.key is not None and self.key.bearer else self.facts.auth
        if self.key is not None and auth.header:
            headers[auth.header] = auth.prefix + self.key.secret
        return headers


class BatchCosts(Background):
    """A runner of control's; `look_now` makes it look before its time."""

    task_name = "batch costs"

    def __init__(self, settings: Settings, database: Database, sealer: Sealer) -> None:
        self._settings = settings
        self._database = database
        self._sealer = sealer
        self._outbound = Outbound(settings)
        self._wake = asyncio.Event()
        self._writer: LedgerWriter | None = None

    async def stop(self) -> None:
        await super().stop()
        if self._writer is not None:
            await self._writer.close()

    def look_now(self) -> None:
        self._wake.set()

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except (*UNREACHABLE, Unreachable) as error:
                log.warning("batch_costs_put_off", error_type=type(error).__name__)
            await woken(self._wake, EVERY_S)

    async def look(self) -> int:
        """Asks about every batch whose time has come. Returns how many are done."""
        done = 0
        async with self._database.read() as session:
            rows = await repository.due(session, now_ms(), AT_ONCE)
            questions = [await self._question(session, row) for row in rows]
        for row, question in zip(rows, questions, strict=True):
            ended = question is None or await self._ask(question)
            done += ended
            due = None if ended else now_ms() + _pause_ms(now_ms() - row.created_at_ms)
            async with self._database.write() as session:
                await repository.set_due(session, row.provider_id, row.kind, row.object_id, due)
        return done

    async def _question(self, session: ReadSession, row: OwnedObjectRow) -> Question | None:
        """None when nobody can be asked any more."""
        provider = await session.get(Provider, row.provider_id)
        if provider is None or now_ms() - row.created_at_ms > GIVEN_UP_AFTER_MS:
            log.warning("batch_cost_unknown", kind=row.kind, provider_id=row.provider_id)
            return None
        credential = await session.get(Credential, row.credential_id) if row.credential_id else None
        try:
            secret = self._sealer.open(credential.sealed) if credential is not None else None
        except CannotOpen as error:
            log.error("credential_cannot_be_opened", credential_id=row.credential_id, reason=error.message)
            return None
        models = await session.scalars(select(Model).where(Model.provider_id == provider.id))
        facts = facts_of(provider.vendor, read_config(provider.config), provider.parameters)
        key = read_credential(facts.auth, secret) if secret is not None else None
        if key is not None and not isinstance(key, PlainKey):
            # Tokens and signatures are made for calls that are understood; this vendor's batches are not.
            log.warning("batch_cost_unknown", kind=row.kind, provider_id=row.provider_id)
            return None
        return Question(row, provider, facts, key, Api(row.kind.partition(".")[0]), list(models))

    async def _ask(self, question: Question) -> bool:
        """True when the batch has ended and is in the ledger."""
        row = question.row
        path = "messages/batches" if question.api is Api.ANTHROPIC else "batches"
        try:
            batch = await self._get(question, f"{path}/{row.object_id}")
            state = read_state(question.api, batch) if batch is not None else None
            if state is None or not state.ended:
                return False
            usages = await self._usages(question, state, batch or {})
        except UpstreamError as error:
            log.info("batch_not_asked", provider=question.provider.slug, reason=error.code)
            return False
        await self._write([_event(question, model, usage) for model, usage in usages.items()], row)
        return True

    async def _get(self, question: Question, path: str) -> dict[str, Any] | None:
        answer = await self._outbound.get(
            f"{question.base}/{path}",
            headers=question.headers,
            allow_addresses=question.provider.allow_addresses,
            proxy=question.provider.proxy,
        )
        if answer.status != 200:
            return None
        try:
            decoded = msgspec.json.decode(answer.body)
        except msgspec.DecodeError:
            return None
        return decoded if isinstance(decoded, dict) else None

    async def _usages(self, question: Question, state: BatchState, batch: dict[str, Any]) -> dict[str, Usage]:
        """By the provider's name of the model; from the batch itself, else from its results, line by line."""
        if state.usage is not None:
            counts = batch.get("request_counts")
            completed = counts.get("completed") if isinstance(counts, dict) else None
            lines = completed if isinstance(completed, int) and 0 < completed < 2**31 else 1
            return {state.model or "": msgspec.structs.replace(state.usage, requests=lines)}
        if state.results is None:
            return {}
        reader = ResultsReader()
        status = await self._outbound.read(
            f"{question.base}/{state.results}",
            reader.feed,
            headers=question.headers,
            allow_addresses=question.provider.allow_addresses,
            proxy=question.provider.proxy,
            timeout_s=RESULTS_TIMEOUT_S,
        )
        if status != 200:
            raise UpstreamGarbage(f"The provider answered {status} where the results of a batch should be.")
        return reader.end()

    async def _write(self, events: list[UsageEvent], row: OwnedObjectRow) -> None:
        """Raises Unreachable."""
        if not events and not row.charged:
            return
        if self._writer is None:
            self._writer = open_writer(self._settings)
        try:
            await self._settle(self._writer, events, row)
        except Refused as error:
            log.error("batch_row_refused", reason=str(error))

    async def _settle(self, writer: LedgerWriter, events: list[UsageEvent], row: OwnedObjectRow) -> None:
        """The rows, charged to their caller's budgets; what was kept back for the batch and not spent comes back."""
        holder = late_holder(row.provider_id, row.kind, row.object_id)
        charges = {event.event_id: Charged(event.charged, holder) for event in events if event.charged}
        if events:
            await writer.write([row_of(event) for event in events], charges)
        if row.charged:
            await writer.take_back(holder)


def _pause_ms(age_ms: int) -> int:
    return min(max(age_ms // 4, SHORTEST_MS), LONGEST_MS)


def _event(question: Question, upstream_model: str, usage: Usage) -> UsageEvent:
    row, provider = question.row, question.provider
    usage = served_as(usage, "batch")
    model = _model_of(question, upstream_model)
    rates = read_rates(model.rates) if model is not None else None
    name = model.name if model is not None else upstream_model or "passthrough"
    return UsageEvent(
        event_id=late_event_id(row.provider_id, row.kind, row.object_id, upstream_model),
        started_at_ms=row.created_at_ms,
        request_id=row.object_id,
        trace_id=None,
        caller=Caller(row.key_id, row.key_name, row.user_id, row.department_id),
        operation="passthrough",
        dialect=str(question.api),
        stream=False,
        model_asked=name,
        served=Served(
            provider.id, provider.slug, model.id if model is not None else "", row.credential_id, name,
            model.model_id if model is not None else upstream_model, str(question.api),
            model.price_source if model is not None else None,
        ),
        status=200,
        outcome=Outcome.OK,
        error_code=None,
        usage=usage,
        usage_source=UsageSource.REPORTED,
        cost_nanousd=cost_nanousd(usage, rates) if rates is not None else None,
        first_byte_us=0,
        total_us=0,
        attempts=1,
        path="batch",
        charged=tuple(row.charged or ()),
    )  # fmt: skip


def _model_of(question: Question, upstream_model: str) -> Model | None:
    """The catalog's row: of those that were admitted the one with the provider's name, or the only one."""
    admitted = tuple((question.row.batch or {}).get("models", ()))
    named = [model for model in question.models if model.model_id == upstream_model]
    asked = [model for model in question.models if model.name in admitted]
    for candidates in ([model for model in named if model in asked], named, asked if len(asked) == 1 else []):
        if candidates:
            return candidates[0]
    # Providers answer with a dated name: `gpt-4o-mini-2024-07-18` for `gpt-4o-mini`.
    return next((model for model in asked if upstream_model.startswith(model.model_id)), None)
