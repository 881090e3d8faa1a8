"""Reasons for which customer relations refuses a command."""

from datetime import datetime

from shared.contracts.violations import RuleViolation


def unknown_customer(field: str) -> RuleViolation:
    return RuleViolation(
        "unknown_customer",
        "No customer of this store has this vehicle.",
        field=field,
        kind="not_found",
    )


def plate_or_vin() -> RuleViolation:
    return RuleViolation("plate_or_vin", "Either a plate or a VIN is required.", field="plate")


def already_completed(follow_up_id: str, by: str | None, at: datetime) -> RuleViolation:
    return RuleViolation(
        "already_completed",
        f"The follow-up {follow_up_id} is already completed.",
        field="follow_up_id",
        kind="conflict",
        by=by,
        at=at.isoformat(),
    )


def satisfaction_without_contact() -> RuleViolation:
    return RuleViolation(
        "satisfaction_without_contact",
        "Satisfaction cannot be recorded for a customer who was not reached.",
        field="satisfaction",
    )


def order_of_another_customer(order_id: str) -> RuleViolation:
    return RuleViolation(
        "order_of_another_customer",
        f"The order {order_id} is not this customer's.",
        field="order_id",
        kind="conflict",
    )


def nothing_to_call_about(message_id: str) -> RuleViolation:
    return RuleViolation(
        "nothing_to_call_about",
        f"The message {message_id} requires no call.",
        field="message_id",
        kind="conflict",
    )


def link_from_a_person() -> RuleViolation:
    return RuleViolation(
        "link_from_a_person",
        "A message with a link can only be sent by the service that made the link.",
        field="message_type",
        kind="forbidden",
    )
