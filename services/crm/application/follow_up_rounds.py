"""Rounds of calls to customers of a type (专项回访): chosen by criteria, each called once."""

from pydantic import BaseModel

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.application.follow_ups import Occasion, schedule_follow_ups
from services.crm.application.segments import criteria_of
from services.crm.domain import errors
from services.crm.domain import segment as segments
from services.crm.domain.segment import Segment
from shared.group import CalendarDay
from shared.ids import new_id
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork

MOST_CUSTOMERS = 500


class PlanRoundRequest(RequestModel):
    """The customers to call, and the day from which on they are."""

    segment: Segment
    due_on: CalendarDay


class PlannedRound(BaseModel):
    """A round of calls: ``customers`` have what was asked for, of whom ``planned`` are called.

    Others refuse calls about service, or a call that matters more is too close.
    """

    round_id: str
    customers: int
    planned: int


async def plan_round(uow: UnitOfWork, command: PlanRoundRequest, deps: Deps) -> PlannedRound:
    """Plan a call to each customer of a type (专项回访), by its own agent where there is one.

    Raises:
        RuleViolation: two limits cross each other, the day has passed, or more than 500 customers
            have what is asked for.
    """
    segments.check(command.segment)
    connection, store_id = uow.connection, uow.store_id
    store = await deps.group.store(connection, store_id)
    today = store.local_day(uow.now)
    if command.due_on < today:
        raise errors.round_in_past()
    chosen = await persistence.customers_of_segment(
        connection, store_id, criteria_of(command.segment, store, today)
    )
    if len(chosen) > MOST_CUSTOMERS:
        raise errors.round_too_large(len(chosen), MOST_CUSTOMERS)
    round_id = str(new_id())
    due_at = max(uow.now, store.day_bounds(command.due_on)[0])
    planned = await schedule_follow_ups(
        uow, deps, [Occasion("ad_hoc", ref, about=round_id, due_at=due_at) for ref in chosen]
    )
    return PlannedRound(round_id=round_id, customers=len(chosen), planned=len(planned))
