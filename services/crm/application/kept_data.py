"""All that is kept about a person (个人信息查阅), to be shown to them or handed over."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel

from services.crm import persistence
from services.crm.application.consents import ConsentView, list_consents
from services.crm.application.contact_reads import note_reads
from services.crm.application.contacts import ContactView, get_contact_preferences
from services.crm.application.customers import CustomerDetail, get_customer
from services.crm.application.deps import Deps
from services.crm.clients.kept_elsewhere import Service
from services.crm.domain.kept_data import DataClass, kept_until
from shared.kept_data import KeptEntries
from shared.security import Principal

_MOST_TEXTS = 2000
_MOST_READS = 500
_MOST_ORDERS = 200


class KeptClassView(BaseModel):
    """Entries of one class, from ``since`` to ``latest``.

    ``kept_until`` is the end of a legal term; without one they are kept until they are erased.
    """

    data_class: DataClass
    entries: int
    since: datetime | None
    latest: datetime | None
    kept_until: datetime | None


class KeptTextView(BaseModel):
    """What was written down about the person at ``at``."""

    data_class: DataClass
    entry_id: str
    at: datetime | None
    text: str | None


class ContactReadView(BaseModel):
    """Who has read the person's contact, within the hour that began at ``read_at``."""

    read_at: datetime
    read_by: str
    operation: str


class KeptElsewhereView(BaseModel):
    """What another service keeps about the person; not known while it ``is_available`` not."""

    service: Service
    is_available: bool
    entries: Sequence[KeptEntries]


class KeptData(BaseModel):
    """All that is kept about a person, in every service, and who has read their contact."""

    customer: CustomerDetail
    preferences: ContactView
    consents: Sequence[ConsentView]
    classes: Sequence[KeptClassView]
    texts: Sequence[KeptTextView]
    reads: Sequence[ContactReadView]
    elsewhere: Sequence[KeptElsewhereView]


async def get_kept_data(
    store_id: str, customer_ref: str, principal: Principal, deps: Deps
) -> KeptData:
    """Return all that is kept about a customer; the read itself is recorded.

    Raises:
        RuleViolation: the store knows no such customer.
    """
    customer = await get_customer(store_id, customer_ref, principal, deps)
    customer_ref = customer.customer_ref
    preferences = await get_contact_preferences(store_id, customer_ref, principal, deps)
    consents = await list_consents(store_id, customer_ref, deps)
    async with deps.uow_factory.read(store_id) as connection:
        await note_reads(connection, store_id, [customer_ref], principal, "get_kept_data", deps)
        classes = await persistence.kept_classes(connection, store_id, customer_ref)
        kept = await persistence.kept_texts(connection, store_id, customer_ref, _MOST_TEXTS)
        texts = await deps.personal.decrypt_all(
            connection, store_id, [(each.customer_ref, each.encrypted) for each in kept]
        )
        reads = await persistence.latest_contact_reads(
            connection, store_id, customer_ref, _MOST_READS
        )
        refs = await persistence.references_of(connection, store_id, customer_ref)
        orders = await persistence.orders_of_customer(
            connection, store_id, customer_ref, _MOST_ORDERS
        )
    elsewhere = await deps.elsewhere.ask(principal.token, store_id, refs, orders)
    return KeptData(
        customer=customer,
        preferences=preferences,
        consents=consents,
        classes=[
            KeptClassView(
                **vars(each),
                kept_until=kept_until(each.data_class, each.latest) if each.latest else None,
            )
            for each in classes
        ],
        texts=[
            KeptTextView(data_class=each.data_class, entry_id=each.entry_id, at=each.at, text=text)
            for each, text in zip(kept, texts, strict=True)
        ],
        reads=[ContactReadView(**vars(each)) for each in reads],
        elsewhere=[
            KeptElsewhereView(
                service=service, is_available=entries is not None, entries=entries or ()
            )
            for service, entries in elsewhere.items()
        ],
    )
