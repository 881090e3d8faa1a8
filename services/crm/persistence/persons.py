"""Customers as messages need them: name, language, addresses and what they do not want."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from services.crm import persistence
from services.crm.domain.message import Channel, Contact, ContactPoint, Declinable, Language
from shared.contracts.versioned import Versioned, loaded
from shared.db import Connection
from shared.formats import is_mobile
from shared.personal_data import PersonalData

POINTS = TypeAdapter(dict[Channel, ContactPoint])
"""Contact points as they are stored."""

_SECRETS = ("name", "phone", "email", "wecom_id")


@dataclass(frozen=True)
class Person(Versioned):
    """One customer, decrypted; only ever in memory. The version is that of how they want to be
    told."""

    customer_ref: str
    name: str = field(repr=False)
    phone: str = field(repr=False)
    email: str | None = field(repr=False)
    wecom_id: str | None = field(repr=False)
    language: Language
    preferred_channel: Channel | None
    declined_channels: tuple[Declinable, ...]
    points: Mapping[Channel, ContactPoint]

    @property
    def contact(self) -> Contact:
        """By which channels they can be told."""
        addresses: dict[Channel, str | None] = {
            "wecom": self.wecom_id,
            "sms": self.phone if is_mobile(self.phone) else None,
            "email": self.email,
        }
        return Contact(
            {channel: address for channel, address in addresses.items() if address},
            self.preferred_channel,
            self.declined_channels,
            self.points,
        )


async def find_persons(
    connection: Connection, personal: PersonalData, store_id: str, customer_refs: Sequence[str]
) -> Mapping[str, Person]:
    """Customers by reference; unknown and erased ones are absent."""
    rows = await persistence.encrypted_contacts(connection, store_id, customer_refs)
    encrypted = [
        (row["customer_ref"], name, row[name])
        for row in rows
        for name in _SECRETS
        if row[name] is not None
    ]
    texts = await personal.decrypt_all(
        connection, store_id, [(subject, content) for subject, _, content in encrypted]
    )
    known: dict[str, dict[str, str]] = {}
    for (subject, name, _), text in zip(encrypted, texts, strict=True):
        if text is not None:
            known.setdefault(subject, {})[name] = text
    return {
        row["customer_ref"]: _person(row, known[row["customer_ref"]])
        for row in rows
        if row["customer_ref"] in known
    }


def _person(row: Any, texts: Mapping[str, str]) -> Person:
    person = Person(
        version=row["version"],
        changed_by=row["changed_by"],
        changed_at=row["changed_at"],
        customer_ref=row["customer_ref"],
        name=texts["name"],
        phone=texts["phone"],
        email=texts.get("email"),
        wecom_id=texts.get("wecom_id"),
        language=row["language"],
        preferred_channel=row["preferred_channel"],
        declined_channels=tuple(row["declined_channels"]),
        points=POINTS.validate_python(row["contact_points"]),
    )
    return loaded(person)
