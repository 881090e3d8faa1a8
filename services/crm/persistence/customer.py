"""The records of customers: who they are, and how they want to be told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.crm.domain import errors
from services.crm.domain.customer import Candidate, CustomerKind
from services.crm.domain.message import Channel, Declinable, Language
from shared.contracts.versioned import Versioned
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.table import Table

_LOCK_ALL = """
SELECT pg_advisory_xact_lock(hashtextextended(key, 0)) FROM unnest($1::text[]) AS key
"""

_CANDIDATES = """
WITH by_phone AS (
    SELECT DISTINCT read_as($1, customer_ref) AS customer_ref FROM contact_point
    WHERE store_id = $1 AND kind = 'phone' AND value_ref = $3 AND ended_at IS NULL
),
by_vehicle AS (
    SELECT read_as($1, customer_ref) AS customer_ref,
           array_agg(DISTINCT role ORDER BY role) AS roles
    FROM vehicle_person
    WHERE store_id = $1 AND vehicle_ref = $2 AND until IS NULL
    GROUP BY 1
)
SELECT customer_ref, coalesce(roles, '{}') AS roles,
       EXISTS (SELECT FROM customer AS named
               WHERE named.store_id = $1 AND named.name_ref = $4
                 AND named.customer_ref = ANY (references_of($1, customer.customer_ref)))
           AS same_name,
       by_phone.customer_ref IS NOT NULL AS same_phone
FROM customer
LEFT JOIN by_vehicle USING (customer_ref)
LEFT JOIN by_phone USING (customer_ref)
WHERE store_id = $1
  AND customer_ref IN (SELECT customer_ref FROM by_vehicle UNION SELECT customer_ref FROM by_phone)
ORDER BY registered_at, customer_ref
"""

_FIND = """
SELECT customer.customer_ref, customer.kind, customer.name, customer.version, customer.changed_by,
       customer.changed_at, customer.registered_at
FROM customer WHERE store_id = $1 AND customer_ref = read_as($1, $2) AND erased_at IS NULL
"""

_KEEP_VERSION = """
INSERT INTO customer_version (store_id, customer_ref, version, kind, name, changed_by, changed_at)
SELECT store_id, customer_ref, version, kind, name, changed_by, changed_at
FROM customer WHERE store_id = $1 AND customer_ref = $2
"""

_EARLIER = """
SELECT version, kind, name, changed_by, changed_at FROM customer_version
WHERE store_id = $1 AND customer_ref = $2 ORDER BY version DESC LIMIT 50
"""

_NAMES = """
SELECT asked.ref, customer_ref AS data_subject_id, name AS encrypted
FROM (SELECT ref, read_as($1, ref) AS read FROM unnest($2::text[]) AS ref) AS asked
JOIN customer ON store_id = $1 AND customer_ref = asked.read
"""


@dataclass(frozen=True)
class EncryptedCustomer(Versioned):
    """Who a customer is, as stored: the name is encrypted under ``customer_ref``."""

    customer_ref: str
    kind: CustomerKind
    name: bytes
    name_ref: str
    person_ref: str


@dataclass(frozen=True)
class EncryptedContact:
    """A customer's contact preferences as stored, with their own contact points."""

    customer_ref: str
    language: Language
    preferred_channel: Channel | None
    declined_channels: Sequence[Declinable]
    contact_version: int
    contact_changed_by: str | None
    contact_changed_at: datetime | None


CONTACTS = Table(
    "customer",
    EncryptedContact,
    key=("store_id", "customer_ref"),
    added=("store_id",),
    separate=(
        "kind",
        "name",
        "name_ref",
        "person_ref",
        "registered_at",
        "version",
        "changed_by",
        "changed_at",
        "erased_at",
    ),
)

_CUSTOMERS = Table(
    "customer",
    EncryptedCustomer,
    key=("store_id", "customer_ref"),
    fixed=("registered_at",),
    added=("store_id", "registered_at"),
    separate=["erased_at", *(name for name in CONTACTS.fields if name != "customer_ref")],
)

_OWN_POINT = """
LEFT JOIN LATERAL (
    SELECT point.customer_ref AS subject, value, set_by, set_at, at_registration,
           declined OR EXISTS (
               SELECT FROM contact_point AS same
               WHERE same.store_id = $1 AND same.kind = '{kind}' AND same.declined
                 AND same.value_ref = point.value_ref AND same.ended_at IS NULL
                 AND same.customer_ref = ANY (asked.merged)) AS declined
    FROM contact_point AS point
    WHERE point.store_id = $1 AND point.customer_ref = ANY (asked.read || asked.merged)
      AND kind = '{kind}' AND holder = 'own' AND ended_at IS NULL
    ORDER BY declined, point.customer_ref = asked.read DESC, set_at DESC, contact_point_id DESC
    LIMIT 1
) AS {kind} ON true
"""

_SELECT_CONTACTS = f"""
SELECT asked.ref, {CONTACTS.column_list}, kind, name, customer_ref AS name_subject,
       ARRAY(SELECT unnest(other.declined_channels)
             FROM present_alias AS alias
             JOIN customer AS other
                 ON other.store_id = $1 AND other.customer_ref = alias.alias_ref
             WHERE alias.store_id = $1 AND alias.customer_ref = asked.read
               AND (customer.contact_changed_at <= alias.merged_at) IS NOT FALSE)
           AS declined_by_merged,
       phone.subject AS phone_subject, email.subject AS email_subject,
       wecom.subject AS wecom_id_subject, phone.value AS phone, phone.declined AS phone_declined,
       phone.set_by AS phone_set_by, phone.set_at AS phone_set_at,
       phone.at_registration AS phone_at_registration,
       email.value AS email, email.declined AS email_declined,
       email.set_by AS email_set_by, email.set_at AS email_set_at,
       email.at_registration AS email_at_registration,
       wecom.value AS wecom_id, wecom.declined AS wecom_declined,
       wecom.set_by AS wecom_set_by, wecom.set_at AS wecom_set_at,
       wecom.at_registration AS wecom_at_registration
FROM (SELECT ref, read_as($1, ref) AS read,
             ARRAY(SELECT alias_ref FROM present_alias
                   WHERE store_id = $1 AND customer_ref = read_as($1, ref)) AS merged
      FROM unnest($2::text[]) AS ref) AS asked
JOIN customer ON store_id = $1 AND customer_ref = asked.read
{_OWN_POINT.format(kind="phone")}
{_OWN_POINT.format(kind="email")}
{_OWN_POINT.format(kind="wecom")}
"""


async def lock_registration(
    connection: Connection, store_id: str, *, vehicle: Sequence[str], customer: Sequence[str]
) -> None:
    """Lock the references of a vehicle in the group, and those of a customer in the store.

    No vehicle and no customer is entered twice at once.
    """
    keys = [f"vehicle/{each}" for each in vehicle]
    keys += [f"customer/{store_id}/{each}" for each in customer]
    await connection.execute(_LOCK_ALL, sorted(keys))


async def candidates(
    connection: Connection, store_id: str, vehicle_ref: str, phone_ref: str, name_ref: str
) -> list[Candidate]:
    """Return the people of a vehicle, and the customers with a telephone number."""
    rows = await connection.fetch(_CANDIDATES, store_id, vehicle_ref, phone_ref, name_ref)
    return [Candidate(**row) for row in rows]


async def save_customer(
    connection: Connection, store_id: str, customer: EncryptedCustomer, registered_at: datetime
) -> None:
    """Enter a customer, or store another version of who they are; the earlier one is kept."""
    await connection.execute(_KEEP_VERSION, store_id, customer.customer_ref)
    await connection.execute(
        _CUSTOMERS.upsert,
        *_CUSTOMERS.values(customer, store_id=store_id, registered_at=registered_at),
    )


async def save_person_ref(
    connection: Connection, store_id: str, customer_ref: str, person_ref: str
) -> None:
    """Store by which name and telephone number a customer is the same in other stores."""
    await connection.execute(
        "UPDATE customer SET person_ref = $3 WHERE store_id = $1 AND customer_ref = $2",
        store_id,
        customer_ref,
        person_ref,
    )


async def find_customer_row(connection: Connection, store_id: str, customer_ref: str) -> Any:
    """Return the row of the customer as whom they are read, still encrypted.

    Raises:
        RuleViolation: the store knows no such customer.
    """
    row = await connection.fetchrow(_FIND, store_id, customer_ref)
    if row is None:
        raise unknown("customer_ref", customer_ref)
    return row


async def earlier_versions(
    connection: Connection, store_id: str, customer_ref: str
) -> Sequence[Any]:
    """Return earlier versions of who a customer is, still encrypted, the latest first."""
    return await connection.fetch(_EARLIER, store_id, customer_ref)


async def lock_customer(connection: Connection, store_id: str, customer_ref: str) -> None:
    """Lock the customer against other changes until the transaction ends.

    Raises:
        RuleViolation: the store knows no such customer, or has merged them into another one.
    """
    read = await connection.fetchval(
        "SELECT read_as(store_id, customer_ref) FROM customer"
        " WHERE store_id = $1 AND customer_ref = $2 AND erased_at IS NULL FOR UPDATE",
        store_id,
        customer_ref,
    )
    if read is None:
        raise unknown("customer_ref", customer_ref)
    if read != customer_ref:
        raise errors.customer_merged(customer_ref, read)


async def require_customer(connection: Connection, store_id: str, customer_ref: str) -> str:
    """Return as whom a customer in the store's customer records is read.

    Raises:
        RuleViolation: the store knows no such customer.
    """
    row = await find_customer_row(connection, store_id, customer_ref)
    read: str = row["customer_ref"]
    return read


async def encrypted_names(
    connection: Connection, store_id: str, customer_refs: Sequence[str]
) -> Mapping[str, tuple[str, bytes]]:
    """Return the data subject and encrypted name of each known customer, by reference."""
    rows = await connection.fetch(_NAMES, store_id, list(customer_refs))
    return {row["ref"]: (row["data_subject_id"], row["encrypted"]) for row in rows}


async def encrypted_contacts(
    connection: Connection, store_id: str, customer_refs: Sequence[str]
) -> Sequence[Any]:
    """Return name, addresses and preferences of each known customer, still encrypted.

    ``ref`` is the reference that was asked for. What merged records decline counts until the
    customer says something else.
    """
    return await connection.fetch(_SELECT_CONTACTS, store_id, list(customer_refs))


async def save_contact(connection: Connection, store_id: str, contact: EncryptedContact) -> None:
    """Replace a customer's contact preferences."""
    await connection.execute(CONTACTS.update, *CONTACTS.values(contact, store_id=store_id))
