"""Reasons for which reception refuses a command."""

from datetime import date, datetime, time
from typing import Literal

from shared.contracts.reception import PaymentMethod
from shared.contracts.violations import RuleViolation


def invalid_status(field: str, status: str, needed: str) -> RuleViolation:
    return RuleViolation(
        "invalid_status",
        f"This needs an order with status {needed}; this one is {status}.",
        field=field,
        kind="conflict",
        order_status=status,
        needed=needed,
    )


def vehicle_already_here(order_id: str, queue_number: int, status: str) -> RuleViolation:
    return RuleViolation(
        "vehicle_already_here",
        f"This vehicle has an open order here, number {queue_number}; add the work to that one.",
        field="plate",
        kind="conflict",
        order_id=order_id,
        queue_number=queue_number,
        order_status=status,
    )


def vehicle_elsewhere(store_id: str, since: datetime) -> RuleViolation:
    return RuleViolation(
        "vehicle_elsewhere",
        f"By its records, the vehicle has been in the store {store_id} since {since.isoformat()}; "
        "confirm that it stands here.",
        field="plate",
        kind="conflict",
        store_id=store_id,
        since=since.isoformat(),
    )


def booked_already(store_id: str, appointment_at: datetime) -> RuleViolation:
    return RuleViolation(
        "booked_already",
        f"The vehicle has an appointment on that day, at {appointment_at.isoformat()} in the store "
        f"{store_id}; confirm that it comes twice.",
        field="plate",
        kind="conflict",
        store_id=store_id,
        appointment_at=appointment_at.isoformat(),
    )


def not_the_vehicle_that_arrived() -> RuleViolation:
    return RuleViolation(
        "not_the_vehicle_that_arrived",
        "Another plate was recorded at the arrival; correct it, or choose its vehicle.",
        field="plate",
        kind="conflict",
    )


def slot_taken(by: str | None, at: str | None) -> RuleViolation:
    """Report a taken slot; ``by`` reserved such work last, at the time ``at``."""
    return RuleViolation(
        "slot_taken",
        "The workshop has no free capacity at that time; choose another time.",
        field="appointment_at",
        kind="conflict",
        by=by,
        at=at,
    )


def store_closed_all_day(day: date) -> RuleViolation:
    return RuleViolation(
        "store_closed_all_day",
        f"The store is closed on {day.isoformat()}.",
        field="appointment_at",
        kind="conflict",
        day=day.isoformat(),
    )


def store_ended() -> RuleViolation:
    return RuleViolation(
        "store_ended", "The store has closed for good.", field="store_id", kind="conflict"
    )


def store_not_open_yet(opens_on: date) -> RuleViolation:
    return RuleViolation(
        "store_not_open_yet",
        f"The store opens on {opens_on}.",
        field="store_id",
        kind="conflict",
        day=opens_on.isoformat(),
    )


def no_labor_rate(field: str, skill_code: str) -> RuleViolation:
    return RuleViolation(
        "no_labor_rate",
        f"The store has no labor rate for {skill_code}.",
        field=field,
        skill_code=skill_code,
    )


def store_closed(opening: time, closing: time) -> RuleViolation:
    return RuleViolation(
        "store_closed",
        f"The store is closed at that time; it is open from {opening:%H:%M} to {closing:%H:%M}.",
        field="appointment_at",
        kind="conflict",
        opening=f"{opening:%H:%M}",
        closing=f"{closing:%H:%M}",
    )


def odometer_backwards(given: int, known: int) -> RuleViolation:
    return RuleViolation(
        "odometer_backwards",
        f"The odometer shows {given} km, less than the {known} km before; give the reason.",
        field="odometer_km",
        known=known,
    )


def promise_in_the_past() -> RuleViolation:
    return RuleViolation(
        "promise_in_the_past",
        "The promised time is in the past; choose a later one.",
        field="promised_at",
    )


def promise_later(promised_at: datetime) -> RuleViolation:
    return RuleViolation(
        "promise_later",
        f"The new promised time is {promised_at.isoformat()}, later than the customer was shown.",
        field="promised_at",
        kind="conflict",
        promised_at=promised_at.isoformat(),
    )


def steps_missing(missing: list[str]) -> RuleViolation:
    return RuleViolation(
        "delivery_steps_missing",
        f"These delivery steps are not done: {', '.join(missing)}.",
        field="steps",
        kind="conflict",
        missing=missing,
    )


def step_already_done(step: str) -> RuleViolation:
    return RuleViolation(
        "step_already_done", f"The step {step} is already done.", field="step", kind="conflict"
    )


def payment_above_balance(balance_cents: int) -> RuleViolation:
    return RuleViolation(
        "payment_above_balance",
        f"The payment is above the balance of {balance_cents} cents.",
        field="amount_cents",
        balance_cents=balance_cents,
    )


def in_the_past(field: str, moment: datetime) -> RuleViolation:
    return RuleViolation("in_the_past", f"{moment.isoformat()} is in the past.", field=field)


def nothing_to_do() -> RuleViolation:
    return RuleViolation(
        "nothing_to_do", "At least one labor operation is needed.", field="op_codes"
    )


def named_twice(field: str, code: str) -> RuleViolation:
    return RuleViolation("named_twice", f"{code} is named twice.", field=field, code=code)


def pay_type_without_line(code: str) -> RuleViolation:
    return RuleViolation(
        "pay_type_without_line",
        f"{code} has a pay type, but is not in the estimate.",
        field="pay_types",
        code=code,
    )


def already_finished(field: str, code: str) -> RuleViolation:
    return RuleViolation(
        "already_finished", f"{code} is finished already.", field=field, kind="conflict", code=code
    )


def nothing_left() -> RuleViolation:
    return RuleViolation(
        "nothing_left",
        "No work would remain on the order; end the visit without work.",
        field="op_codes",
        kind="conflict",
    )


def amount_changed(amount_cents: int) -> RuleViolation:
    return RuleViolation(
        "amount_changed",
        f"The amount is now {amount_cents} cents; the customer has to agree to it.",
        field="agreed_cents",
        kind="conflict",
        amount_cents=amount_cents,
    )


def nothing_wanted() -> RuleViolation:
    return RuleViolation(
        "nothing_wanted",
        "Every item is declined; decline the whole estimate instead.",
        field="declined",
    )


def indivisible() -> RuleViolation:
    return RuleViolation(
        "indivisible",
        "An estimate of work in progress is authorized or declined as a whole.",
        field="declined",
        kind="conflict",
    )


def no_customer() -> RuleViolation:
    return RuleViolation(
        "no_customer",
        "The order's customer is not in customer records yet; no message can be sent.",
        field="send",
        kind="conflict",
    )


def unknown_version(version: int) -> RuleViolation:
    return RuleViolation(
        "unknown_version",
        f"The order has no estimate {version}.",
        field="version",
        kind="not_found",
    )


def old_version(version: int, present: int) -> RuleViolation:
    return RuleViolation(
        "old_version",
        f"Estimate {version} was replaced by a newer one.",
        field="version",
        kind="conflict",
        present=present,
    )


def already_decided(version: int, status: str) -> RuleViolation:
    return RuleViolation(
        "already_decided",
        f"The customer has already decided on estimate {version}: {status}.",
        field="version",
        kind="conflict",
        status=status,
    )


def already_invoiced() -> RuleViolation:
    return RuleViolation(
        "already_invoiced", "The order is already invoiced.", field="order_id", kind="conflict"
    )


def op_codes_differ() -> RuleViolation:
    return RuleViolation(
        "op_codes_differ",
        "The operations of an open order cannot change; present further work as additional work.",
        field="op_codes",
        kind="conflict",
    )


def unknown_link() -> RuleViolation:
    return RuleViolation("unknown_link", "There is no such link.", field="token", kind="not_found")


def link_used() -> RuleViolation:
    return RuleViolation("link_used", "This link was already used.", field="token", kind="conflict")


def link_expired() -> RuleViolation:
    return RuleViolation("link_expired", "This link has expired.", field="token", kind="conflict")


def colleague_at_link() -> RuleViolation:
    return RuleViolation(
        "colleague_at_link",
        "A colleague is signed in here; only the customer may decide over a link.",
        field="token",
        kind="forbidden",
    )


def staff_device_by_desk() -> RuleViolation:
    return RuleViolation(
        "staff_device_by_desk",
        "Only the desk service may name the colleague whose device opened a link.",
        field="X-Staff-Device",
        kind="forbidden",
    )


def in_person_decision_by_agent() -> RuleViolation:
    return RuleViolation(
        "in_person_decision_by_agent",
        "Customer care records decisions by phone only.",
        field="channel",
        kind="forbidden",
    )


def deposit_held(deposit_cents: int) -> RuleViolation:
    return RuleViolation(
        "deposit_held",
        f"A deposit of {deposit_cents} cents has to be refunded first.",
        field="order_id",
        kind="conflict",
        deposit_cents=deposit_cents,
    )


def second_person_required() -> RuleViolation:
    return RuleViolation(
        "second_person_required",
        "Someone other than the person who asked for it must approve this.",
        field="approved_by",
        kind="forbidden",
    )


def nothing_to_approve(field: str) -> RuleViolation:
    return RuleViolation(
        "nothing_to_approve", "There is no request to approve.", field=field, kind="conflict"
    )


def signature_needed() -> RuleViolation:
    return RuleViolation(
        "signature_needed", "This step is done by the customer's signature.", field="step"
    )


def credit_above_balance(balance_cents: int) -> RuleViolation:
    return RuleViolation(
        "credit_above_balance",
        f"The credit note is above the {balance_cents} cents that are open; say how the rest is "
        "refunded.",
        field="amount_cents",
        balance_cents=balance_cents,
    )


def payers_agreed() -> RuleViolation:
    return RuleViolation(
        "payers_agreed",
        "The first invoice has the agreed payers; revise the estimate to change them.",
        field="pay_types",
        kind="conflict",
    )


def not_invoiced() -> RuleViolation:
    return RuleViolation(
        "not_invoiced", "The order is not invoiced yet.", field="order_id", kind="conflict"
    )


def unpaid(balance_cents: int) -> RuleViolation:
    return RuleViolation(
        "unpaid",
        f"{balance_cents} cents are unpaid, and no on-account release is approved.",
        field="order_id",
        kind="conflict",
        balance_cents=balance_cents,
    )


def above_on_account(balance_cents: int, amount_cents: int) -> RuleViolation:
    return RuleViolation(
        "above_on_account",
        f"{balance_cents} cents are unpaid; an on-account release was approved for {amount_cents} "
        f"cents.",
        field="order_id",
        kind="conflict",
        balance_cents=balance_cents,
        amount_cents=amount_cents,
    )


def awaits_authorization(count: int) -> RuleViolation:
    return RuleViolation(
        "awaits_authorization",
        f"The customer has yet to decide on {count} estimates.",
        field="order_id",
        kind="conflict",
        count=count,
    )


def awaits_approval() -> RuleViolation:
    return RuleViolation(
        "awaits_approval", "The discount awaits its approval.", field="discount", kind="conflict"
    )


def discount_above_invoice(payable_cents: int) -> RuleViolation:
    return RuleViolation(
        "discount_above_invoice",
        f"The discount is above the {payable_cents} cents that the customer pays.",
        field="amount_cents",
        payable_cents=payable_cents,
    )


def discount_above_limit(allowed_cents: int) -> RuleViolation:
    return RuleViolation(
        "discount_above_limit",
        f"The discount is above the role's limit of {allowed_cents} cents.",
        field="discount",
        kind="forbidden",
        allowed_cents=allowed_cents,
    )


def refund_above_paid(paid_cents: int) -> RuleViolation:
    return RuleViolation(
        "refund_above_paid",
        f"The refund is above the {paid_cents} cents that the customer has paid.",
        field="amount_cents",
        paid_cents=paid_cents,
    )


def refund_above_method(field: str, method: PaymentMethod, paid_cents: int) -> RuleViolation:
    return RuleViolation(
        "refund_above_method",
        f"The customer paid only {paid_cents} cents by {method}; a refund goes back the same way.",
        field=field,
        method=method,
        paid_cents=paid_cents,
    )


def above_money_held(held_cents: int) -> RuleViolation:
    return RuleViolation(
        "above_money_held",
        f"Only {held_cents} cents are held.",
        field="amount_cents",
        held_cents=held_cents,
    )


def not_to_this_order() -> RuleViolation:
    return RuleViolation(
        "not_to_this_order",
        "Money held can be carried over to another order of the same customer only.",
        field="to_order_id",
    )


def in_the_future(field: str) -> RuleViolation:
    return RuleViolation("in_the_future", "This day is in the future.", field=field)


def claim_details_missing(missing: list[str]) -> RuleViolation:
    return RuleViolation(
        "claim_details_missing",
        f"These claim details are missing: {', '.join(missing)}.",
        field="claim_details",
        kind="conflict",
        missing=missing,
    )


def claim_too_late(due_at: datetime) -> RuleViolation:
    return RuleViolation(
        "claim_too_late",
        f"The claim had to be submitted by {due_at.isoformat()}.",
        field="claim_id",
        kind="conflict",
        due_at=due_at.isoformat(),
    )


def approved_above_claim(amount_cents: int) -> RuleViolation:
    return RuleViolation(
        "approved_above_claim",
        f"The approved amount is above the {amount_cents} cents that were claimed.",
        field="approved_cents",
        amount_cents=amount_cents,
    )


def wrong_claim_status(status: str, needed: str) -> RuleViolation:
    return RuleViolation(
        "wrong_claim_status",
        f"The claim is {status}; it must be {needed}.",
        field="claim_id",
        kind="conflict",
        status=status,
        needed=needed,
    )


def voucher_redeemed(voucher_id: str) -> RuleViolation:
    return RuleViolation(
        "voucher_redeemed",
        f"The voucher {voucher_id} was already redeemed.",
        field="vouchers",
        kind="conflict",
        voucher_id=voucher_id,
    )


def voucher_expired(voucher_id: str) -> RuleViolation:
    return RuleViolation(
        "voucher_expired",
        f"The voucher {voucher_id} has expired.",
        field="vouchers",
        voucher_id=voucher_id,
    )


def voucher_of_another(voucher_id: str) -> RuleViolation:
    return RuleViolation(
        "voucher_of_another",
        f"The voucher {voucher_id} is another customer's.",
        field="vouchers",
        voucher_id=voucher_id,
    )


def voucher_of_another_vehicle(voucher_id: str) -> RuleViolation:
    return RuleViolation(
        "voucher_of_another_vehicle",
        f"The voucher {voucher_id} is another vehicle's.",
        field="vouchers",
        voucher_id=voucher_id,
    )


def voucher_valid_too_long(days: int) -> RuleViolation:
    return RuleViolation(
        "voucher_valid_too_long",
        f"A voucher is valid for {days} days at most.",
        field="expires_at",
        days=days,
    )


def voucher_over_limit(
    field: str, scope: Literal["one", "month", "store"], limit_cents: int
) -> RuleViolation:
    """Above the limit of one voucher, of a month of the issuer, or of a month of the store."""
    return RuleViolation(
        f"voucher_over_{scope}_limit",
        f"The limit is {limit_cents} cents.",
        field=field,
        kind="forbidden",
        limit_cents=limit_cents,
    )


def vouchers_used_up(most: int) -> RuleViolation:
    return RuleViolation(
        "vouchers_used_up",
        f"The caller issues {most} vouchers in a month at most.",
        field="kind",
        kind="forbidden",
        most=most,
    )


def customer_has_enough(most: int) -> RuleViolation:
    return RuleViolation(
        "customer_has_enough",
        f"A customer gets {most} vouchers in a month at most.",
        field="customer_ref",
        kind="forbidden",
        most=most,
    )


def voucher_fits_nothing(voucher_id: str) -> RuleViolation:
    return RuleViolation(
        "voucher_fits_nothing",
        f"The voucher {voucher_id} applies to no line that the customer pays.",
        field="vouchers",
        voucher_id=voucher_id,
    )


def voucher_not_on_invoice(voucher_id: str) -> RuleViolation:
    return RuleViolation(
        "voucher_not_on_invoice",
        f"The voucher {voucher_id} was not redeemed with this invoice, or was reinstated already.",
        field="vouchers",
        voucher_id=voucher_id,
    )


def too_far_ahead(field: str, days: int) -> RuleViolation:
    return RuleViolation(
        "too_far_ahead", f"This is more than {days} days ahead.", field=field, days=days
    )


def photo_erased() -> RuleViolation:
    return RuleViolation(
        "photo_erased",
        "The picture does not exist any more.",
        field="photo_id",
        kind="not_found",
    )


def not_entitled(entitlement: str) -> RuleViolation:
    return RuleViolation(
        "not_entitled",
        f"The customer's loyalty tier does not entitle to {entitlement}.",
        field="entitlement",
        kind="conflict",
        entitlement=entitlement,
    )


def customer_not_known(entitlement: str) -> RuleViolation:
    return RuleViolation(
        "customer_not_known",
        "The customer is not in customer records yet.",
        field="entitlement",
        kind="conflict",
        entitlement=entitlement,
    )


def entitlement_given(entitlement: str, by: str, at: datetime) -> RuleViolation:
    return RuleViolation(
        "entitlement_given",
        f"The customer was given {entitlement} already.",
        field="entitlement",
        kind="conflict",
        entitlement=entitlement,
        by=by,
        at=at.isoformat(),
    )
