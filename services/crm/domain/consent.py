"""Consents of customers by purpose (同意), as last said."""

from dataclasses import dataclass
from datetime import datetime

from shared.contracts.crm import ConsentChanged, ConsentPurpose


@dataclass(frozen=True)
class Consent:
    """Consent of a customer to one purpose, as last said."""

    store_id: str
    customer_ref: str
    purpose: ConsentPurpose
    is_given: bool
    changed_by: str
    changed_at: datetime


def change_consent(earlier: Consent | None, said: Consent) -> list[ConsentChanged]:
    """Announce a consent that differs from the ``earlier`` one; nothing said is none given."""
    if said.is_given == (earlier is not None and earlier.is_given):
        return []
    return [
        ConsentChanged(
            store_id=said.store_id,
            customer_ref=said.customer_ref,
            purpose=said.purpose,
            is_given=said.is_given,
            changed_by=said.changed_by,
            changed_at=said.changed_at,
        )
    ]
