"""Entitlements of loyal customers at reception (特别待遇): place, lounge, gift, voucher."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.reception.domain import errors
from services.reception.domain.voucher import Voucher
from shared.contracts.management import Entitlement
from shared.contracts.reception import EntitlementGranted, GrantedKind


@dataclass(frozen=True)
class Recognition:
    """What customer relations have said about an arriving customer (到店识别)."""

    store_id: str
    order_id: str
    customer_ref: str | None
    tier: str | None
    entitlements: tuple[Entitlement, ...]

    @property
    def has_priority(self) -> bool:
        """Whether the customer is received like one with an appointment (优先接待)."""
        return any(each.entitlement == "priority" for each in self.entitlements)

    def find(self, kind: str) -> Entitlement | None:
        return next((each for each in self.entitlements if each.entitlement == kind), None)


@dataclass(frozen=True)
class GrantedEntitlement:
    """An entitlement that a customer was given at a visit; a voucher has its id."""

    store_id: str
    order_id: str
    entitlement: GrantedKind
    customer_ref: str
    tier: str
    voucher_id: str | None
    granted_by: str
    granted_at: datetime


def with_priority(recognized: Sequence[Recognition]) -> frozenset[str]:
    """Return the orders whose customers have a priority place in the queue."""
    return frozenset(each.order_id for each in recognized if each.has_priority)


def due_again(
    entitlement: Entitlement, last: GrantedEntitlement | None, now: datetime
) -> datetime | None:
    """Return from when the customer gets it again; None when they get it now."""
    if last is None or entitlement.days_between is None:
        return None
    again_at = last.granted_at + timedelta(days=entitlement.days_between)
    return again_at if again_at > now else None


def grant(
    recognition: Recognition | None,
    kind: GrantedKind,
    customer_ref: str | None,
    last: GrantedEntitlement | None,
    *,
    voucher_id: str | None,
    by: str,
    now: datetime,
) -> tuple[GrantedEntitlement, EntitlementGranted]:
    """Record that the customer of a visit was given what their tier entitles them to.

    ``last`` is the last time that the customer was given it.

    Raises:
        RuleViolation: the tier does not entitle to it, the customer is not in customer records, or
            was given it at this visit or too lately.
    """
    entitlement = recognition.find(kind) if recognition else None
    if recognition is None or entitlement is None or recognition.tier is None:
        raise errors.not_entitled(kind)
    if customer_ref is None:
        raise errors.customer_not_known(kind)
    if last and (last.order_id == recognition.order_id or due_again(entitlement, last, now)):
        raise errors.entitlement_given(kind, last.granted_by, last.granted_at)
    granted = GrantedEntitlement(
        store_id=recognition.store_id,
        order_id=recognition.order_id,
        entitlement=kind,
        customer_ref=customer_ref,
        tier=recognition.tier,
        voucher_id=voucher_id,
        granted_by=by,
        granted_at=now,
    )
    event = EntitlementGranted(
        store_id=granted.store_id,
        order_id=granted.order_id,
        customer_ref=customer_ref,
        tier=granted.tier,
        entitlement=kind,
        voucher_id=voucher_id,
        granted_by=by,
        granted_at=now,
    )
    return granted, event


def voucher_of(granted: GrantedEntitlement, entitlement: Entitlement) -> Voucher:
    """Return the voucher that a customer is given, for them alone."""
    assert granted.voucher_id is not None  # noqa: S101
    days = timedelta(days=entitlement.valid_days or 0)
    return Voucher(
        store_id=granted.store_id,
        voucher_id=granted.voucher_id,
        kind="voucher",
        value_cents=entitlement.value_cents or 0,
        op_code=None,
        customer_ref=granted.customer_ref,
        expires_at=granted.granted_at + days,
        issued_by=granted.granted_by,
        issued_at=granted.granted_at,
        source="loyalty",
    )
