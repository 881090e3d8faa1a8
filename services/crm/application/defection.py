"""Lost customers (流失客户): those at risk, those lost, why, and who was won back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.application.follow_ups import cancel_follow_ups
from services.crm.domain import defection
from services.crm.domain.customer_review import CustomerReview
from services.crm.domain.defection import Lapse
from services.crm.domain.follow_up import FollowUp
from services.crm.domain.rhythm import risk_score
from shared.contracts.crm import LapseBasis, LapseCause, Tier, WinBackResult
from shared.db import Connection
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork

LAPSES_PER_PAGE = 100
_MONTHS = 12

LapseStatus = Literal["lost", "won_back"]
"""流失、已挽回."""


class RecordCauseRequest(RequestModel):
    """Why a lost customer stayed away; ``note`` is what they said."""

    cause: LapseCause
    note: Annotated[str | None, Field(min_length=1, max_length=1000, description="说明")] = None


class RecordWinBackRequest(RequestModel):
    result: WinBackResult


class RiskView(BaseModel):
    """Customer who will be lost at ``lapses_at`` by ``basis`` if they do not come.

    ``score`` is the share of the time until then that has passed, in percent. ``interval_days`` is
    the customer's own usual time between visits and ``spread_days`` how much it varies; both are
    absent for one with too few visits. ``tier`` is that of the last visit.
    """

    customer_ref: str
    tier: Tier | None
    score: int
    visits: int
    last_visit_at: datetime
    interval_days: float | None
    spread_days: float | None
    lapses_at: datetime
    basis: LapseBasis


class LapseView(BaseModel):
    """Absence of a lost customer, with its cause, the result of the win-back, and its end."""

    lapse_id: str
    customer_ref: str
    tier: Tier | None
    basis: LapseBasis
    visits: int
    last_visit_at: datetime
    interval_days: float | None
    lapsed_at: datetime
    cause: LapseCause | None
    cause_by: str | None
    result: WinBackResult | None
    result_by: str | None
    result_at: datetime | None
    won_back_at: datetime | None


class LapseWithNote(LapseView):
    """Absence of a lost customer with what they said, which no stored response contains."""

    note: str | None


class LapseMonthView(BaseModel):
    """Customers who were lost, and won back, in a month; ``loyal_lapsed`` of them had a tier."""

    month: str
    lapsed: int
    loyal_lapsed: int
    won_back: int


class CauseView(BaseModel):
    """Customers lost for one cause, and how many of them came again."""

    cause: LapseCause
    customers: int
    won_back: int


class DefectionSummary(BaseModel):
    """Months with lost or won back customers and the causes, of the last twelve months."""

    months: list[LapseMonthView]
    causes: list[CauseView]


async def list_customers_at_risk(
    store_id: str, tier: Tier | None, after: str, deps: Deps
) -> list[RiskView]:
    """List customers at risk (流失预警), loyal ones first, then those who will be lost soonest."""
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        found = await persistence.customers_at_risk(
            connection, store_id, now, tier, after, LAPSES_PER_PAGE
        )
    return [_risk(each, now) for each in found]


async def list_lapses(
    store_id: str, status: LapseStatus, tier: Tier | None, after: str, deps: Deps
) -> list[LapseWithNote]:
    """List lost customers (流失客户), or those who were won back, loyal ones first."""
    read = persistence.lost_customers if status == "lost" else persistence.won_back_customers
    async with deps.uow_factory.read(store_id) as connection:
        found = await read(connection, store_id, tier, after, LAPSES_PER_PAGE)
        return await _with_notes(connection, store_id, found, deps)


async def get_defection_summary(store_id: str, deps: Deps) -> DefectionSummary:
    """Count lost and won back customers by month, and the causes (流失分析)."""
    now = deps.uow_factory.clock.now()
    async with deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        since = store.first_of_months(now, _MONTHS)
        months = await persistence.lapse_months(connection, store_id, since, store.zone)
        causes = await persistence.lapse_causes(connection, store_id, since)
    return DefectionSummary.model_validate(
        {"months": months, "causes": causes}, from_attributes=True
    )


async def record_lapse_cause(
    uow: UnitOfWork, customer_ref: str, command: RecordCauseRequest, deps: Deps
) -> LapseView:
    """Record why a lost customer stayed away (流失原因).

    Raises:
        RuleViolation: the customer is not lost.
    """
    connection = uow.connection
    lost, event = defection.record_cause(
        await persistence.lock_lapse(connection, uow.store_id, customer_ref),
        command.cause,
        uow.person,
        uow.now,
    )
    await persistence.save_lapses(connection, [lost])
    if command.note:
        note = await deps.personal.encrypt(connection, uow.store_id, customer_ref, command.note)
        await persistence.save_lapse_note(connection, uow.store_id, lost.lapse_id, note)
    uow.publish([event])
    return _view(lost)


async def end_win_back_calls(uow: UnitOfWork, called: FollowUp, _: Deps) -> None:
    """Record that a lost customer was not reached, after the last call in vain.

    What a customer who was reached has said is recorded by the agent.
    """
    found = await persistence.open_lapses(uow.connection, uow.store_id, [called.customer_ref])
    lost = found.get(called.customer_ref)
    if called.reached or lost is None or lost.result is not None:
        return
    ended, event = defection.record_result(lost, "not_reached", uow.person, uow.now)
    await persistence.save_lapses(uow.connection, [ended])
    uow.publish([event])


async def record_win_back(
    uow: UnitOfWork, customer_ref: str, command: RecordWinBackRequest
) -> LapseView:
    """Record the result of a win-back (挽回结果), after which the customer is not called again.

    Raises:
        RuleViolation: the customer is not lost, or the result is recorded already.
    """
    connection = uow.connection
    await persistence.lock_follow_ups_of(connection, uow.store_id, [customer_ref])
    lost, event = defection.record_result(
        await persistence.lock_lapse(connection, uow.store_id, customer_ref),
        command.result,
        uow.person,
        uow.now,
    )
    await persistence.save_lapses(connection, [lost])
    uow.publish([event])
    await cancel_follow_ups(uow, about=lost.lapse_id)
    return _view(lost)


def _risk(each: CustomerReview, now: datetime) -> RiskView:
    assert each.lapses_at is not None  # noqa: S101
    assert each.lapse_basis is not None  # noqa: S101
    return RiskView(
        customer_ref=each.customer_ref,
        tier=each.tier_when_here,
        score=risk_score(each.last_own_visit_at, each.lapses_at, now),
        visits=each.visits,
        last_visit_at=each.last_own_visit_at,
        interval_days=each.interval_days,
        spread_days=each.spread_days,
        lapses_at=each.lapses_at,
        basis=each.lapse_basis,
    )


def _view(lost: Lapse) -> LapseView:
    return LapseView.model_validate(lost, from_attributes=True)


async def _with_notes(
    connection: Connection, store_id: str, lapses: Sequence[Lapse], deps: Deps
) -> list[LapseWithNote]:
    encrypted = await persistence.encrypted_lapse_notes(
        connection, store_id, [each.lapse_id for each in lapses]
    )
    noted = [each for each in lapses if each.lapse_id in encrypted]
    texts = await deps.personal.decrypt_all(
        connection, store_id, [(each.customer_ref, encrypted[each.lapse_id]) for each in noted]
    )
    notes = {each.lapse_id: text for each, text in zip(noted, texts, strict=True)}
    return [
        LapseWithNote(**_view(each).model_dump(), note=notes.get(each.lapse_id)) for each in lapses
    ]
