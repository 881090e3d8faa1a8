"""Erasure of persons (个人信息删除): what reception keeps about their orders and appointments."""

from collections.abc import Sequence

from services.reception import persistence
from services.reception.application.appointment_timers import cancel_timers
from services.reception.application.deps import Deps
from services.reception.application.photos import ORPHANED_PHOTO
from services.reception.domain import appointment as appointments
from services.reception.domain.erasure import retained
from shared import timers
from shared.contracts.crm import CustomerErased
from shared.personal_data import destroy_keys, end_retention, retain_key
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

CLAIM_RETENTION_ENDED = "claim_retention_ended"

_CLAIMS = "warranty_claims"


async def erase_customer(uow: UnitOfWork, event: CustomerErased, _: Deps) -> None:
    """Destroy the keys of a customer's orders and appointments, and delete their photos.

    An order that is still open is left; customer relations announces the erasure again at its end.
    Appointments are cancelled. The photos of warranty claims are blocked until the end of the legal
    term: their key is kept apart, and only who answers for it reads them.
    """
    connection, store_id = uow.connection, event.store_id
    order_ids = await persistence.lock_ended_orders(
        connection, store_id, event.customer_ref, event.order_ids
    )
    appointment_ids = await _cancel_appointments(uow, event.customer_ref)
    kept = retained(
        await persistence.claims_of_orders(connection, store_id, order_ids), event.erased_at
    )
    for each in kept:
        await retain_key(connection, store_id, each.order_id, _CLAIMS, each.kept_until)
        await timers.schedule(
            uow, CLAIM_RETENTION_ENDED, each.order_id, store_id=store_id, due_at=each.kept_until
        )
    await destroy_keys(connection, store_id, [*order_ids, *appointment_ids])
    await persistence.empty_orders(connection, store_id, order_ids)
    await persistence.empty_appointments(connection, store_id, appointment_ids)
    keep = [photo_id for each in kept for photo_id in each.photo_ids]
    await _delete_photos(uow, order_ids, keep)


async def end_legal_term(uow: UnitOfWork, timer: Timer, _: Deps) -> None:
    """Destroy what a legal term has kept of an order of an erased customer."""
    await end_retention(uow.connection, timer.store_id, timer.entity_id)
    await _delete_photos(uow, [timer.entity_id], [])


async def _cancel_appointments(uow: UnitOfWork, customer_ref: str) -> list[str]:
    """Cancel the appointments of a customer that are booked; return the ids of all."""
    found = await persistence.lock_appointments_of(uow.connection, uow.store_id, customer_ref)
    for booked in (each for each in found if each.status == "booked"):
        cancelled, events = appointments.cancel(booked, "customer_request")
        await persistence.save_appointment(uow, cancelled)
        await cancel_timers(uow, booked.appointment_id)
        uow.publish(events)
    return [each.appointment_id for each in found]


async def _delete_photos(uow: UnitOfWork, order_ids: Sequence[str], keep: Sequence[str]) -> None:
    """Delete photos of orders; their files follow."""
    deleted = await persistence.delete_photos(uow.connection, uow.store_id, order_ids, keep)
    for photo_id in deleted:
        await timers.schedule(uow, ORPHANED_PHOTO, photo_id, store_id=uow.store_id, due_at=uow.now)
