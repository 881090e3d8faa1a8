"""Repair orders, and the queue numbers of the day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any, TypeVar

from services.reception.domain.advisors import AdvisorWorkload
from services.reception.domain.order import (
    Discount,
    OnAccount,
    Order,
    PayerBalance,
    PromiseAlert,
    StepBasis,
)
from shared.contracts.base import EventPart
from shared.contracts.reception import (
    DeliveryStep,
    DeliveryWaiver,
    EstimateLine,
    LaborOperation,
    WalkaroundDamage,
)
from shared.contracts.versioned import columns, loaded
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.unit_of_work import UnitOfWork

_ORDER = """
SELECT version, changed_by, changed_at,
       order_id, store_id, status, queue_number, plate_ref, arrived_at, greeting_due_at,
       appointment_id, advisor_id, greeted_at, customer_ref, vehicle_ref, odometer_km,
       odometer_discrepancy_reason, fuel_or_charge_percent, walkaround_damages, waiting_customer,
       symptoms, labor_operations, lines, estimate_cents, estimate_count, awaiting_estimates,
       hold_id, opened_at, promised_at, promise_provisional, risk, ready_at, steps, waivers,
       step_bases, signed_at, delivered_at, discount, on_account, deposit_cents, money_by_method,
       invoice_id, payer_splits, invoiced_cents, credited_cents,
       received_cents
FROM repair_order
"""

_SAVE_ORDER = """
INSERT INTO repair_order (
    version, changed_by, changed_at,
    order_id, store_id, status, queue_number, plate_ref, arrived_at, greeting_due_at,
    appointment_id, advisor_id, greeted_at, customer_ref, vehicle_ref, odometer_km,
    odometer_discrepancy_reason, fuel_or_charge_percent, walkaround_damages, waiting_customer,
    symptoms, labor_operations, lines, estimate_cents, estimate_count, awaiting_estimates, hold_id,
    opened_at, promised_at, promise_provisional, risk, ready_at, steps, waivers, step_bases,
    signed_at, delivered_at, discount, on_account, deposit_cents, money_by_method, invoice_id,
    payer_splits, invoiced_cents, credited_cents, received_cents)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
        $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30,
        $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41, $42, $43, $44, $45, $46)
ON CONFLICT (store_id, order_id) DO UPDATE SET
    status = excluded.status, plate_ref = excluded.plate_ref, advisor_id = excluded.advisor_id,
    greeted_at = excluded.greeted_at,
    customer_ref = excluded.customer_ref, vehicle_ref = excluded.vehicle_ref,
    odometer_km = excluded.odometer_km,
    odometer_discrepancy_reason = excluded.odometer_discrepancy_reason,
    fuel_or_charge_percent = excluded.fuel_or_charge_percent,
    walkaround_damages = excluded.walkaround_damages, waiting_customer = excluded.waiting_customer,
    symptoms = excluded.symptoms, labor_operations = excluded.labor_operations,
    lines = excluded.lines, estimate_cents = excluded.estimate_cents,
    estimate_count = excluded.estimate_count, awaiting_estimates = excluded.awaiting_estimates,
    hold_id = excluded.hold_id, opened_at = excluded.opened_at, promised_at = excluded.promised_at,
    promise_provisional = excluded.promise_provisional, risk = excluded.risk,
    ready_at = excluded.ready_at, steps = excluded.steps, waivers = excluded.waivers,
    step_bases = excluded.step_bases, signed_at = excluded.signed_at,
    delivered_at = excluded.delivered_at,
    discount = excluded.discount, on_account = excluded.on_account,
    deposit_cents = excluded.deposit_cents, money_by_method = excluded.money_by_method,
    payer_splits = excluded.payer_splits,
    invoice_id = excluded.invoice_id, invoiced_cents = excluded.invoiced_cents,
    credited_cents = excluded.credited_cents,
    received_cents = excluded.received_cents, version = excluded.version,
    changed_by = excluded.changed_by, changed_at = excluded.changed_at
"""

_DESKS = """
SELECT advisor_id, count(*) FILTER (WHERE status = 'greeted') AS customers,
       max(greeted_at) AS last_greeted_at
FROM repair_order
WHERE store_id = $1 AND greeted_at >= $2
GROUP BY advisor_id
"""

_SELECT_REPAIR_ORDER_SUMMARIES = """
SELECT order_id, queue_number, arrived_at, customer_ref, plate_ref
FROM repair_order
WHERE store_id = $1 AND order_id = ANY ($2)
"""

_TAKE_NUMBER = """
INSERT INTO arrival_queue AS queue (store_id, day, last_number) VALUES ($1, $2, 1)
ON CONFLICT (store_id, day) DO UPDATE SET last_number = queue.last_number + 1
RETURNING last_number
"""


@dataclass(frozen=True)
class RepairOrderSummary:
    """Summary of an order: its number of the day, the customer and the vehicle."""

    queue_number: int
    arrived_at: datetime
    customer_ref: str | None
    plate_ref: str


async def lock_order(
    connection: Connection, store_id: str, order_id: str, field: str = "order_id"
) -> Order:
    """Return the order, locked until the transaction ends; ``field`` of the command names it.

    Raises:
        RuleViolation: there is no such order in the store.
    """
    row = await connection.fetchrow(
        _ORDER + "WHERE store_id = $1 AND order_id = $2 FOR UPDATE", store_id, order_id
    )
    return _order(row, order_id, field)


async def read_order(connection: Connection, store_id: str, order_id: str) -> Order:
    """Return the present order."""
    row = await connection.fetchrow(
        _ORDER + "WHERE store_id = $1 AND order_id = $2", store_id, order_id
    )
    return _order(row, order_id)


async def list_orders(
    connection: Connection, store_id: str, statuses: Sequence[str], since: datetime
) -> list[Order]:
    """Return the orders in one of ``statuses`` that arrived since a time, in order of arrival."""
    rows = await connection.fetch(
        _ORDER + "WHERE store_id = $1 AND status = ANY ($2) AND arrived_at >= $3 "
        "ORDER BY arrived_at, queue_number LIMIT 1000",
        store_id,
        list(statuses),
        since,
    )
    return [_order(row, row["order_id"]) for row in rows]


async def repair_order_summaries(
    connection: Connection, store_id: str, order_ids: Iterable[str]
) -> dict[str, RepairOrderSummary]:
    """Read summaries of the orders, by id."""
    rows = await connection.fetch(_SELECT_REPAIR_ORDER_SUMMARIES, store_id, sorted(set(order_ids)))
    return {
        row["order_id"]: RepairOrderSummary(
            row["queue_number"], row["arrived_at"], row["customer_ref"], row["plate_ref"]
        )
        for row in rows
    }


async def advisor_workloads(
    connection: Connection, store_id: str, since: datetime
) -> dict[str, AdvisorWorkload]:
    """Return customers and last greeting of each advisor with a greeting since a time."""
    rows = await connection.fetch(_DESKS, store_id, since)
    return {
        row["advisor_id"]: AdvisorWorkload(row["customers"], row["last_greeted_at"]) for row in rows
    }


async def save_order(uow: UnitOfWork, order: Order) -> Order:
    """Store the order where it has changed, and return it as it is stored."""
    (saved,) = await uow.save([order], partial(_write, uow.connection))
    return saved


async def _write(connection: Connection, orders: Sequence[Order]) -> None:
    await connection.executemany(_SAVE_ORDER, [_row(order) for order in orders])


def _row(order: Order) -> list[Any]:
    values = {name: getattr(order, name) for name in _ORDER_COLUMNS} | {
        "walkaround_damages": [
            finding.model_dump(mode="json") for finding in order.walkaround_damages
        ],
        "symptoms": list(order.symptoms),
        "labor_operations": [
            operation.model_dump(mode="json") for operation in order.labor_operations
        ],
        "lines": [line.model_dump(mode="json") for line in order.lines],
        "steps": _dumped_map(order.steps),
        "waivers": _dumped_map(order.waivers),
        "step_bases": _dumped_map(order.step_bases),
        "discount": order.discount and order.discount.model_dump(mode="json"),
        "risk": order.risk and order.risk.model_dump(mode="json"),
        "on_account": order.on_account and order.on_account.model_dump(mode="json"),
        "payer_splits": [split.model_dump(mode="json") for split in order.payer_splits],
    }
    return [values[name] for name in _ORDER_COLUMNS]


async def save_texts(
    connection: Connection,
    store_id: str,
    order_id: str,
    customer_concern: bytes,
    belongings: bytes | None,
) -> None:
    """Store the customer's concern and the belongings in the vehicle, encrypted."""
    await connection.execute(
        "UPDATE repair_order SET customer_concern = $3, belongings = $4 WHERE store_id = $1 AND "
        "order_id = $2",
        store_id,
        order_id,
        customer_concern,
        belongings,
    )


async def encrypted_texts(
    connection: Connection, store_id: str, order_id: str
) -> tuple[bytes | None, bytes | None]:
    """Return the customer's concern and the belongings, still encrypted."""
    row = await connection.fetchrow(
        "SELECT customer_concern, belongings FROM repair_order WHERE store_id = $1 AND order_id = "
        "$2",
        store_id,
        order_id,
    )
    return (row["customer_concern"], row["belongings"]) if row else (None, None)


async def save_details(
    connection: Connection, store_id: str, order_id: str, details: bytes | None
) -> None:
    """Store a customer's details, encrypted, until customer relations has them; ``None`` after."""
    await connection.execute(
        "UPDATE repair_order SET customer_details = $3 WHERE store_id = $1 AND order_id = $2",
        store_id,
        order_id,
        details,
    )


async def encrypted_details(connection: Connection, store_id: str, order_id: str) -> bytes | None:
    """Return the customer's details, still encrypted."""
    details: bytes | None = await connection.fetchval(
        "SELECT customer_details FROM repair_order WHERE store_id = $1 AND order_id = $2",
        store_id,
        order_id,
    )
    return details


async def save_signature(
    connection: Connection, store_id: str, order_id: str, signature: bytes
) -> None:
    """Store the customer's signature, encrypted."""
    await connection.execute(
        "UPDATE repair_order SET signature = $3 WHERE store_id = $1 AND order_id = $2",
        store_id,
        order_id,
        signature,
    )


async def encrypted_signature(connection: Connection, store_id: str, order_id: str) -> bytes | None:
    """Return the customer's signature, still encrypted."""
    signature: bytes | None = await connection.fetchval(
        "SELECT signature FROM repair_order WHERE store_id = $1 AND order_id = $2",
        store_id,
        order_id,
    )
    return signature


async def unpaid_orders(connection: Connection, store_id: str) -> list[Order]:
    """Return the invoiced orders of which a payer still owes a part, the oldest first."""
    rows = await connection.fetch(
        _ORDER + "WHERE store_id = $1 AND invoice_id IS NOT NULL "
        "AND received_cents < invoiced_cents "
        "AND EXISTS ("
        "SELECT FROM jsonb_to_recordset(payer_splits) "
        "AS share (payer text, amount_cents bigint, received_cents bigint) "
        "WHERE payer <> 'internal' AND received_cents < amount_cents) "
        "ORDER BY arrived_at LIMIT 1000",
        store_id,
    )
    return [_order(row, row["order_id"]) for row in rows]


async def orders_with_deposit(connection: Connection, store_id: str) -> list[Order]:
    """Return the orders with money held, the oldest first."""
    rows = await connection.fetch(
        _ORDER + "WHERE store_id = $1 AND deposit_cents > 0 ORDER BY arrived_at LIMIT 1000",
        store_id,
    )
    return [_order(row, row["order_id"]) for row in rows]


async def take_queue_number(connection: Connection, store_id: str, day: date) -> int:
    """Take the next queue number of the store's day and return it."""
    return int(await connection.fetchval(_TAKE_NUMBER, store_id, day))


_ORDER_COLUMNS = columns(Order)


def _order(row: Any, order_id: str, field: str = "order_id") -> Order:
    if row is None:
        raise unknown(field, order_id)
    values = dict(row) | {
        "walkaround_damages": tuple(
            map(WalkaroundDamage.model_validate, row["walkaround_damages"])
        ),
        "symptoms": tuple(row["symptoms"]),
        "labor_operations": tuple(map(LaborOperation.model_validate, row["labor_operations"])),
        "lines": tuple(map(EstimateLine.model_validate, row["lines"])),
        "steps": _loaded_map(DeliveryStep, row["steps"]),
        "waivers": _loaded_map(DeliveryWaiver, row["waivers"]),
        "step_bases": _loaded_map(StepBasis, row["step_bases"]),
        "discount": row["discount"] and Discount.model_validate(row["discount"]),
        "on_account": row["on_account"] and OnAccount.model_validate(row["on_account"]),
        "risk": row["risk"] and PromiseAlert.model_validate(row["risk"]),
        "payer_splits": tuple(map(PayerBalance.model_validate, row["payer_splits"])),
    }
    return loaded(Order(**values))


P = TypeVar("P", bound=EventPart)


def _dumped_map(parts: Mapping[str, EventPart]) -> dict[str, Any]:
    return {name: part.model_dump(mode="json") for name, part in parts.items()}


def _loaded_map(kind: type[P], parts: Mapping[str, Any]) -> dict[str, P]:
    return {name: kind.model_validate(part) for name, part in parts.items()}
