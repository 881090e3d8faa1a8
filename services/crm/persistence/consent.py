"""Consents of customers."""

from collections.abc import Collection
from dataclasses import replace

from services.crm.domain.consent import Consent
from shared.contracts.crm import ConsentPurpose
from shared.db import Connection
from shared.table import Table

_CONSENTS = Table("consent", Consent, key=("store_id", "customer_ref", "purpose"))

_SAID_LAST = (
    _CONSENTS.select
    + """
WHERE store_id = $1 AND customer_ref = ANY (references_of($1, $2)) AND purpose = $3
ORDER BY coalesce(customer_ref = $2 AND changed_at > (
             SELECT max(merged_at) FROM present_alias WHERE store_id = $1 AND customer_ref = $2),
             false) DESC,
         is_given, changed_at DESC
LIMIT 1
"""
)

_SAID = """
SELECT ref FROM unnest($2::text[]) AS ref WHERE said_consent($1, ref, $3) = $4
"""


async def find_consent(
    connection: Connection, store_id: str, customer_ref: str, purpose: ConsentPurpose
) -> Consent | None:
    """Return what the customer last said about a purpose.

    What merged records have refused counts until the customer says something else.
    """
    row = await connection.fetchrow(_SAID_LAST, store_id, customer_ref, purpose)
    return replace(_CONSENTS.read(row), customer_ref=customer_ref) if row else None


async def customers_who_said(
    connection: Connection,
    store_id: str,
    customer_refs: Collection[str],
    purpose: ConsentPurpose,
    *,
    is_given: bool,
) -> Collection[str]:
    """Return those of the customers who have given their consent, or have refused it."""
    rows = await connection.fetch(_SAID, store_id, list(customer_refs), purpose, is_given)
    return {row["ref"] for row in rows}


async def save_consent(connection: Connection, consent: Consent) -> None:
    """Store what a customer has said in the place of what they said before."""
    await connection.execute(_CONSENTS.upsert, *_CONSENTS.values(consent))
