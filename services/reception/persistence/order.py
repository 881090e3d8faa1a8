"""Orders by their parts, and the queue numbers of the day.

A transaction that changes any part of an order locks its repair order first. So the changes of one
order follow one another, and no two of them deadlock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from services.reception.domain.account import OrderAccount
from services.reception.domain.advisors import AdvisorWorkload
from services.reception.domain.order import Order
from services.reception.domain.repair_order import RepairOrder
from services.reception.domain.visit import Visit
from shared.contracts.versioned import Versioned
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table
from shared.unit_of_work import UnitOfWork

_KEY = ("store_id", "order_id")

_VISIT = Table(
    "visit",
    Visit,
    key=_KEY,
    fixed=("queue_number", "appointment_id", "arrived_at", "greeting_due_at"),
    json=("walkaround_damages",),
    separate=("customer_details", "belongings"),
)

_REPAIR_ORDER = Table(
    "repair_order",
    RepairOrder,
    key=_KEY,
    json=(
        "symptoms",
        "labor_operations",
        "lines",
        "discount",
        "risk",
        "steps",
        "waivers",
        "step_bases",
    ),
    separate=("customer_concern", "signature"),
)

_ACCOUNT = Table(
    "order_account",
    OrderAccount,
    key=_KEY,
    json=("money_by_method", "payer_splits", "on_account"),
)

_ONE = "WHERE store_id = $1 AND order_id = $2"

_ORDERS = f"""
SELECT {_VISIT.qualified_list}, {_REPAIR_ORDER.qualified_list}, {_ACCOUNT.qualified_list}
FROM repair_order
JOIN visit USING (store_id, order_id)
JOIN order_account USING (store_id, order_id)
"""

_LISTED = "ORDER BY visit.arrived_at, visit.queue_number LIMIT 1000"

_IN_STATUS = f"""
{_ORDERS}
WHERE store_id = $1 AND repair_order.status = ANY ($2) AND visit.arrived_at >= $3
{_LISTED}
"""

_UNFINISHED = f"""
{_ORDERS}
WHERE store_id = $1 AND repair_order.status NOT IN ('closed', 'cancelled')
{_LISTED}
"""

# An array of the few orders found lets the planner look their parts up one by one.
_UNPAID = f"""
{_ORDERS}
WHERE store_id = $1 AND order_id = ANY (ARRAY (
    SELECT order_id FROM order_account
    WHERE store_id = $1 AND invoice_id IS NOT NULL AND received_cents < invoiced_cents
      AND EXISTS (
        SELECT FROM jsonb_to_recordset(payer_splits)
          AS share (payer text, amount_cents bigint, received_cents bigint)
        WHERE payer <> 'internal' AND received_cents < amount_cents)))
{_LISTED}
"""

_WITH_DEPOSIT = f"""
{_ORDERS}
WHERE store_id = $1 AND order_id = ANY (ARRAY (
    SELECT order_id FROM order_account WHERE store_id = $1 AND deposit_cents > 0))
{_LISTED}
"""

_ADVISOR_WORKLOADS = """
SELECT visit.advisor_id, count(*) FILTER (WHERE repair_order.status = 'greeted') AS customers,
       max(visit.greeted_at) AS last_greeted_at
FROM visit JOIN repair_order USING (store_id, order_id)
WHERE store_id = $1 AND visit.greeted_at >= $2
GROUP BY visit.advisor_id
"""

_SELECT_VISIT_SUMMARIES = """
SELECT order_id, queue_number, arrived_at, customer_ref, plate_ref
FROM visit
WHERE store_id = $1 AND order_id = ANY ($2)
"""

_TEXTS = """
SELECT repair_order.customer_concern, visit.belongings
FROM repair_order JOIN visit USING (store_id, order_id)
WHERE store_id = $1 AND order_id = $2
"""

_TAKE_NUMBER = """
INSERT INTO arrival_queue AS queue (store_id, day, last_number) VALUES ($1, $2, 1)
ON CONFLICT (store_id, day) DO UPDATE SET last_number = queue.last_number + 1
RETURNING last_number
"""

Part = TypeVar("Part", bound=Versioned)


@dataclass(frozen=True)
class VisitSummary:
    """Summary of a visit: its number of the day, the customer and the vehicle."""

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
    await lock_repair_order(connection, store_id, order_id, field)
    return await read_order(connection, store_id, order_id)


async def lock_repair_order(
    connection: Connection, store_id: str, order_id: str, field: str = "order_id"
) -> RepairOrder:
    """Return the repair order; all parts of its order are locked until the transaction ends.

    Raises:
        RuleViolation: there is no such order in the store.
    """
    row = await connection.fetchrow(f"{_REPAIR_ORDER.select}{_ONE} FOR UPDATE", store_id, order_id)
    return _REPAIR_ORDER.read(_found(row, order_id, field))


async def read_order(connection: Connection, store_id: str, order_id: str) -> Order:
    """Return the present order."""
    return _order(_found(await connection.fetchrow(_ORDERS + _ONE, store_id, order_id), order_id))


async def read_visit(connection: Connection, store_id: str, order_id: str) -> Visit:
    """Return the present visit."""
    row = await connection.fetchrow(_VISIT.select + _ONE, store_id, order_id)
    return _VISIT.read(_found(row, order_id))


async def read_repair_order(connection: Connection, store_id: str, order_id: str) -> RepairOrder:
    """Return the present repair order."""
    row = await connection.fetchrow(_REPAIR_ORDER.select + _ONE, store_id, order_id)
    return _REPAIR_ORDER.read(_found(row, order_id))


async def read_account(connection: Connection, store_id: str, order_id: str) -> OrderAccount:
    """Return the present account of the order."""
    row = await connection.fetchrow(_ACCOUNT.select + _ONE, store_id, order_id)
    return _ACCOUNT.read(_found(row, order_id))


async def list_orders(
    connection: Connection, store_id: str, statuses: Sequence[str], since: datetime
) -> list[Order]:
    """Return the orders in one of ``statuses`` that arrived since a time, in order of arrival."""
    return [
        _order(row) for row in await connection.fetch(_IN_STATUS, store_id, list(statuses), since)
    ]


async def unfinished_orders(connection: Connection, store_id: str) -> list[Order]:
    """Return the orders that are neither closed nor cancelled, in order of arrival."""
    return [_order(row) for row in await connection.fetch(_UNFINISHED, store_id)]


async def unpaid_orders(connection: Connection, store_id: str) -> list[Order]:
    """Return the invoiced orders of which a payer still owes a part, the oldest first."""
    return [_order(row) for row in await connection.fetch(_UNPAID, store_id)]


async def orders_with_deposit(connection: Connection, store_id: str) -> list[Order]:
    """Return the orders with money held, the oldest first."""
    return [_order(row) for row in await connection.fetch(_WITH_DEPOSIT, store_id)]


async def visit_summaries(
    connection: Connection, store_id: str, order_ids: Iterable[str]
) -> dict[str, VisitSummary]:
    """Read summaries of the orders' visits, by id."""
    rows = await connection.fetch(_SELECT_VISIT_SUMMARIES, store_id, sorted(set(order_ids)))
    return {
        row["order_id"]: VisitSummary(
            row["queue_number"], row["arrived_at"], row["customer_ref"], row["plate_ref"]
        )
        for row in rows
    }


async def advisor_workloads(
    connection: Connection, store_id: str, since: datetime
) -> dict[str, AdvisorWorkload]:
    """Return customers and last greeting of each advisor with a greeting since a time."""
    rows = await connection.fetch(_ADVISOR_WORKLOADS, store_id, since)
    return {
        row["advisor_id"]: AdvisorWorkload(row["customers"], row["last_greeted_at"]) for row in rows
    }


async def save_order(uow: UnitOfWork, order: Order) -> Order:
    """Store the parts of the order that have changed, and return it as it is stored."""
    return Order(
        await save_visit(uow, order.visit),
        await save_repair_order(uow, order.repair_order),
        await save_account(uow, order.account),
    )


async def save_visit(uow: UnitOfWork, visit: Visit) -> Visit:
    """Store the visit where it has changed, and return it as it is stored."""
    return await _save(uow, _VISIT, visit)


async def save_repair_order(uow: UnitOfWork, repair_order: RepairOrder) -> RepairOrder:
    """Store the repair order where it has changed, and return it as it is stored."""
    return await _save(uow, _REPAIR_ORDER, repair_order)


async def save_account(uow: UnitOfWork, account: OrderAccount) -> OrderAccount:
    """Store the account where it has changed, and return it as it is stored."""
    return await _save(uow, _ACCOUNT, account)


async def _save(uow: UnitOfWork, table: Table[Part], part: Part) -> Part:
    async def write(parts: Sequence[Part]) -> None:
        await uow.connection.executemany(table.upsert, [table.values(each) for each in parts])

    (saved,) = await uow.save([part], write)
    return saved


async def save_texts(
    connection: Connection,
    store_id: str,
    order_id: str,
    customer_concern: bytes,
    belongings: bytes | None,
) -> None:
    """Store the customer's concern and the belongings in the vehicle, encrypted."""
    await connection.execute(
        f"UPDATE repair_order SET customer_concern = $3 {_ONE}",
        store_id,
        order_id,
        customer_concern,
    )
    await connection.execute(
        f"UPDATE visit SET belongings = $3 {_ONE}", store_id, order_id, belongings
    )


async def encrypted_texts(
    connection: Connection, store_id: str, order_id: str
) -> tuple[bytes | None, bytes | None]:
    """Return the customer's concern and the belongings, still encrypted."""
    row = await connection.fetchrow(_TEXTS, store_id, order_id)
    return (row["customer_concern"], row["belongings"]) if row else (None, None)


async def save_details(
    connection: Connection, store_id: str, order_id: str, details: bytes | None
) -> None:
    """Store a customer's details, encrypted, until customer relations has them; ``None`` after."""
    await connection.execute(
        f"UPDATE visit SET customer_details = $3 {_ONE}", store_id, order_id, details
    )


async def encrypted_details(connection: Connection, store_id: str, order_id: str) -> bytes | None:
    """Return the customer's details, still encrypted."""
    details: bytes | None = await connection.fetchval(
        f"SELECT customer_details FROM visit {_ONE}", store_id, order_id
    )
    return details


async def save_signature(
    connection: Connection, store_id: str, order_id: str, signature: bytes
) -> None:
    """Store the customer's signature, encrypted."""
    await connection.execute(
        f"UPDATE repair_order SET signature = $3 {_ONE}", store_id, order_id, signature
    )


async def encrypted_signature(connection: Connection, store_id: str, order_id: str) -> bytes | None:
    """Return the customer's signature, still encrypted."""
    signature: bytes | None = await connection.fetchval(
        f"SELECT signature FROM repair_order {_ONE}", store_id, order_id
    )
    return signature


async def take_queue_number(connection: Connection, store_id: str, day: date) -> int:
    """Take the next queue number of the store's day and return it."""
    return int(await connection.fetchval(_TAKE_NUMBER, store_id, day))


def _found(row: Any, order_id: str, field: str = "order_id") -> Any:
    if row is None:
        raise unknown(field, order_id)
    return row


def _order(row: Any) -> Order:
    return Order(
        _VISIT.read_qualified(row), _REPAIR_ORDER.read_qualified(row), _ACCOUNT.read_qualified(row)
    )
