"""Customers as messages need them: name, language, addresses and declined channels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.crm import persistence
from services.crm.domain.customer import ContactKind, CustomerKind
from services.crm.domain.message import AddressChange, Channel, Contact, Declinable, Language
from services.crm.domain.search_term import terms_of_phone
from services.crm.persistence.contact_point import EncryptedContactPoint
from services.crm.persistence.customer import CONTACTS, EncryptedContact
from services.crm.persistence.search_token import end_findability, make_findable
from shared.contracts.versioned import Versioned, loaded
from shared.contracts.violations import unknown
from shared.db import Connection
from shared.formats import is_mobile
from shared.ids import new_id
from shared.personal_data import PersonalData

_SECRETS = ("name", "phone", "email", "wecom_id")
_KINDS: Mapping[ContactKind, tuple[Channel, str]] = {
    "phone": ("sms", "phone"),
    "email": ("email", "email"),
    "wecom": ("wecom", "wecom_id"),
}
"""Channel of messages to a kind of contact points, and the field with the address."""


@dataclass(frozen=True)
class Person(Versioned):
    """One customer, decrypted; only ever in memory.

    The version is that of the contact preferences. ``phone``, ``email`` and ``wecom_id`` are the
    customer's own, the latest of each; ``declined_points`` are those of them that the customer
    wants not to be used.
    """

    customer_ref: str
    kind: CustomerKind
    name: str = field(repr=False)
    phone: str = field(repr=False)
    email: str | None = field(repr=False)
    wecom_id: str | None = field(repr=False)
    language: Language
    preferred_channel: Channel | None
    declined_channels: tuple[Declinable, ...]
    address_changes: Mapping[Channel, AddressChange]
    declined_points: frozenset[ContactKind]

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
            self._declined,
            self.address_changes,
        )

    @property
    def _declined(self) -> frozenset[Declinable]:
        declined: set[Declinable] = {*self.declined_channels}
        declined.update(_KINDS[kind][0] for kind in self.declined_points)
        if "phone" in self.declined_points:
            declined.add("phone")
        return frozenset(declined)


async def find_persons(
    connection: Connection, personal: PersonalData, store_id: str, customer_refs: Sequence[str]
) -> Mapping[str, Person]:
    """Return customers by reference; unknown and erased ones are absent.

    A merged customer is the one as whom they are read.
    """
    rows = await persistence.encrypted_contacts(connection, store_id, customer_refs)
    encrypted = [
        (row["ref"], name, row[f"{name}_subject"], row[name])
        for row in rows
        for name in _SECRETS
        if row[name] is not None
    ]
    texts = await personal.decrypt_all(
        connection,
        store_id,
        [(data_subject_id, content) for *_, data_subject_id, content in encrypted],
    )
    known: dict[str, dict[str, str]] = {}
    for (ref, name, *_), text in zip(encrypted, texts, strict=True):
        if text is not None:
            known.setdefault(ref, {})[name] = text
    return {
        row["ref"]: _person(row, known[row["ref"]])
        for row in rows
        if "name" in known.get(row["ref"], ())
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


async def save_preferences(
    connection: Connection, personal: PersonalData, store_id: str, before: Person, after: Person
) -> None:
    """Store the contact preferences; another e-mail address or WeCom id replaces the earlier."""
    contact = EncryptedContact(
        customer_ref=after.customer_ref,
        language=after.language,
        preferred_channel=after.preferred_channel,
        declined_channels=after.declined_channels,
        contact_version=after.version,
        contact_changed_by=after.changed_by,
        contact_changed_at=after.changed_at,
    )
    await persistence.save_contact(connection, store_id, contact)
    for kind in ("email", "wecom"):
        _, name = _KINDS[kind]
        value, by, at = getattr(after, name), after.changed_by or "", after.changed_at
        if at is not None and value != getattr(before, name):
            await set_own_contact_point(
                connection, personal, store_id, after.customer_ref, kind, value, by, at
            )


async def set_own_contact_point(
    connection: Connection,
    personal: PersonalData,
    store_id: str,
    customer_ref: str,
    kind: ContactKind,
    value: str | None,
    by: str,
    at: datetime,
    *,
    at_registration: bool = False,
) -> None:
    """Replace the customer's own contact points of a kind by one, or end them."""
    ended = await persistence.end_own_contact_points(
        connection, store_id, customer_ref, kind, by, at
    )
    await end_findability(connection, store_id, "phone", ended)
    if value is None:
        return
    point = EncryptedContactPoint(
        contact_point_id=str(new_id()),
        customer_ref=customer_ref,
        kind=kind,
        holder="own",
        value=await personal.encrypt(connection, store_id, customer_ref, value),
        value_ref=personal.reference(kind, value),
        set_by=by,
        set_at=at,
        at_registration=at_registration,
    )
    await persistence.save_contact_points(connection, store_id, [point])
    if kind == "phone":
        terms, point_id = terms_of_phone(value), point.contact_point_id
        await make_findable(connection, personal, store_id, "phone", point_id, terms)


def _person(row: Any, texts: Mapping[str, str]) -> Person:
    contact = CONTACTS.read(row)
    person = Person(
        version=contact.contact_version,
        changed_by=contact.contact_changed_by,
        changed_at=contact.contact_changed_at,
        customer_ref=contact.customer_ref,
        kind=row["kind"],
        name=texts["name"],
        phone=texts.get("phone", ""),
        email=texts.get("email"),
        wecom_id=texts.get("wecom_id"),
        language=contact.language,
        preferred_channel=contact.preferred_channel,
        declined_channels=tuple(
            dict.fromkeys([*contact.declined_channels, *row["declined_by_merged"]])
        ),
        address_changes={
            channel: AddressChange(row[f"{kind}_set_by"], row[f"{kind}_set_at"])
            for kind, (channel, _) in _KINDS.items()
            if row[f"{kind}_at_registration"] is False
        },
        declined_points=frozenset(kind for kind in _KINDS if row[f"{kind}_declined"]),
    )
    return loaded(person)
