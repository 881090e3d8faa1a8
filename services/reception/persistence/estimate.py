"""Versions of the estimate, and the links by which customers decide on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from services.reception.domain.authorization import EstimateVersion
from services.reception.domain.link import LinkConsent, LinkUse, Origin, use_from
from services.reception.domain.vehicle import VehicleIdentity
from shared.contracts.reception import EstimateLine, LaborOperation
from shared.contracts.violations import unknown
from shared.db import Connection

_CONSENT = TypeAdapter(LinkConsent)

_VERSION = """
SELECT store_id, order_id, version, additional_work_id, labor_operations, lines, status,
       presented_by, presented_at, channel, recorded_by, decided_at, link_consent
FROM estimate
"""

_SAVE_VERSIONS = """
INSERT INTO estimate (store_id, order_id, version, additional_work_id, labor_operations, lines,
                      status, presented_by, presented_at, channel, recorded_by, decided_at,
                      link_consent)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (store_id, order_id, version) DO UPDATE SET
    status = excluded.status, channel = excluded.channel, recorded_by = excluded.recorded_by,
    decided_at = excluded.decided_at, link_consent = excluded.link_consent
"""

_NOT_WANTED = """
SELECT found.store_id, found.order_id, found.version, found.additional_work_id,
       found.labor_operations, found.lines, found.status, found.presented_by, found.presented_at,
       found.channel, found.recorded_by, found.decided_at, found.link_consent
FROM estimate AS found JOIN repair_order AS visit USING (store_id, order_id)
WHERE found.store_id = $1 AND is_vehicle(visit.plate_ref, visit.vehicle_ref, $2, $3)
  AND visit.arrived_at < $4
  AND (found.additional_work_id IS NOT NULL OR NOT EXISTS (
        SELECT FROM estimate AS other
        WHERE other.store_id = found.store_id AND other.order_id = found.order_id
          AND other.additional_work_id IS NULL
          AND (other.status = 'authorized' OR other.version > found.version)))
  AND (found.status = 'declined'
       OR found.status = 'awaiting' AND visit.status IN ('delivered', 'closed', 'cancelled'))
ORDER BY found.presented_at DESC LIMIT 50
"""

_ORDERED_SINCE = """
SELECT ordered.operation ->> 'op_code' AS op_code
FROM repair_order AS visit, jsonb_array_elements(visit.labor_operations) AS ordered (operation)
WHERE visit.store_id = $1 AND is_vehicle(visit.plate_ref, visit.vehicle_ref, $2, $3)
  AND visit.arrived_at > $4
  AND visit.status <> 'cancelled'
"""

_ADD_LINK = """
INSERT INTO authorization_link
    (store_id, link_id, order_id, version, token_hash, expires_at, promised_at, made_by, made_at,
     sent)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
"""

_LINK = """
SELECT store_id, link_id, order_id, version, expires_at, used_at, promised_at, made_by, made_at,
       sent, message_id
FROM authorization_link WHERE store_id = $1
"""

_USES = """
SELECT link_id, use, at, colleague, staff_device, device, own_network
FROM link_use WHERE store_id = $1 AND link_id = ANY ($2) ORDER BY entry
"""

_ADD_USE = """
INSERT INTO link_use (store_id, link_id, use, at, colleague, staff_device, device, own_network,
                      network)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""

_OPENED_BEFORE = """
SELECT true FROM link_use
WHERE store_id = $1 AND link_id = $2 AND use = 'opened'
  AND (colleague, staff_device, device, network)
      IS NOT DISTINCT FROM ($3::text, $4::text, $5::text, $6::text)
LIMIT 1
"""


@dataclass(frozen=True)
class Link:
    """One-time link to one version of one order's estimate, with its promise.

    It was ``sent`` to the customer, by a message of customer relations, or is shown to them.
    """

    store_id: str
    link_id: str
    order_id: str
    version: int
    expires_at: datetime
    used_at: datetime | None = None
    promised_at: datetime | None = None
    made_by: str | None = None
    made_at: datetime | None = None
    sent: bool = False
    message_id: str | None = None


async def estimate_versions(
    connection: Connection, store_id: str, order_id: str
) -> list[EstimateVersion]:
    """Return every version of the order's estimate, the oldest first."""
    rows = await connection.fetch(
        _VERSION + "WHERE store_id = $1 AND order_id = $2 ORDER BY version", store_id, order_id
    )
    return [_version(row) for row in rows]


async def save_estimates(connection: Connection, versions: Sequence[EstimateVersion]) -> None:
    """Add new versions and store the status of others."""
    rows = [
        (
            version.store_id,
            version.order_id,
            version.version,
            version.additional_work_id,
            [operation.model_dump(mode="json") for operation in version.labor_operations],
            [line.model_dump(mode="json") for line in version.lines],
            version.status,
            version.presented_by,
            version.presented_at,
            version.channel,
            version.recorded_by,
            version.decided_at,
            _CONSENT.dump_python(version.link_consent, mode="json")
            if version.link_consent
            else None,
        )
        for version in versions
    ]
    await connection.executemany(_SAVE_VERSIONS, rows)


async def declined_services(
    connection: Connection, store_id: str, vehicle: VehicleIdentity, before: datetime
) -> list[EstimateVersion]:
    """Return the services that were not authorized at the vehicle's earlier visits.

    They are additional work, and the last estimate of ordered work of which nothing was wanted.
    """
    rows = await connection.fetch(
        _NOT_WANTED, store_id, vehicle.plate_ref, vehicle.vehicle_ref, before
    )
    return [_version(row) for row in rows]


async def operations_since(
    connection: Connection, store_id: str, vehicle: VehicleIdentity, since: datetime
) -> list[str]:
    """Return the operations ordered at the vehicle's visits after a time."""
    rows = await connection.fetch(
        _ORDERED_SINCE, store_id, vehicle.plate_ref, vehicle.vehicle_ref, since
    )
    return [row["op_code"] for row in rows]


async def add_link(connection: Connection, link: Link, token_hash: bytes) -> None:
    """Store a link by the hash of its token."""
    await connection.execute(
        _ADD_LINK,
        link.store_id,
        link.link_id,
        link.order_id,
        link.version,
        token_hash,
        link.expires_at,
        link.promised_at,
        link.made_by,
        link.made_at,
        link.sent,
    )


async def find_link(connection: Connection, store_id: str, token_hash: bytes) -> Link | None:
    """Return the link whose token has this hash."""
    row = await connection.fetchrow(_LINK + "AND token_hash = $2", store_id, token_hash)
    return Link(**row) if row else None


async def read_link(connection: Connection, store_id: str, link_id: str) -> Link:
    """Return a link.

    Raises:
        RuleViolation: the store has no such link.
    """
    row = await connection.fetchrow(_LINK + "AND link_id = $2", store_id, link_id)
    if row is None:
        raise unknown("link_id", link_id)
    return Link(**row)


async def links_of(connection: Connection, store_id: str, order_id: str) -> list[Link]:
    """Return the links to an order's estimates, the oldest first."""
    rows = await connection.fetch(
        _LINK + "AND order_id = $2 ORDER BY expires_at, link_id", store_id, order_id
    )
    return [Link(**row) for row in rows]


async def link_uses(
    connection: Connection, store_id: str, link_ids: Sequence[str]
) -> dict[str, list[LinkUse]]:
    """Return the uses of links by link, the oldest first."""
    uses: dict[str, list[LinkUse]] = {link_id: [] for link_id in link_ids}
    for row in await connection.fetch(_USES, store_id, list(link_ids)):
        values = dict(row)
        uses[values.pop("link_id")].append(LinkUse(**values))
    return uses


async def add_link_use(
    connection: Connection, link: Link, use: LinkUse, network: str | None = None
) -> None:
    """Record a use of a link."""
    await connection.execute(
        _ADD_USE,
        link.store_id,
        link.link_id,
        use.use,
        use.at,
        use.colleague,
        use.staff_device,
        use.device,
        use.own_network,
        network,
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


def _version(row: Any) -> EstimateVersion:
    values = dict(row) | {
        "labor_operations": tuple(map(LaborOperation.model_validate, row["labor_operations"])),
        "lines": tuple(map(EstimateLine.model_validate, row["lines"])),
        "link_consent": _consent(row["link_consent"]),
    }
    return EstimateVersion(**values)


def _consent(stored: Any) -> LinkConsent | None:
    return None if stored is None else _CONSENT.validate_python(stored)
