"""Visits (到店): records of orders, from their opening to the delivery."""

from dataclasses import replace
from datetime import datetime

from services.crm import persistence
from services.crm.application.campaign_answers import note_visit
from services.crm.application.customer_reviews import schedule_review
from services.crm.application.deps import Deps
from services.crm.application.erasures import erase_ended_visit
from services.crm.application.follow_ups import schedule_follow_up
from services.crm.application.sending import schedule_sending
from services.crm.application.surveys import plan_survey
from services.crm.domain.message import ENDED_BY_DEPARTURE
from services.crm.domain.service_visit import ServiceVisit
from shared.contracts.reception import (
    OrderCancelled,
    OrderCustomerLinked,
    OrderOpened,
    VehicleDelivered,
)
from shared.unit_of_work import UnitOfWork


async def open_visit(uow: UnitOfWork, event: OrderOpened, _: Deps) -> None:
    """Record since when the order is open, whether the customer waits, and who it is."""
    visit = await persistence.lock_service_visit(uow.connection, event.store_id, event.order_id)
    visit = replace(visit, waiting=event.waiting_customer, opened_at=event.opened_at)
    if event.customer_ref is None:
        await persistence.save_service_visit(uow.connection, visit)
    else:
        await _link_customer(uow, visit, event.customer_ref)


async def link_customer(uow: UnitOfWork, event: OrderCustomerLinked, deps: Deps) -> None:
    """Record the customer of a visit, and plan the call if the delivery was made already."""
    visit = await persistence.lock_service_visit(uow.connection, event.store_id, event.order_id)
    await _link_customer(uow, visit, event.customer_ref)
    if visit.delivered_at is not None and visit.customer_ref is None:
        await _call_after_delivery(
            uow, event.order_id, event.customer_ref, visit.delivered_at, deps
        )
        await schedule_review(uow, event.store_id, event.customer_ref)


async def cancel_visit(uow: UnitOfWork, event: OrderCancelled, _: Deps) -> None:
    """Void the messages about a cancelled order."""
    visit = await persistence.lock_service_visit(uow.connection, event.store_id, event.order_id)
    await _end_visit(uow, visit, uow.caused_at)


async def complete_visit(uow: UnitOfWork, event: VehicleDelivered, deps: Deps) -> None:
    """Plan a call and a survey (R21, R24), and review the customer, once they are known."""
    visit = await persistence.lock_service_visit(uow.connection, event.store_id, event.order_id)
    customer_ref = event.customer_ref or visit.customer_ref
    delivered = replace(visit, customer_ref=customer_ref, delivered_at=event.delivered_at)
    await _end_visit(uow, delivered, event.delivered_at)
    await plan_survey(uow, event, deps)
    if customer_ref is not None:
        await _call_after_delivery(uow, event.order_id, customer_ref, event.delivered_at, deps)
        await schedule_review(uow, event.store_id, customer_ref)
        await note_visit(uow, customer_ref, event.order_id)


async def _call_after_delivery(
    uow: UnitOfWork, order_id: str, customer_ref: str, delivered_at: datetime, deps: Deps
) -> None:
    await schedule_follow_up(
        uow,
        deps,
        reason="delivery",
        customer_ref=customer_ref,
        order_id=order_id,
        delivered_at=delivered_at,
    )


async def _link_customer(uow: UnitOfWork, visit: ServiceVisit, customer_ref: str) -> None:
    """Set the customer of the visit, who also gets its messages, and has come if invited."""
    linked = replace(visit, customer_ref=customer_ref)
    await persistence.save_service_visit(uow.connection, linked)
    await erase_ended_visit(uow, linked)
    for message_id in await persistence.address_messages(
        uow.connection, visit.store_id, visit.order_id, customer_ref
    ):
        await schedule_sending(uow, visit.store_id, message_id, uow.now)
    await note_visit(uow, customer_ref, visit.order_id)


async def _end_visit(uow: UnitOfWork, visit: ServiceVisit, moment: datetime) -> None:
    """End the visit: the vehicle has left, or the order is cancelled."""
    ended = replace(visit, ended_at=moment)
    await persistence.save_service_visit(uow.connection, ended)
    await erase_ended_visit(uow, ended)
    await persistence.void_messages(
        uow.connection, visit.store_id, visit.order_id, ENDED_BY_DEPARTURE, moment
    )
