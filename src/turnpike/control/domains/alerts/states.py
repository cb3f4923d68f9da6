"""From readings to states: pending, firing, resolved, with their holds, told once each. Never commits.

A reading that is missing counts as well: there is nothing that would be wrong.
"""

from collections.abc import Iterable, Sequence

from turnpike.control.db.models import AlertRule, AlertSilence, AlertState
from turnpike.control.db.sessions import WriteSession
from turnpike.control.delivery.fanout import silence_of
from turnpike.control.domains.alerts import repository
from turnpike.control.domains.alerts.kinds import FIRING, PENDING, RESOLVED
from turnpike.control.domains.alerts.measures import Reading
from turnpike.control.events.kinds import AlertFiring, AlertResolved
from turnpike.control.events.outbox import emit, time_or_none

_LONGEST = 500


class States:
    """Of one rule, in one transaction, as of one moment."""

    def __init__(self, session: WriteSession, rule: AlertRule, silences: Sequence[AlertSilence], now: int) -> None:
        self._session = session
        self._rule = rule
        self._silences = silences
        self._now = now

    async def apply(self, readings: Iterable[Reading]) -> None:
        known = await repository.states_of(self._session, self._rule.id)
        breached = {reading.subject[:255]: reading for reading in readings if reading.breached}
        for subject, reading in breached.items():
            await self._worse(known.get(subject), subject, reading)
        for subject, state in known.items():
            if subject not in breached:
                await self._better(state)
        await self._session.flush()

    async def _worse(self, state: AlertState | None, subject: str, reading: Reading) -> None:
        rule, now = self._rule, self._now
        if state is None:
            state = AlertState(
                rule_id=rule.id, subject=subject, state=PENDING, since_ms=now, value=0.0, message="", seen_at_ms=now
            )
            self._session.add(state)
            self._see(state, reading)
            if rule.hold_s:
                await self._record(state, PENDING, None)
        else:
            self._see(state, reading)
        state.well_since_ms = None
        if state.state == PENDING and now - state.since_ms >= rule.hold_s * 1000:
            state.state, state.fired_at_ms = FIRING, now
            await self._record(state, FIRING, self._silence(subject))
        if state.state == FIRING:
            self._tell_if_due(state)

    def _see(self, state: AlertState, reading: Reading) -> None:
        state.value, state.message, state.seen_at_ms = reading.value, reading.message[:_LONGEST], self._now

    def _tell_if_due(self, state: AlertState) -> None:
        """Once when it fires, or when a silence over it ends; again as often as the rule says."""
        repeat_ms = self._rule.repeat_s * 1000
        due = state.told_at_ms is None or (repeat_ms and self._now - state.told_at_ms >= repeat_ms)
        if due and self._silence(state.subject) is None:
            state.told_at_ms = self._now
            self._tell(state, AlertFiring)

    async def _better(self, state: AlertState) -> None:
        if state.state == PENDING:
            await self._session.delete(state)
            return
        if state.well_since_ms is None:
            state.well_since_ms = self._now
        if self._now - state.well_since_ms >= self._rule.resolve_s * 1000:
            silence = self._silence(state.subject)
            await self._record(state, RESOLVED, silence)
            # Who was told that it fires is told that it is over, silenced or not.
            if state.told_at_ms is not None:
                self._tell(state, AlertResolved)
            await self._session.delete(state)

    async def end(self, because: str) -> None:
        """The rule is switched off or gone: what fires is resolved."""
        for state in (await repository.states_of(self._session, self._rule.id)).values():
            if state.state == FIRING:
                state.message = because
                await self._record(state, RESOLVED, None)
                if state.told_at_ms is not None:
                    self._tell(state, AlertResolved)
            await self._session.delete(state)
        await self._session.flush()

    def _silence(self, subject: str) -> str | None:
        return silence_of(self._rule.name, subject, self._silences)

    async def _record(self, state: AlertState, to: str, silence_id: str | None) -> None:
        rule = self._rule
        await repository.record(
            self._session,
            {
                "rule_id": rule.id,
                "rule": rule.name,
                "kind": rule.kind,
                "subject": state.subject,
                "state": to,
                "at_ms": self._now,
                "value": state.value,
                "threshold": rule.threshold,
                "message": state.message,
                "silence_id": silence_id,
            },
        )

    def _tell(self, state: AlertState, kind: type[AlertFiring]) -> None:
        rule = self._rule
        department_id, user_id = rule.department_id, None
        if rule.scope == "department":
            department_id = department_id or state.subject
        elif rule.scope == "user":
            user_id = state.subject
        told = kind(
            rule_id=rule.id,
            rule=rule.name,
            kind=rule.kind,
            scope=rule.scope,
            subject=state.subject,
            severity=rule.severity,
            value=round(state.value, 6),
            threshold=rule.threshold,
            message=state.message,
            since=time_or_none(state.since_ms) or "",
        )
        emit(self._session, told, department_id=department_id, user_id=user_id, targets=rule.targets)
