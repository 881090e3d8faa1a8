"""Vouchers, service cards and gifts (代金券, 维修卡, 精品): issued once, redeemed once, at the
invoice.

They are reinstated when the invoice is corrected.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.reception.domain import errors
from services.reception.domain.money import allocate
from services.reception.domain.visit import Visit
from shared.contracts.base import LAST_TIMESTAMP
from shared.contracts.management import VoucherLimit, VoucherRules
from shared.contracts.reception import (
    EstimateLine,
    VoucherIssued,
    VoucherKind,
    VoucherRedeemed,
    VoucherReinstated,
    VoucherSource,
)


@dataclass(frozen=True)
class Voucher:
    """Voucher for ``value_cents``, for the whole labor of one operation, or a gift of that value.

    It reduces what the customer pays; a gift is handed over and reduces nothing.

    With a ``customer_ref`` it is for that customer alone, with a ``vehicle_ref`` for that vehicle.
    What expires at ``LAST_TIMESTAMP`` never expires. ``cost_cents`` is what its redemption costs
    the store.
    """

    store_id: str
    voucher_id: str
    kind: VoucherKind
    value_cents: int
    op_code: str | None
    customer_ref: str | None
    expires_at: datetime
    issued_by: str
    issued_at: datetime
    order_id: str | None = None
    redeemed_cents: int = 0
    redeemed_at: datetime | None = None
    cost_cents: int = 0
    item_code: str | None = None
    vehicle_ref: str | None = None
    source: VoucherSource = "other"
    campaign_id: str | None = None


@dataclass(frozen=True)
class IssuedInMonth:
    """What was issued in a calendar month: by a person, in the store, and to a customer."""

    by_person: int
    by_person_cents: int
    in_store_cents: int
    to_customer: int


def require_within_limits(
    voucher: Voucher, rules: VoucherRules, roles: Collection[str], issued: IssuedInMonth
) -> None:
    """Refuse a voucher above the limits of the issuer's ``roles``, the store or a customer (额度).

    Of several roles the one with the highest limit counts. The labor of a service card counts as
    one of the number, and not in the value.

    Raises:
        RuleViolation: it is worth too much, valid for too long, or one too many.
    """
    limit = _limit(rules, roles)
    days = rules.longest_valid_days
    if days is not None and voucher.expires_at > voucher.issued_at + timedelta(days=days):
        raise errors.voucher_valid_too_long(days)
    if voucher.value_cents > limit.most_value_cents:
        raise errors.voucher_over_limit("value_cents", "one", limit.most_value_cents)
    if issued.by_person >= limit.most_in_month:
        raise errors.vouchers_used_up(limit.most_in_month)
    if issued.by_person_cents + voucher.value_cents > limit.most_cents_in_month:
        raise errors.voucher_over_limit("value_cents", "month", limit.most_cents_in_month)
    if issued.in_store_cents + voucher.value_cents > rules.store_cents_in_month:
        raise errors.voucher_over_limit("value_cents", "store", rules.store_cents_in_month)
    if voucher.customer_ref and issued.to_customer >= rules.most_to_customer_in_month:
        raise errors.customer_has_enough(rules.most_to_customer_in_month)


def issue(voucher: Voucher) -> list[VoucherIssued]:
    """Issue a voucher (发券).

    Raises:
        RuleViolation: it would have expired already.
    """
    if voucher.expires_at <= voucher.issued_at:
        raise errors.in_the_past("expires_at", voucher.expires_at)
    return [
        VoucherIssued(
            store_id=voucher.store_id,
            voucher_id=voucher.voucher_id,
            kind=voucher.kind,
            value_cents=voucher.value_cents,
            op_code=voucher.op_code,
            item_code=voucher.item_code,
            customer_ref=voucher.customer_ref,
            vehicle_ref=voucher.vehicle_ref,
            source=voucher.source,
            campaign_id=voucher.campaign_id,
            expires_at=voucher.expires_at,
            issued_by=voucher.issued_by,
            issued_at=voucher.issued_at,
        )
    ]


def redeem(
    vouchers: Sequence[Voucher],
    visit: Visit,
    lines: Sequence[EstimateLine],
    now: datetime,
    customer_refs: Collection[str] = (),
) -> tuple[list[Voucher], tuple[EstimateLine, ...], list[VoucherRedeemed]]:
    """Redeem vouchers for the lines that the customer pays (核销), one after the other.

    ``customer_refs`` are all references of the customer, besides the one that the visit names.

    Raises:
        RuleViolation: one was redeemed before, has expired, is another customer's or vehicle's, or
            fits no line.
    """
    used, left, events = [], tuple(lines), []
    for voucher in vouchers:
        _check(voucher, visit, customer_refs, now)
        cents, left = _taken_off(voucher, left)
        cost_cents = voucher.value_cents if voucher.kind == "gift" else cents
        used.append(
            replace(
                voucher,
                order_id=visit.order_id,
                redeemed_cents=cents,
                redeemed_at=now,
                cost_cents=cost_cents,
            )
        )
        events.append(
            VoucherRedeemed(
                store_id=visit.store_id,
                voucher_id=voucher.voucher_id,
                order_id=visit.order_id,
                amount_cents=cents,
                redemption_cost_cents=cost_cents,
                redeemed_at=now,
            )
        )
    return used, left, events


def reinstate(
    vouchers: Sequence[Voucher], credit_note_id: str, now: datetime
) -> tuple[list[Voucher], list[VoucherReinstated]]:
    """Reinstate redeemed vouchers (退券).

    Their validity is extended by the time for which they were redeemed.
    """
    given, events = [], []
    for voucher in vouchers:
        assert voucher.order_id and voucher.redeemed_at  # noqa: S101, PT018
        spent = now - voucher.redeemed_at
        expires_at = min(voucher.expires_at + spent, LAST_TIMESTAMP)
        given.append(
            replace(
                voucher,
                order_id=None,
                redeemed_cents=0,
                redeemed_at=None,
                cost_cents=0,
                expires_at=expires_at,
            )
        )
        events.append(
            VoucherReinstated(
                store_id=voucher.store_id,
                voucher_id=voucher.voucher_id,
                order_id=voucher.order_id,
                credit_note_id=credit_note_id,
                amount_cents=voucher.redeemed_cents,
                redemption_cost_cents=voucher.cost_cents,
                expires_at=expires_at,
                reinstated_at=now,
            )
        )
    return given, events


def reduce_lines(
    lines: Sequence[EstimateLine], cents: int, weights: Sequence[int]
) -> tuple[EstimateLine, ...]:
    """Reduce the lines by ``cents``, allocated by ``weights``."""
    if not cents:
        return tuple(lines)
    return tuple(
        line.model_copy(update={"amount_cents": line.amount_cents - share})
        for line, share in zip(lines, allocate(cents, weights), strict=True)
    )


def _taken_off(
    voucher: Voucher, lines: Sequence[EstimateLine]
) -> tuple[int, tuple[EstimateLine, ...]]:
    if voucher.kind == "gift":
        return 0, tuple(lines)
    weights = [line.amount_cents if _covers(voucher, line) else 0 for line in lines]
    if not sum(weights):
        raise errors.voucher_fits_nothing(voucher.voucher_id)
    cents = min(sum(weights), voucher.value_cents) if voucher.kind == "voucher" else sum(weights)
    return cents, reduce_lines(lines, cents, weights)


def _covers(voucher: Voucher, line: EstimateLine) -> bool:
    if line.pay_type != "customer":
        return False
    return voucher.kind == "voucher" or (line.kind == "labor" and line.code == voucher.op_code)


def _check(voucher: Voucher, visit: Visit, customer_refs: Collection[str], now: datetime) -> None:
    if voucher.redeemed_at:
        raise errors.voucher_redeemed(voucher.voucher_id)
    if voucher.expires_at <= now:
        raise errors.voucher_expired(voucher.voucher_id)
    if voucher.customer_ref not in (None, visit.customer_ref, *customer_refs):
        raise errors.voucher_of_another(voucher.voucher_id)
    if voucher.vehicle_ref not in (None, visit.vehicle_ref):
        raise errors.voucher_of_another_vehicle(voucher.voucher_id)


def _limit(rules: VoucherRules, roles: Collection[str]) -> VoucherLimit:
    """Return the highest limit of the roles; none of which is named issues nothing."""
    named = [each for each in rules.limits if each.role in roles]
    nothing = VoucherLimit(role="none", most_value_cents=0, most_in_month=0, most_cents_in_month=0)
    return max(named, key=lambda each: each.most_cents_in_month, default=nothing)
