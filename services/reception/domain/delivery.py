"""Delivery (交车): the checklist, its waivers, the signature, and the payment before it.

A step may be left out (免做) when one person asks for it and another approves; the customer signs;
and the vehicle goes when the invoice is paid or when a person other than the one who hands it over
has released it on account (挂账). :func:`delivery_blockers` has these rules in one place. The roles
that may ask, approve and deliver stand with the routes, in ``entrypoints/http/delivery.py``.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Literal, TypeVar

from services.reception.domain import errors
from services.reception.domain.account import OrderAccount
from services.reception.domain.lifecycle import allows, require_status, status_violation
from services.reception.domain.order import Order
from services.reception.domain.repair_order import StepBasis, after_delivery
from shared.contracts.reception import (
    DeliveryStep,
    DeliveryWaiver,
    VehicleDelivered,
    WaiverReason,
)
from shared.contracts.violations import RuleViolation, unknown_code

Change = Literal["work", "invoice"]
"""Changes that make a step necessary again (须重做).

They are other work, and another amount that the customer pays.
"""

Checklist = Mapping[str, Collection[Change]]
"""Steps of a store's delivery (交车检查单) in order, each with the changes that repeat it."""

DeliveryBlocker = Literal[
    "invalid_status",
    "delivery_steps_missing",
    "not_invoiced",
    "unpaid",
    "above_on_account",
    "second_person_required",
]
"""Reasons why a vehicle may not be handed over, by the code of the rule that refuses it.

未竣工、交车检查未完成、未结算、未付清且未挂账、超出挂账额度、批准挂账者不得交车.
"""

P = TypeVar("P", DeliveryStep, DeliveryWaiver)

SIGNATURE_STEP = "customer_signed"
"""Step (客户签字) that only the customer's signature completes; a store's template may have it."""


def record_step(
    order: Order, step: str, checklist: Checklist, done_by: str, now: datetime
) -> Order:
    """Record that one step of the delivery checklist is done.

    Raises:
        RuleViolation: not now, not on the checklist, done already, or done by a signature only.
    """
    if step == SIGNATURE_STEP:
        raise errors.signature_needed()
    return _done(order, step, checklist, done_by, now)


def sign(order: Order, checklist: Checklist, recorded_by: str, now: datetime) -> Order:
    """Record the customer's signature (签字); where the checklist asks for it, that is a step."""
    signed = replace(order, repair_order=replace(order.repair_order, signed_at=now))
    if SIGNATURE_STEP in checklist and not _is_done(order, SIGNATURE_STEP):
        return _done(signed, SIGNATURE_STEP, checklist, recorded_by, now)
    require_status(order.status, "record_step")
    return signed


def request_waiver(
    order: Order,
    step: str,
    reason: WaiverReason,
    checklist: Checklist,
    person: str,
    now: datetime,
) -> Order:
    """Request a waiver of a step (免做申请); a second person has to approve."""
    _require_open_step(order, step, checklist)
    waiver = DeliveryWaiver(step=step, reason=reason, requested_by=person, requested_at=now)
    work = order.repair_order
    asked = replace(work, steps=_without(step, work.steps), waivers={**work.waivers, step: waiver})
    return _with_basis(replace(order, repair_order=asked), step, checklist)


def approve_waiver(order: Order, step: str, person: str, now: datetime) -> Order:
    """Approve the waiver of a step (免做批准).

    Raises:
        RuleViolation: there is no request for the present work and invoice, or the same person made
            it.
    """
    require_status(order.status, "record_step")
    waivers = order.repair_order.waivers
    waiver = waivers.get(step)
    if waiver is None or waiver.approved_by or step in order.steps_to_repeat:
        raise errors.nothing_to_approve("step")
    if waiver.requested_by == person:
        raise errors.second_person_required()
    approved = waiver.model_copy(update={"approved_by": person, "approved_at": now})
    waived = replace(order.repair_order, waivers={**waivers, step: approved})
    return replace(order, repair_order=waived)


def delivery_blockers(order: Order, checklist: Checklist, person: str) -> list[DeliveryBlocker]:
    """Return all reasons why ``person`` may not deliver the vehicle now; none if they may."""
    blockers: list[DeliveryBlocker] = []
    if not allows(order.status, "deliver"):
        blockers.append("invalid_status")
    if _missing_steps(order, checklist):
        blockers.append("delivery_steps_missing")
    if not order.account.is_invoiced:
        blockers.append("not_invoiced")
    if payment_blocker := _payment_blocker(order.account, person):
        blockers.append(payment_blocker)
    return blockers


def deliver(
    order: Order, checklist: Checklist, advisor_id: str, now: datetime
) -> tuple[Order, list[VehicleDelivered]]:
    """Deliver the vehicle to the customer.

    Raises:
        RuleViolation: a step of the checklist is neither done nor waived for the work and the
            invoice as they are now, the order is not invoiced, or more is unpaid than an on-account
            release covers that another person has approved. It is the first of the
            :func:`delivery_blockers`.
    """
    blockers = delivery_blockers(order, checklist, advisor_id)
    if blockers:
        raise _violation(blockers[0], order, checklist)
    work, account = order.repair_order, order.account
    event = VehicleDelivered(
        store_id=order.store_id,
        order_id=order.order_id,
        advisor_id=advisor_id,
        customer_ref=order.visit.customer_ref,
        delivered_at=now,
        steps=tuple(work.steps[step] for step in checklist if step in work.steps),
        waivers=tuple(work.waivers[step] for step in checklist if step in _waived(order)),
        on_account_approved_by=account.on_account.approved_by
        if account.on_account and account.balance_cents
        else None,
        signed=work.signed_at is not None and SIGNATURE_STEP not in order.steps_to_repeat,
    )
    delivered = after_delivery(replace(work, delivered_at=now), account.balance_cents)
    return replace(order, repair_order=delivered), [event]


def _waived(order: Order) -> set[str]:
    return {step for step, waiver in order.repair_order.waivers.items() if waiver.approved_by}


def _missing_steps(order: Order, checklist: Checklist) -> list[str]:
    complete = (order.repair_order.steps.keys() | _waived(order)) - {*order.steps_to_repeat}
    return [step for step in checklist if step not in complete]


def _payment_blocker(account: OrderAccount, person: str) -> DeliveryBlocker | None:
    if not account.balance_cents:
        return None
    if account.on_account is None:
        return "unpaid"
    if account.balance_cents > account.on_account.amount_cents:
        return "above_on_account"
    return "second_person_required" if account.on_account.approved_by == person else None


def _violation(blocker: DeliveryBlocker, order: Order, checklist: Checklist) -> RuleViolation:
    balance_cents, on_account = order.account.balance_cents, order.account.on_account
    match blocker:
        case "invalid_status":
            return status_violation(order.status, "deliver")
        case "delivery_steps_missing":
            return errors.steps_missing(_missing_steps(order, checklist))
        case "not_invoiced":
            return errors.not_invoiced()
        case "unpaid":
            return errors.unpaid(balance_cents)
        case "above_on_account":
            released_cents = on_account.amount_cents if on_account else 0
            return errors.above_on_account(balance_cents, released_cents)
        case "second_person_required":
            return errors.second_person_required()


def _done(order: Order, step: str, checklist: Checklist, done_by: str, now: datetime) -> Order:
    _require_open_step(order, step, checklist)
    done = DeliveryStep(step=step, done_by=done_by, done_at=now)
    work = order.repair_order
    changed = replace(work, steps={**work.steps, step: done}, waivers=_without(step, work.waivers))
    return _with_basis(replace(order, repair_order=changed), step, checklist)


def _without(step: str, recorded: Mapping[str, P]) -> dict[str, P]:
    return {name: each for name, each in recorded.items() if name != step}


def _with_basis(order: Order, step: str, checklist: Checklist) -> Order:
    """Return the order with the basis of a step, as far as the step depends on it."""
    changes, work = checklist[step], order.repair_order
    basis = StepBasis(
        work=work.finished_work if "work" in changes else None,
        payable_cents=order.payable_cents if "invoice" in changes else None,
    )
    with_basis = replace(work, step_bases={**work.step_bases, step: basis})
    return replace(order, repair_order=with_basis)


def _require_open_step(order: Order, step: str, checklist: Checklist) -> None:
    require_status(order.status, "record_step")
    if step not in checklist:
        raise unknown_code("step", step)
    if _is_done(order, step):
        raise errors.step_already_done(step)


def _is_done(order: Order, step: str) -> bool:
    return step in order.repair_order.steps and step not in order.steps_to_repeat
