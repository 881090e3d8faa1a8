"""Consents of customers by purpose (同意), as last said."""

from dataclasses import dataclass
from datetime import datetime

from shared.contracts.crm import ConsentChanged, ConsentPurpose

UNLESS_REFUSED: frozenset[ConsentPurpose] = frozenset({"service_calls", "surveys"})
"""Purposes that belong to the service itself: a customer who has said nothing consents."""


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
    """Announce a consent that differs from the ``earlier`` one, where one was said."""
    if said.is_given == is_given(earlier, said.purpose):
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


def is_given(said: Consent | None, purpose: ConsentPurpose) -> bool:
    """Return whether a customer consents; nothing said is none given, unless it is of the service.

    ``said`` is what they last said about the purpose.
    """
    return purpose in UNLESS_REFUSED if said is None else said.is_given
