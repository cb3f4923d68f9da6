"""Rules of networks: what is denied stays denied; where any is allowed, only those come in."""

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import delete, or_, select

from turnpike.contract.snapshot import NetworkRules
from turnpike.control.audit.entries import Draft
from turnpike.control.db.models import NetworkRule
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains import catalogued
from turnpike.control.domains.listing import Columns, ordered, paged
from turnpike.errors import Conflict, InvalidRequest
from turnpike.kit.clock import now_ms
from turnpike.kit.networks import Networks, address_in, network_in
from turnpike.kit.pagination import Page, parse_sort

Verdict = Literal["allow", "deny"]
MOST_RULES = 10_000
ORDER: Columns = {
    "verdict": NetworkRule.verdict,
    "network": NetworkRule.network,
    "created_at": NetworkRule.created_at_ms,
    "expires_at": NetworkRule.expires_at_ms,
}


def _in_force(now: int) -> Any:
    return or_(NetworkRule.expires_at_ms.is_(None), NetworkRule.expires_at_ms > now)


async def find(
    session: ReadSession, verdict: Verdict | None, sort: str | None, page: Page
) -> tuple[Sequence[NetworkRule], int]:
    query = select(NetworkRule).where(_in_force(now_ms()))
    if verdict is not None:
        query = query.where(NetworkRule.verdict == verdict)
    orders = parse_sort(sort, ORDER, "verdict,network")
    return await paged(session, ordered(query, orders, ORDER, NetworkRule.id), page)


async def rules(session: ReadSession) -> NetworkRules:
    """What relays are told."""
    query = select(NetworkRule.network, NetworkRule.verdict).where(_in_force(now_ms())).order_by(NetworkRule.network)
    rows = (await session.execute(query)).all()
    return NetworkRules(
        tuple(row.network for row in rows if row.verdict == "allow"),
        tuple(row.network for row in rows if row.verdict == "deny"),
    )


async def get(session: ReadSession, rule_id: str) -> NetworkRule:
    """Raises NotFound."""
    return await catalogued.get(session, NetworkRule, rule_id, "network rule")


async def add(
    session: WriteSession, values: dict[str, Any], own_address: str | None, *, even_if_locked_out: bool
) -> NetworkRule:
    """Raises Conflict for a rule that is there, or that would keep its author out; InvalidRequest."""
    end = values.get("expires_at_ms")
    if end is not None and end <= now_ms():
        raise InvalidRequest("expires_at lies in the past.", details={"param": "expires_at"})
    values["network"] = str(network_in(values["network"]))
    await session.execute(delete(NetworkRule).where(~_in_force(now_ms())))
    known = select(NetworkRule).where(
        NetworkRule.network == values["network"], NetworkRule.verdict == values["verdict"]
    )
    if (await session.scalars(known)).first() is not None:
        raise Conflict(f"There is a rule to {values['verdict']} {values['network']} already.")
    row = await catalogued.add(session, NetworkRule(**values))
    found = await rules(session)
    if len(found.allowed) + len(found.denied) > MOST_RULES:
        raise Conflict(f"There are {MOST_RULES} network rules, which is as many as there may be.")
    if not even_if_locked_out:
        _check_own(found, own_address)
    return row


async def remove(
    session: WriteSession, rule_id: str, own_address: str | None, *, even_if_locked_out: bool
) -> NetworkRule:
    """Raises NotFound, or Conflict when the author of the change would be kept out by it."""
    row = await catalogued.remove(session, await get(session, rule_id))
    if not even_if_locked_out:
        _check_own(await rules(session), own_address)
    return row


def _check_own(found: NetworkRules, own_address: str | None) -> None:
    address = address_in(own_address or "")
    if address is not None and not Networks.of(found.allowed, found.denied).allow(address):
        raise Conflict(
            f"You come from {address}, and this rule would keep you out. Allow that address first, or say "
            "`even_if_locked_out`.",
            details={"address": str(address)},
        )


async def forget_expired(session: WriteSession) -> int:
    """Removes rules whose time is over; relays hear of it."""
    rows = (await session.scalars(select(NetworkRule).where(~_in_force(now_ms())))).all()
    for row in rows:
        await session.delete(row)
        session.audit.append(
            Draft(
                "network.expire",
                now_ms(),
                object_kind="network",
                object_id=row.id,
                changes=[{"network": row.network, "verdict": row.verdict}],
            )
        )
    if rows:
        session.changes.catalog()
    return len(rows)
