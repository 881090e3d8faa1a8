"""Versions of the estimate, and the links by which customers decide on them."""

from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime

from services.reception.domain.estimate_version import EstimateVersion
from services.reception.domain.link import Link, LinkUse, Origin, use_from
from services.reception.domain.vehicle import VehicleIdentity
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table

_ESTIMATES = Table(
    "estimate",
    EstimateVersion,
    key=("store_id", "order_id", "version"),
    fixed=("additional_work_id", "labor_operations", "lines", "presented_by", "presented_at"),
    json=("labor_operations", "lines", "link_consent"),
)

_LINK_USES = Table(
    "link_use",
    LinkUse,
    key=("store_id", "link_id", "entry"),
    added=("store_id", "link_id", "network"),
    separate=("entry",),
)

_TO_REOFFER = (
    _ESTIMATES.select
    + """AS found
WHERE store_id = $1
  AND status IN ('declined', 'not_offered', 'unanswered')
  AND EXISTS (
        SELECT FROM visit
        WHERE visit.store_id = found.store_id AND visit.order_id = found.order_id
          AND is_vehicle(visit.plate_ref, visit.vehicle_ref, visit.vehicle_identified, $2, $3, $4)
          AND visit.arrived_at < $5)
  AND (additional_work_id IS NOT NULL OR NOT EXISTS (
        SELECT FROM estimate AS other
        WHERE other.store_id = found.store_id AND other.order_id = found.order_id
          AND other.additional_work_id IS NULL
          AND (other.status = 'authorized' OR other.version > found.version)))
ORDER BY presented_at DESC LIMIT 50
"""
)

_ORDERED_SINCE = """
SELECT ordered.operation ->> 'op_code' AS op_code
FROM visit JOIN repair_order USING (store_id, order_id),
     jsonb_array_elements(repair_order.labor_operations) AS ordered (operation)
WHERE visit.store_id = $1
  AND is_vehicle(visit.plate_ref, visit.vehicle_ref, visit.vehicle_identified, $2, $3, $4)
  AND visit.arrived_at > $5
  AND repair_order.status <> 'cancelled'
"""

_USES = f"""
SELECT {_LINK_USES.column_list}, link_id
FROM link_use WHERE store_id = $1 AND link_id = ANY ($2) ORDER BY entry
"""

_OPENED_BEFORE = """
SELECT true FROM link_use
WHERE store_id = $1 AND link_id = $2 AND use = 'opened'
  AND (colleague, staff_device, device, network)
      IS NOT DISTINCT FROM ($3::text, $4::text, $5::text, $6::text)
LIMIT 1
"""


_LINKS = Table("authorization_link", Link, key=("store_id", "link_id"), added=("token_hash",))


async def estimate_versions(
    connection: Connection, store_id: str, order_id: str
) -> list[EstimateVersion]:
    """Return every version of the order's estimate, the oldest first."""
    rows = await connection.fetch(
        _ESTIMATES.select + "WHERE store_id = $1 AND order_id = $2 ORDER BY version",
        store_id,
        order_id,
    )
    return [_ESTIMATES.read(row) for row in rows]


async def save_estimates(connection: Connection, versions: Sequence[EstimateVersion]) -> None:
    """Add new versions and store the status of others."""
    await connection.executemany(_ESTIMATES.upsert, map(_ESTIMATES.values, versions))


async def work_to_reoffer(
    connection: Connection, store_id: str, vehicle: VehicleIdentity, before: datetime
) -> list[EstimateVersion]:
    """Return the work of the vehicle's earlier visits that the customer has not agreed to.

    It was declined, not offered or not answered: additional work, and the last estimate of ordered
    work of which nothing was wanted.
    """
    rows = await connection.fetch(_TO_REOFFER, store_id, *astuple(vehicle), before)
    return [_ESTIMATES.read(row) for row in rows]


async def operations_since(
    connection: Connection, store_id: str, vehicle: VehicleIdentity, since: datetime
) -> list[str]:
    """Return the operations ordered at the vehicle's visits after a time."""
    rows = await connection.fetch(_ORDERED_SINCE, store_id, *astuple(vehicle), since)
    return [row["op_code"] for row in rows]


async def add_link(connection: Connection, link: Link, token_hash: bytes) -> None:
    """Store a link by the hash of its token."""
    await connection.execute(_LINKS.insert, *_LINKS.values(link, token_hash=token_hash))


async def find_link(connection: Connection, store_id: str, token_hash: bytes) -> Link | None:
    """Return the link whose token has this hash."""
    row = await connection.fetchrow(
        _LINKS.select + "WHERE store_id = $1 AND token_hash = $2", store_id, token_hash
    )
    return _LINKS.read(row) if row else None


async def read_link(connection: Connection, store_id: str, link_id: str) -> Link:
    """Return a link.

    Raises:
        RuleViolation: the store has no such link.
    """
    row = await connection.fetchrow(
        _LINKS.select + "WHERE store_id = $1 AND link_id = $2", store_id, link_id
    )
    if row is None:
        raise unknown("link_id", link_id)
    return _LINKS.read(row)


async def links_of(connection: Connection, store_id: str, order_id: str) -> list[Link]:
    """Return the links to an order's estimates, the oldest first."""
    rows = await connection.fetch(
        _LINKS.select + "WHERE store_id = $1 AND order_id = $2 ORDER BY expires_at, link_id",
        store_id,
        order_id,
    )
    return [_LINKS.read(row) for row in rows]


async def link_uses(
    connection: Connection, store_id: str, link_ids: Sequence[str]
) -> dict[str, list[LinkUse]]:
    """Return the uses of links by link, the oldest first."""
    uses: dict[str, list[LinkUse]] = {link_id: [] for link_id in link_ids}
    for row in await connection.fetch(_USES, store_id, list(link_ids)):
        uses[row["link_id"]].append(_LINK_USES.read(row))
    return uses


async def add_link_use(
    connection: Connection, link: Link, use: LinkUse, network: str | None = None
) -> None:
    """Record a use of a link."""
    await connection.execute(
        _LINK_USES.insert,
        *_LINK_USES.values(use, store_id=link.store_id, link_id=link.link_id, network=network),
    )


async def record_opening(connection: Connection, link: Link, origin: Origin, now: datetime) -> None:
    """Record that a link was opened, once for each origin."""
    place = (origin.colleague, origin.staff_device, origin.device, origin.network)
    if await connection.fetchval(_OPENED_BEFORE, link.store_id, link.link_id, *place) is None:
        await add_link_use(connection, link, use_from(origin, "opened", now), origin.network)


async def link_sent_by(
    connection: Connection, store_id: str, link_id: str, message_id: str
) -> None:
    """Record the message by which a link was sent."""
    await connection.execute(
        "UPDATE authorization_link SET message_id = $3 WHERE store_id = $1 AND link_id = $2",
        store_id,
        link_id,
        message_id,
    )


async def use_link(connection: Connection, link: Link, at: datetime) -> bool:
    """Use the link up; return False when it was used before."""
    used = await connection.fetchval(
        "UPDATE authorization_link SET used_at = $3 "
        "WHERE store_id = $1 AND link_id = $2 AND used_at IS NULL RETURNING true",
        link.store_id,
        link.link_id,
        at,
    )
    return bool(used)
