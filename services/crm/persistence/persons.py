"""Customers as messages need them: name, language, addresses and declined channels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.crm import persistence
from services.crm.domain.message import AddressChange, Channel, Contact, Declinable, Language
from services.crm.persistence.customer import CONTACTS, EncryptedContact
from shared.contracts.versioned import Versioned, loaded
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.formats import is_mobile
from shared.personal_data import PersonalData

_SECRETS = ("name", "phone", "email", "wecom_id")


@dataclass(frozen=True)
class Person(Versioned):
    """One customer, decrypted; only ever in memory.

    The version is that of the contact preferences.
    """

    customer_ref: str
    name: str = field(repr=False)
    phone: str = field(repr=False)
    email: str | None = field(repr=False)
    wecom_id: str | None = field(repr=False)
    language: Language
    preferred_channel: Channel | None
    declined_channels: tuple[Declinable, ...]
    address_changes: Mapping[Channel, AddressChange]

    @property
    def contact(self) -> Contact:
        """The channels and addresses of the customer."""
        addresses: dict[Channel, str | None] = {
            "wecom": self.wecom_id,
            "sms": self.phone if is_mobile(self.phone) else None,
            "email": self.email,
        }
        return Contact(
            {channel: address for channel, address in addresses.items() if address},
            self.preferred_channel,
            self.declined_channels,
            self.address_changes,
        )


async def find_persons(
    connection: Connection, personal: PersonalData, store_id: str, customer_refs: Sequence[str]
) -> Mapping[str, Person]:
    """Return customers by reference; unknown and erased ones are absent."""
    rows = await persistence.encrypted_contacts(connection, store_id, customer_refs)
    encrypted = [
        (row["customer_ref"], name, row[name])
        for row in rows
        for name in _SECRETS
        if row[name] is not None
    ]
    texts = await personal.decrypt_all(
        connection,
        store_id,
        [(data_subject_id, content) for data_subject_id, _, content in encrypted],
    )
    known: dict[str, dict[str, str]] = {}
    for (data_subject_id, name, _), text in zip(encrypted, texts, strict=True):
        if text is not None:
            known.setdefault(data_subject_id, {})[name] = text
    return {
        row["customer_ref"]: _person(row, known[row["customer_ref"]])
        for row in rows
        if row["customer_ref"] in known
    }


async def find_person(
    connection: Connection, personal: PersonalData, store_id: str, customer_ref: str
) -> Person:
    """Return the customer.

    Raises:
        RuleViolation: the store knows no such customer, or has erased them.
    """
    persons = await find_persons(connection, personal, store_id, [customer_ref])
    if customer_ref not in persons:
        raise unknown("customer_ref", customer_ref)
    return persons[customer_ref]


async def save_contacts(
    connection: Connection, personal: PersonalData, store_id: str, persons: Sequence[Person]
) -> None:
    """Store the contact preferences, with encrypted addresses."""
    for each in persons:
        contact = EncryptedContact(
            customer_ref=each.customer_ref,
            email=await personal.encrypt(connection, store_id, each.customer_ref, each.email),
            wecom_id=await personal.encrypt(connection, store_id, each.customer_ref, each.wecom_id),
            language=each.language,
            preferred_channel=each.preferred_channel,
            declined_channels=each.declined_channels,
            contact_version=each.version,
            contact_changed_by=each.changed_by,
            contact_changed_at=each.changed_at,
            address_changes=each.address_changes,
        )
        await persistence.save_contact(connection, store_id, contact)


def _person(row: Any, texts: Mapping[str, str]) -> Person:
    contact = CONTACTS.read(row)
    person = Person(
        version=contact.contact_version,
        changed_by=contact.contact_changed_by,
        changed_at=contact.contact_changed_at,
        customer_ref=contact.customer_ref,
        name=texts["name"],
        phone=texts["phone"],
        email=texts.get("email"),
        wecom_id=texts.get("wecom_id"),
        language=contact.language,
        preferred_channel=contact.preferred_channel,
        declined_channels=tuple(contact.declined_channels),
        address_changes=contact.address_changes,
    )
    return loaded(person)
