"""Insurance policies and quotes."""

from collections.abc import Sequence
from datetime import date

from services.crm.domain.insurance import Policy, Quote
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table

POLICIES = Table(
    "insurance_policy", Policy, key=("store_id", "policy_id"), separate=("policy_number", "contact")
)

_QUOTES = Table("insurance_quote", Quote, key=("store_id", "quote_id"))

_OPEN = (
    POLICIES.select
    + """
WHERE store_id = $1 AND result IS NULL AND ends_on <= $2
  AND (ends_on, policy_id) > ($3, $4)
ORDER BY ends_on, policy_id
LIMIT $5
"""
)

_CLOSED = (
    POLICIES.select
    + """
WHERE store_id = $1 AND result IS NOT NULL AND ends_on >= $2
  AND (ends_on, policy_id) > ($3, $4)
ORDER BY ends_on, policy_id
LIMIT $5
"""
)

_TO_REMIND = (
    POLICIES.select
    + """
WHERE store_id = $1 AND remind_on <= $2
ORDER BY remind_on, policy_id
LIMIT $3
FOR UPDATE
"""
)


async def vehicles_of_store(
    connection: Connection, store_id: str, vehicle_refs: Sequence[str]
) -> set[str]:
    """Return those of the vehicles that are in the store's customer records."""
    rows = await connection.fetch(
        "SELECT vehicle_ref FROM vehicle WHERE store_id = $1 AND vehicle_ref = ANY ($2)",
        store_id,
        vehicle_refs,
    )
    return {row["vehicle_ref"] for row in rows}


async def save_policy(connection: Connection, policy: Policy) -> None:
    """Store every field of a policy but its number."""
    await connection.execute(POLICIES.upsert, *POLICIES.values(policy))


async def save_policies(connection: Connection, policies: Sequence[Policy]) -> None:
    """Store every field of several policies but their numbers."""
    await connection.executemany(POLICIES.update, [POLICIES.values(each) for each in policies])


async def save_policy_number(
    connection: Connection, store_id: str, policy_id: str, number: bytes | None
) -> None:
    """Store the number of a policy, encrypted."""
    await connection.execute(
        "UPDATE insurance_policy SET policy_number = $3 WHERE store_id = $1 AND policy_id = $2",
        store_id,
        policy_id,
        number,
    )


async def save_contact_of_policy(
    connection: Connection, store_id: str, policy_id: str, contact: bytes | None
) -> None:
    """Store name and telephone of the customer of a policy that was taken over, encrypted."""
    await connection.execute(
        "UPDATE insurance_policy SET contact = $3 WHERE store_id = $1 AND policy_id = $2",
        store_id,
        policy_id,
        contact,
    )


async def encrypted_texts_of_policy(
    connection: Connection, store_id: str, policy_id: str
) -> tuple[bytes | None, bytes | None]:
    """Return number and contact of a policy, still encrypted."""
    row = await connection.fetchrow(
        "SELECT policy_number, contact FROM insurance_policy"
        " WHERE store_id = $1 AND policy_id = $2",
        store_id,
        policy_id,
    )
    return (row["policy_number"], row["contact"]) if row else (None, None)


async def find_policy(connection: Connection, store_id: str, policy_id: str) -> Policy:
    """Return a policy.

    Raises:
        RuleViolation: the store has no such policy.
    """
    return await _policy(connection, store_id, policy_id, "")


async def lock_policy(connection: Connection, store_id: str, policy_id: str) -> Policy:
    """Return a policy, locked until the transaction ends.

    Raises:
        RuleViolation: the store has no such policy.
    """
    return await _policy(connection, store_id, policy_id, "FOR UPDATE")


async def policies_of_vehicle(
    connection: Connection, store_id: str, vehicle_ref: str
) -> list[Policy]:
    """Return the policies of a vehicle, the latest first."""
    rows = await connection.fetch(
        POLICIES.select
        + "WHERE store_id = $1 AND vehicle_ref = $2 ORDER BY ends_on DESC, policy_id",
        store_id,
        vehicle_ref,
    )
    return [POLICIES.read(row) for row in rows]


async def list_open_policies(
    connection: Connection,
    store_id: str,
    end_by: date,
    after: tuple[date, str],
    limit: int,
) -> list[Policy]:
    """Return policies that end by a day and have no result, by their end, ``after`` a place."""
    rows = await connection.fetch(_OPEN, store_id, end_by, *after, limit)
    return [POLICIES.read(row) for row in rows]


async def list_closed_policies(
    connection: Connection, store_id: str, end_from: date, after: tuple[date, str], limit: int
) -> list[Policy]:
    """Return policies that end from a day on and have a result, by their end, ``after`` a place."""
    rows = await connection.fetch(_CLOSED, store_id, end_from, *after, limit)
    return [POLICIES.read(row) for row in rows]


async def lock_policies_to_remind(
    connection: Connection, store_id: str, today: date, limit: int
) -> list[Policy]:
    """Return the policies whose renewal is to be raised or closed, locked."""
    rows = await connection.fetch(_TO_REMIND, store_id, today, limit)
    return [POLICIES.read(row) for row in rows]


async def save_quote(connection: Connection, quote: Quote) -> None:
    """Store every field of a quote."""
    await connection.execute(_QUOTES.insert, *_QUOTES.values(quote))


async def find_quote(connection: Connection, store_id: str, policy_id: str, quote_id: str) -> Quote:
    """Return a quote for the renewal of a policy.

    Raises:
        RuleViolation: there is no such quote for it.
    """
    row = await connection.fetchrow(
        _QUOTES.select + "WHERE store_id = $1 AND policy_id = $2 AND quote_id = $3",
        store_id,
        policy_id,
        quote_id,
    )
    if row is None:
        raise unknown("quote_id", quote_id)
    return _QUOTES.read(row)


async def list_quotes(connection: Connection, store_id: str, policy_id: str) -> list[Quote]:
    """Return the quotes for the renewal of a policy, the lowest premium first."""
    rows = await connection.fetch(
        _QUOTES.select + "WHERE store_id = $1 AND policy_id = $2 ORDER BY premium_cents, quote_id",
        store_id,
        policy_id,
    )
    return [_QUOTES.read(row) for row in rows]


async def _policy(connection: Connection, store_id: str, policy_id: str, lock: str) -> Policy:
    row = await connection.fetchrow(
        f"{POLICIES.select}WHERE store_id = $1 AND policy_id = $2 {lock}", store_id, policy_id
    )
    if row is None:
        raise unknown("policy_id", policy_id)
    return POLICIES.read(row)
