"""Vouchers and service cards (代金券, 维修卡): issued once, redeemed once, at the invoice.

They are reinstated when the invoice is corrected.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.reception.domain import errors
from services.reception.domain.money import allocate
from services.reception.domain.visit import Visit
from shared.contracts.base import LAST_TIMESTAMP
from shared.contracts.reception import (
    EstimateLine,
    VoucherIssued,
    VoucherKind,
    VoucherRedeemed,
    VoucherReinstated,
)


@dataclass(frozen=True)
class Voucher:
    """Voucher for ``value_cents``, or for the whole labor of one operation.

    It reduces what the customer pays.

    With a ``customer_ref`` it is for that customer alone. What expires at ``LAST_TIMESTAMP`` never
    expires.
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
            customer_ref=voucher.customer_ref,
            expires_at=voucher.expires_at,
            issued_by=voucher.issued_by,
            issued_at=voucher.issued_at,
        )
    ]


def redeem(
    vouchers: Sequence[Voucher], visit: Visit, lines: Sequence[EstimateLine], now: datetime
) -> tuple[list[Voucher], tuple[EstimateLine, ...], list[VoucherRedeemed]]:
    """Redeem vouchers for the lines that the customer pays (核销), one after the other.

    Raises:
        RuleViolation: one was redeemed before, has expired, is another customer's, or fits no line.
    """
    used, left, events = [], tuple(lines), []
    for voucher in vouchers:
        _check(voucher, visit, now)
        cents, left = _taken_off(voucher, left)
        used.append(
            replace(voucher, order_id=visit.order_id, redeemed_cents=cents, redeemed_at=now)
        )
        events.append(
            VoucherRedeemed(
                store_id=visit.store_id,
                voucher_id=voucher.voucher_id,
                order_id=visit.order_id,
                amount_cents=cents,
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
                voucher, order_id=None, redeemed_cents=0, redeemed_at=None, expires_at=expires_at
            )
        )
        events.append(
            VoucherReinstated(
                store_id=voucher.store_id,
                voucher_id=voucher.voucher_id,
                order_id=voucher.order_id,
                credit_note_id=credit_note_id,
                amount_cents=voucher.redeemed_cents,
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
    weights = [line.amount_cents if _covers(voucher, line) else 0 for line in lines]
    if not sum(weights):
        raise errors.voucher_fits_nothing(voucher.voucher_id)
    cents = min(sum(weights), voucher.value_cents) if voucher.kind == "voucher" else sum(weights)
    return cents, reduce_lines(lines, cents, weights)


def _covers(voucher: Voucher, line: EstimateLine) -> bool:
    if line.pay_type != "customer":
        return False
    return voucher.kind == "voucher" or (line.kind == "labor" and line.code == voucher.op_code)


def _check(voucher: Voucher, visit: Visit, now: datetime) -> None:
    if voucher.redeemed_at:
        raise errors.voucher_redeemed(voucher.voucher_id)
    if voucher.expires_at <= now:
        raise errors.voucher_expired(voucher.voucher_id)
    if voucher.customer_ref not in (None, visit.customer_ref):
        raise errors.voucher_of_another(voucher.voucher_id)
