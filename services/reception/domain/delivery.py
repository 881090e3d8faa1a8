"""Delivery (交车): a checklist without a way around it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.reception.domain import errors
from services.reception.domain.lifecycle import require_stage
from services.reception.domain.order import Order, after_delivery
from shared.contracts.reception import (
    DeliveryStep,
    DeliveryWaiver,
    VehicleDelivered,
    WaiverReason,
)
from shared.contracts.refusal import unknown_code

SIGNATURE_STEP = "customer_signed"
"""The step (客户签字) that only the customer's signature does; a store's template may have it."""


def record_step(
    order: Order, step: str, template: Sequence[str], done_by: str, now: datetime
) -> Order:
    """One step of the delivery checklist is done.

    Raises:
        Refused: not now, not on the checklist, done already, or done by a signature only.
    """
    if step == SIGNATURE_STEP:
        raise errors.signature_needed()
    return _done(order, step, template, done_by, now)


def sign(order: Order, template: Sequence[str], recorded_by: str, now: datetime) -> Order:
    """The customer has signed (签字); where the checklist asks for it, that is a step."""
    signed = replace(order, signed_at=now)
    if SIGNATURE_STEP in template and SIGNATURE_STEP not in order.steps:
        return _done(signed, SIGNATURE_STEP, template, recorded_by, now)
    require_stage(order.stage, "record_step")
    return signed


def request_waiver(
    order: Order,
    step: str,
    reason: WaiverReason,
    template: Sequence[str],
    person: str,
    now: datetime,
) -> Order:
    """Ask to leave a step out (免做申请); a second person has to approve."""
    _require_open_step(order, step, template)
    waiver = DeliveryWaiver(step=step, reason=reason, requested_by=person, requested_at=now)
    return replace(order, waivers={**order.waivers, step: waiver})


def approve_waiver(order: Order, step: str, person: str, now: datetime) -> Order:
    """Let a step be left out (免做批准).

    Raises:
        Refused: nobody asked for it, or the same person did.
    """
    require_stage(order.stage, "record_step")
    waiver = order.waivers.get(step)
    if waiver is None or waiver.approved_by:
        raise errors.nothing_to_approve("step")
    if waiver.requested_by == person:
        raise errors.second_person_required()
    approved = waiver.model_copy(update={"approved_by": person, "approved_at": now})
    return replace(order, waivers={**order.waivers, step: approved})


def deliver(
    order: Order, template: Sequence[str], advisor_id: str, now: datetime
) -> tuple[Order, list[VehicleDelivered]]:
    """Hand the vehicle over.

    Raises:
        Refused: a step of the checklist is neither done nor waived, the order is not billed, or
            it is unpaid without a credit that somebody else has granted.
    """
    require_stage(order.stage, "deliver")
    waived = {step for step, waiver in order.waivers.items() if waiver.approved_by}
    missing = [step for step in template if step not in order.steps and step not in waived]
    if missing:
        raise errors.steps_missing(missing)
    if order.invoice_id is None:
        raise errors.not_billed()
    _require_paid(order, advisor_id)
    event = VehicleDelivered(
        store_id=order.store_id,
        order_id=order.order_id,
        advisor_id=advisor_id,
        customer_ref=order.customer_ref,
        delivered_at=now,
        steps=tuple(order.steps[step] for step in template if step in order.steps),
        waivers=tuple(order.waivers[step] for step in template if step in waived),
        credit_granted_by=order.credit.granted_by if order.credit and order.balance_cents else None,
        signed=order.signed_at is not None,
    )
    return after_delivery(replace(order, delivered_at=now)), [event]


def _require_paid(order: Order, advisor_id: str) -> None:
    if not order.balance_cents:
        return
    if order.credit is None:
        raise errors.unpaid(order.balance_cents)
    if order.credit.granted_by == advisor_id:
        raise errors.second_person_required()


def _done(order: Order, step: str, template: Sequence[str], done_by: str, now: datetime) -> Order:
    _require_open_step(order, step, template)
    waivers = {name: waiver for name, waiver in order.waivers.items() if name != step}
    done = DeliveryStep(step=step, done_by=done_by, done_at=now)
    return replace(order, steps={**order.steps, step: done}, waivers=waivers)


def _require_open_step(order: Order, step: str, template: Sequence[str]) -> None:
    require_stage(order.stage, "record_step")
    if step not in template:
        raise unknown_code("step", step)
    if step in order.steps:
        raise errors.step_already_done(step)
