"""How a customer wants to be told: language, addresses, channels (联系方式)."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from services.crm import persistence
from services.crm.domain import message as messages
from services.crm.domain.message import Channel, Declinable, Language
from services.crm.entrypoints.http.access import (
    FrontOfficeCommand,
    Reader,
    personal_of,
    pool_of,
    store_router,
)
from services.crm.persistence import EncryptedContact
from services.crm.persistence.persons import POINTS, Person, find_persons
from shared.contracts.versioned import require_version
from shared.contracts.violations import unknown
from shared.db import Connection, transaction
from shared.duties import serves
from shared.formats import Email
from shared.personal_data import PersonalData
from shared.request_model import Seen, Version
from shared.unit_of_work import UnitOfWork

router = store_router()


class ContactPreferences(Seen):
    """Replaces what was known before. ``declined_channels``: the customer wants nothing by these
    (退订)."""

    language: Language = "zh"
    email: Annotated[Email | None, Field(description="电子邮箱")] = None
    wecom_id: Annotated[
        str | None,
        Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="企业微信外部联系人, external_userid"),
    ] = None
    preferred_channel: Channel | None = None
    declined_channels: Annotated[list[Declinable], Field(max_length=4)] = []


class Preferences(BaseModel):
    """``reachable_by``: channels for which there is an address, whether declined or not."""

    customer_ref: str
    language: Language
    preferred_channel: Channel | None
    declined_channels: list[Declinable]
    reachable_by: list[Channel]
    version: Version


class ContactView(Preferences):
    email: str | None
    wecom_id: str | None


@router.put(
    "/customers/{customer_ref}/contact-preferences",
    response_model=Preferences,
    tags=["customers"],
    openapi_extra=serves("R9", "R19"),
)
async def set_contact_preferences(
    request: Request, customer_ref: str, body: ContactPreferences, command: FrontOfficeCommand
) -> JSONResponse:
    """Say how a customer wants to be told, and by what not; messages heed it when they are sent.

    Responses are kept to be repeated, so this one is without the addresses.
    """
    personal = personal_of(request)

    async def use_case(uow: UnitOfWork) -> BaseModel:
        connection, store_id = uow.connection, command.store_id
        await persistence.lock_customer(connection, store_id, customer_ref)
        persons = await find_persons(connection, personal, store_id, [customer_ref])
        if customer_ref not in persons:
            raise unknown("customer_ref", customer_ref)
        person = persons[customer_ref]
        require_version(person, body.version)
        wanted = replace(
            person,
            language=body.language,
            email=body.email,
            wecom_id=body.wecom_id,
            preferred_channel=body.preferred_channel,
            declined_channels=tuple(sorted(set(body.declined_channels))),
            points=messages.points_after(
                person.contact,
                {"email": body.email, "wecom": body.wecom_id},
                command.principal.subject,
                uow.now,
            ),
        )
        (saved,) = await uow.save([wanted], partial(_write, connection, personal, store_id))
        return Preferences(**_preferences(saved))

    return await command.run(use_case)


async def _write(
    connection: Connection, personal: PersonalData, store_id: str, persons: Sequence[Person]
) -> None:
    """Store how they want to be told, with their addresses encrypted."""
    for each in persons:
        contact = EncryptedContact(
            each.customer_ref,
            await personal.encrypt(connection, store_id, each.customer_ref, each.email),
            await personal.encrypt(connection, store_id, each.customer_ref, each.wecom_id),
            each.language,
            each.preferred_channel,
            each.declined_channels,
            each.version,
            each.changed_by,
            each.changed_at,
            POINTS.dump_python(dict(each.points), mode="json"),
        )
        await persistence.save_contact(connection, store_id, contact)


@router.get(
    "/customers/{customer_ref}/contact-preferences",
    tags=["customers"],
    openapi_extra=serves("R9", "R19"),
)
async def get_contact_preferences(
    request: Request, store_id: str, customer_ref: str, _: Reader
) -> ContactView:
    """How a customer wants to be told."""
    async with transaction(pool_of(request), [store_id]) as connection:
        persons = await find_persons(connection, personal_of(request), store_id, [customer_ref])
    if customer_ref not in persons:
        raise unknown("customer_ref", customer_ref)
    person = persons[customer_ref]
    return ContactView(**_preferences(person), email=person.email, wecom_id=person.wecom_id)


def _preferences(person: Person) -> dict[str, Any]:
    return {
        "customer_ref": person.customer_ref,
        "language": person.language,
        "preferred_channel": person.preferred_channel,
        "declined_channels": list(person.declined_channels),
        "reachable_by": list(person.contact.addresses),
        "version": person.version,
    }
