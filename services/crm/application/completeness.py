"""Completeness of customer records (档案完整度), and today's gaps as a work list."""

from collections.abc import Sequence
from datetime import timedelta

from pydantic import BaseModel, Field

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.domain import completeness
from services.crm.domain.completeness import CUSTODIANS, Custodian, Gap
from services.crm.persistence import completeness as records

_LATELY = timedelta(days=1)
_MOST_LOOKED_AT = 1000
_MOST_LISTED = 100


class RecordGap(BaseModel):
    """Gap of a record, and the role that is responsible for it."""

    gap: Gap
    custodian: Custodian


class RecordCompleteness(BaseModel):
    """How complete a customer's record is, up to 100, with what it lacks.

    ``agent_id`` is the customer's own agent.
    """

    customer_ref: str
    score: int = Field(ge=0, le=100)
    gaps: Sequence[RecordGap]
    agent_id: str | None


async def list_record_gaps(
    store_id: str, custodian: Custodian | None, deps: Deps
) -> list[RecordCompleteness]:
    """List incomplete records of who was registered or has left with a vehicle in the last day.

    The least complete come first; with a ``custodian``, those that this role sees to.
    """
    since = deps.uow_factory.clock.now() - _LATELY
    async with deps.uow_factory.read(store_id) as connection:
        refs = await records.customers_of_late(connection, store_id, since, _MOST_LOOKED_AT)
    found = await _completeness(store_id, refs, deps)
    wanted = [
        each for each in found if any(custodian in (None, gap.custodian) for gap in each.gaps)
    ]
    return sorted(wanted, key=lambda each: (each.score, each.customer_ref))[:_MOST_LISTED]


async def get_completeness(store_id: str, customer_ref: str, deps: Deps) -> RecordCompleteness:
    """Return how complete a customer's record is.

    Raises:
        RuleViolation: the store knows no such customer.
    """
    async with deps.uow_factory.read(store_id) as connection:
        read = await persistence.require_customer(connection, store_id, customer_ref)
    (found,) = await _completeness(store_id, [read], deps)
    return found


async def _completeness(
    store_id: str, customer_refs: Sequence[str], deps: Deps
) -> list[RecordCompleteness]:
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        states = await records.record_states(connection, store_id, customer_refs)
        agents = await persistence.agents_of_customers(connection, store_id, customer_refs)
    listed = []
    for state in states:
        gaps = completeness.gaps(state, now)
        listed.append(
            RecordCompleteness(
                customer_ref=state.customer_ref,
                score=completeness.score(gaps),
                gaps=[RecordGap(gap=gap, custodian=CUSTODIANS[gap]) for gap in gaps],
                agent_id=agents.get(state.customer_ref),
            )
        )
    return listed
