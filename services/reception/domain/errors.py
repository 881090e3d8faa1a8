"""Reasons for which reception refuses a command."""

from datetime import datetime

from shared.contracts.refusal import Refused


def not_at_stage(field: str, stage: str, needed: str) -> Refused:
    return Refused(
        "wrong_stage",
        f"The order is at stage {stage}; it must be at {needed}.",
        field=field,
        kind="conflict",
        stage=stage,
        needed=needed,
    )


def odometer_backwards(given: int, known: int) -> Refused:
    return Refused(
        "odometer_backwards",
        f"The odometer cannot go back: {known} km are known, {given} km were given.",
        field="odometer_km",
        known=known,
    )


def unknown_code(field: str, code: str) -> Refused:
    return Refused("unknown_code", f"{code} is not in the catalogue.", field=field, code=code)


def steps_missing(missing: list[str]) -> Refused:
    return Refused(
        "delivery_steps_missing",
        f"These delivery steps are not done: {', '.join(missing)}.",
        field="steps",
        kind="conflict",
        missing=missing,
    )


def step_already_done(step: str) -> Refused:
    return Refused(
        "step_already_done", f"The step {step} is already done.", field="step", kind="conflict"
    )


def payment_above_balance(balance_cents: int) -> Refused:
    return Refused(
        "payment_above_balance",
        f"The payment is above the balance of {balance_cents} cents.",
        field="amount_cents",
        balance_cents=balance_cents,
    )


def in_the_past(field: str, moment: datetime) -> Refused:
    return Refused("in_the_past", f"{moment.isoformat()} is in the past.", field=field)


def changed_meanwhile(version: int) -> Refused:
    return Refused(
        "changed_meanwhile",
        "Somebody else has changed the order meanwhile; look at it again.",
        field="version",
        kind="conflict",
        version=version,
    )
