"""Erasure of persons on request (个人信息删除), and what a legal term keeps of them (依法留存)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import get_args

from pydantic import BaseModel

from services.crm import persistence
from services.crm.application.campaign_answers import withdraw_invitations
from services.crm.application.customer_imports import erase_staged_rows
from services.crm.application.deps import Deps
from services.crm.application.follow_ups import cancel_calls_of_erased
from services.crm.application.leads import withdraw_leads
from services.crm.domain import consent as consents
from services.crm.domain import erasure as erasures
from services.crm.domain import insurance, service_reminder
from services.crm.domain.erasure import Erasure
from services.crm.domain.kept_data import kept_until
from services.crm.domain.service_visit import ServiceVisit
from services.crm.persistence import BlockedRecord, VisitOfErased
from services.crm.persistence import insurance as policies
from services.crm.persistence import service_reminder as reminders
from services.crm.persistence.persons import find_persons
from shared import timers
from shared.contracts.base import LAST_TIMESTAMP
from shared.contracts.crm import ConsentPurpose, CustomerErased, ErasureReason
from shared.contracts.violations import unknown
from shared.personal_data import Read, destroy_keys, end_retention, reads_of_retained, retain_key
from shared.request_model import RequestModel
from shared.security import Principal
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

RETENTION_ENDED = "retention_ended"

ERASURES_PER_PAGE = 200
_MOST_VEHICLES = 200
_INVOICES = "invoices"


class EraseCustomerRequest(RequestModel):
    """Why what is kept about the person is erased."""

    reason: ErasureReason


class ErasureView(BaseModel):
    """An erasure, without anything about the person.

    ``kept_until``: until then the law demands that the store can say who was invoiced.
    """

    customer_ref: str
    reason: ErasureReason
    erased_by: str
    erased_at: datetime
    kept_until: datetime | None


class InvoicedVehicle(BaseModel):
    """A vehicle of the person who was invoiced, with its plates."""

    vin: str | None
    plates: Sequence[str]


class BlockedContent(BaseModel):
    """Who was invoiced (受票人): name, vehicles and orders."""

    name: str
    vehicles: Sequence[InvoicedVehicle]
    order_ids: Sequence[str]


class RetainedRead(BaseModel):
    """Who has read what a legal term keeps."""

    read_at: datetime
    read_by: str


class BlockedRecordView(BlockedContent):
    """What a legal term keeps of an erased person, until ``kept_until``; this read is the last."""

    customer_ref: str
    kept_until: datetime
    reads: Sequence[RetainedRead]


async def erase_customer(
    uow: UnitOfWork, customer_ref: str, command: EraseCustomerRequest, deps: Deps
) -> ErasureView:
    """Erase what is kept about a customer, and the records that are merged into it.

    Keys and references are destroyed; planned calls, messages, invitations and renewals end. Who
    was invoiced is blocked until the end of the legal term.

    Raises:
        RuleViolation: the store knows no such customer, or an order, a complaint or an inquiry of
            theirs has not ended.
    """
    connection, store_id = uow.connection, uow.store_id
    refs = await persistence.references_of(connection, store_id, customer_ref)
    await erase_staged_rows(uow, refs)
    await persistence.lock_follow_ups_of(connection, store_id, [customer_ref])
    await persistence.lock_customer(connection, store_id, customer_ref)
    refs = await persistence.references_of(connection, store_id, customer_ref)
    visits = {ref: await persistence.visits_of_customer(connection, store_id, ref) for ref in refs}
    said = [Erasure(store_id, ref, command.reason, uow.person, uow.now) for ref in refs]
    events = [
        erasures.erase(
            each,
            [visit.order_id for visit in visits[each.customer_ref]],
            await persistence.find_under_way(connection, store_id, each.customer_ref),
        )
        for each in said
    ]
    until = await _block(uow, customer_ref, visits, deps)
    for each in said:
        await _erase(uow, each)
    uow.publish(events)
    return ErasureView(
        customer_ref=customer_ref,
        reason=command.reason,
        erased_by=uow.person,
        erased_at=uow.now,
        kept_until=until,
    )


async def repeat_erasure(uow: UnitOfWork, event: CustomerErased, deps: Deps) -> None:
    """Erase a customer whose erasure a restored database does not know (恢复后重新删除)."""
    connection, store_id = uow.connection, event.store_id
    await erase_staged_rows(uow, [event.customer_ref])
    await persistence.lock_follow_ups_of(connection, store_id, [event.customer_ref])
    if await persistence.is_kept(connection, store_id, event.customer_ref):
        visits = await persistence.visits_of_customer(connection, store_id, event.customer_ref)
        erasure = Erasure(
            store_id, event.customer_ref, event.reason, event.erased_by, event.erased_at
        )
        await _block(uow, event.customer_ref, {event.customer_ref: visits}, deps)
        await _erase(uow, erasure)


async def erase_ended_visit(uow: UnitOfWork, visit: ServiceVisit) -> None:
    """Have an order erased that ended after the erasure of its customer.

    Customer relations did not know of the order when it erased the customer. An order that is
    still open is erased at its end.
    """
    if visit.customer_ref is None or visit.ended_at is None:
        return
    await persistence.lock_follow_ups_of(uow.connection, visit.store_id, [visit.customer_ref])
    erasure = await persistence.find_erasure(uow.connection, visit.store_id, visit.customer_ref)
    if erasure is not None:
        uow.publish([erasures.announce(erasure, [visit.order_id])])


async def list_erasures(store_id: str, after: str | None, deps: Deps) -> list[ErasureView]:
    """List the erasures of a store, the latest first, behind the customer ``after``."""
    async with deps.uow_factory.read(store_id) as connection:
        place = (LAST_TIMESTAMP, "")
        if after is not None:
            place = await persistence.place_of_erasure(connection, store_id, after)
        found = await persistence.list_erasures(connection, store_id, place, ERASURES_PER_PAGE)
    return [ErasureView.model_validate(each, from_attributes=True) for each in found]


async def get_blocked_record(
    store_id: str, customer_ref: str, principal: Principal, deps: Deps
) -> BlockedRecordView:
    """Return who was invoiced, for those who answer for it; each read is recorded.

    Raises:
        RuleViolation: nothing is kept of such a customer, or the term has ended.
    """
    async with deps.uow_factory.read(store_id) as connection:
        kept = await persistence.find_blocked_record(connection, store_id, customer_ref)
        subject = _blocked(customer_ref)
        read = Read(deps.uow_factory.clock.now(), principal.subject)
        content = await deps.personal.read_retained(
            connection, store_id, (subject, kept.content), read
        )
        reads = await reads_of_retained(connection, store_id, subject)
    if content is None:
        raise unknown("customer_ref", customer_ref)
    return BlockedRecordView(
        **BlockedContent.model_validate_json(content).model_dump(),
        customer_ref=customer_ref,
        kept_until=kept.kept_until,
        reads=[RetainedRead(read_at=each.at, read_by=each.by) for each in reads],
    )


async def end_legal_term(uow: UnitOfWork, timer: Timer, _: Deps) -> None:
    """Destroy what a legal term has kept of an erased customer."""
    await end_retention(uow.connection, timer.store_id, _blocked(timer.entity_id))
    await persistence.delete_blocked_record(uow.connection, timer.store_id, timer.entity_id)


async def _erase(uow: UnitOfWork, erasure: Erasure) -> None:
    """Destroy the key and the references of a customer, and end what is planned."""
    connection, store_id, customer_ref = uow.connection, erasure.store_id, erasure.customer_ref
    await cancel_calls_of_erased(uow, customer_ref)
    await _withdraw_consents(uow, erasure)
    await withdraw_leads(uow, customer_ref)
    await withdraw_invitations(uow, customer_ref)
    await _close_renewals(uow, erasure)
    await _close_reminders(uow, erasure)
    await persistence.save_erasure(connection, erasure)
    posts = await persistence.public_posts_of(connection, store_id, customer_ref)
    await destroy_keys(connection, store_id, [customer_ref, *posts])
    await _erase_handed_over(uow, customer_ref)


async def _block(
    uow: UnitOfWork, customer_ref: str, visits: Mapping[str, Sequence[VisitOfErased]], deps: Deps
) -> datetime | None:
    """Keep who was invoiced, under a key of its own, until the end of the legal term.

    ``visits`` are those of all references of the customer. The name stands with the record into
    which a merged one was merged, where that is erased already.
    """
    connection, store_id = uow.connection, uow.store_id
    of_all = [visit for of_one in visits.values() for visit in of_one]
    latest = max((each.delivered_at for each in of_all if each.delivered_at), default=None)
    until = kept_until("visits", latest) if latest else None
    if until is None or until <= uow.now:
        return None
    persons = await find_persons(connection, deps.personal, store_id, [customer_ref])
    person = persons.get(customer_ref)
    content = BlockedContent(
        name=person.name if person else "",
        vehicles=[each for ref in visits for each in await _vehicles(uow, ref, deps)],
        order_ids=[each.order_id for each in of_all],
    )
    subject = _blocked(customer_ref)
    encrypted = await deps.personal.encrypt(
        connection, store_id, subject, content.model_dump_json()
    )
    await retain_key(connection, store_id, subject, _INVOICES, until)
    await destroy_keys(connection, store_id, [subject])
    record = BlockedRecord(encrypted, until)
    await persistence.add_blocked_record(connection, store_id, customer_ref, record)
    await timers.schedule(uow, RETENTION_ENDED, customer_ref, store_id=store_id, due_at=until)
    return until


async def _vehicles(uow: UnitOfWork, customer_ref: str, deps: Deps) -> list[InvoicedVehicle]:
    """Return the vehicles that a customer owns, with the plates that they had under them."""
    connection, store_id = uow.connection, uow.store_id
    rows = await persistence.vehicles_of_customer(
        connection, store_id, customer_ref, _MOST_VEHICLES
    )
    owned = [row for row in rows if row["customer_ref"] == customer_ref]
    refs = [row["vehicle_ref"] for row in owned]
    plates = [
        row
        for row in await persistence.plates_of_vehicles(connection, store_id, refs)
        if row["customer_ref"] == customer_ref
    ]
    secrets = [row["vin"] for row in owned] + [row["plate"] for row in plates]
    texts = await deps.personal.decrypt_all(
        connection, store_id, [(customer_ref, each) for each in secrets]
    )
    numbers = list(zip(plates, texts[len(owned) :], strict=True))
    return [
        InvoicedVehicle(
            vin=vin,
            plates=[
                number
                for plate, number in numbers
                if number and plate["vehicle_ref"] == row["vehicle_ref"]
            ],
        )
        for row, vin in zip(owned, texts[: len(owned)], strict=True)
    ]


async def _withdraw_consents(uow: UnitOfWork, erasure: Erasure) -> None:
    """End the consents that a customer has given."""
    purposes: tuple[ConsentPurpose, ...] = get_args(ConsentPurpose)
    for purpose in purposes:
        given = await persistence.find_consent(
            uow.connection, erasure.store_id, erasure.customer_ref, purpose
        )
        if given is not None and given.is_given:
            ended = replace(
                given,
                is_given=False,
                changed_by=erasure.erased_by,
                changed_at=erasure.erased_at,
            )
            uow.publish(consents.change_consent(given, ended))
            await persistence.save_consent(uow.connection, ended)


async def _close_renewals(uow: UnitOfWork, erasure: Erasure) -> None:
    """Close the renewals of a customer, who gets no reminder any more."""
    found = await persistence.lock_open_policies_of(
        uow.connection, erasure.store_id, erasure.customer_ref
    )
    for policy in found:
        closed, events = insurance.lose(
            policy,
            cause="other",
            insured_elsewhere=False,
            insurer=None,
            by=erasure.erased_by,
            now=erasure.erased_at,
        )
        await policies.save_policy(uow.connection, closed)
        uow.publish(events)


async def _close_reminders(uow: UnitOfWork, erasure: Erasure) -> None:
    """Close the service reminders of a customer; only those that were due are announced."""
    found = await persistence.lock_open_reminders_of(
        uow.connection, erasure.store_id, erasure.customer_ref
    )
    for reminder in found:
        closed, events = service_reminder.close(
            reminder, "declined", erasure.erased_by, erasure.erased_at
        )
        await reminders.save_reminders(uow.connection, [closed])
        uow.publish(events if reminder.state == "due" else [])


async def _erase_handed_over(uow: UnitOfWork, customer_ref: str) -> None:
    """Erase the contact that other stores have got with the customer's renewals."""
    store_id = uow.store_id
    handed = await persistence.handed_over_policies(uow.connection, store_id, customer_ref)
    for policy in handed:
        async with uow.limited_to(policy.to_store_id) as there:
            known_as = await persistence.customers_taken_over(there.connection, store_id, policy)
            await destroy_keys(there.connection, policy.to_store_id, known_as)


def _blocked(customer_ref: str) -> str:
    """Return the data subject under whose key it is kept who was invoiced."""
    return f"{customer_ref}/{_INVOICES}"
