"""Audit of vouchers that were redeemed and reinstated (R28)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from deploy.audit.audit_data import VOUCHERS, AuditData
from deploy.audit.reception import check_reception
from deploy.audit.tables import SERVICES, Tables
from deploy.audit.topics import Log, StreamEvent

EXPIRY = datetime(2026, 12, 31, tzinfo=UTC)
LATER = datetime(2027, 1, 31, tzinfo=UTC)


def event(sequence: int, name: str, **data: Any) -> StreamEvent:
    """Return an event of the voucher, too old to be in any outbox."""
    return StreamEvent(
        address=(VOUCHERS, 0, sequence),
        key="voucher",
        id=f"00000000-0000-7000-8000-{sequence:012}",
        type=f"aftersales.reception.{name}.v1",
        source="/stores/S01/reception",
        store_id="S01",
        sequence=sequence,
        time=EXPIRY,
        data=data,
    )


ISSUED = event(1, "VoucherIssued", value_cents=5_000, expires_at=EXPIRY.isoformat())
REDEEMED = event(2, "VoucherRedeemed", order_id="o-1", amount_cents=4_000)
RETURNED = event(
    3, "VoucherReinstated", order_id="o-1", amount_cents=4_000, expires_at=LATER.isoformat()
)
AGAIN = event(4, "VoucherRedeemed", order_id="o-2", amount_cents=5_000)


def differences(*events: StreamEvent, **row: Any) -> list[str]:
    """Return the audit's findings about these events beside the voucher's row."""
    voucher = {
        "voucher_id": "voucher",
        "value_cents": 5_000,
        "expires_at": EXPIRY,
        "order_id": None,
        "redeemed_cents": 0,
    }
    log = Log((), events, 0, (), {}, {service: {} for service in SERVICES})
    empty = (
        *("visit", "repair_order", "order_account", "estimate"),
        *("outbox", "parked_event", "dead_letter"),
    )
    tables = Tables(
        {f"{service}.{name}": () for service in SERVICES for name in empty}
        | {"reception.voucher": [voucher | row]},
        dict.fromkeys(SERVICES, LATER.date()),
    )
    checks = check_reception(AuditData(log, tables))
    check = next(each for each in checks if each.name == "vouchers are as the events say")
    return [str(each) for each in check.differences]


def test_reinstated_voucher_has_its_value_again() -> None:
    assert differences(ISSUED, REDEEMED, RETURNED, expires_at=LATER) == []


def test_reinstated_voucher_may_be_redeemed_again() -> None:
    row = {"expires_at": LATER, "order_id": "o-2", "redeemed_cents": 5_000}
    assert differences(ISSUED, REDEEMED, RETURNED, AGAIN, **row) == []


@pytest.mark.parametrize(
    ("events", "named"),
    [
        ((ISSUED, RETURNED), "order and amount reinstated"),
        ((ISSUED, REDEEMED, AGAIN), "redeemed before by"),
    ],
)
def test_impossible_voucher_history_is_named(events: tuple[StreamEvent, ...], named: str) -> None:
    found = differences(*events, expires_at=LATER, order_id="o-2", redeemed_cents=5_000)
    assert any(named in each for each in found)
