"""Contact preferences of a customer: language, addresses, channels (联系方式)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from pydantic import BaseModel, Field

from services.crm import persistence
from services.crm.application.contact_points import WecomId
from services.crm.application.contact_reads import note_reads
from services.crm.application.deps import Deps
from services.crm.application.follow_ups import cancel_refused_follow_ups
from services.crm.domain.message import Channel, Declinable, Language
from services.crm.persistence.persons import Person, find_person, save_preferences
from shared.contracts.versioned import require_version
from shared.formats import Email
from shared.request_model import Version, VersionedRequest
from shared.security import Principal
from shared.unit_of_work import UnitOfWork


class ContactPreferencesRequest(VersionedRequest):
    """Contact preferences, which replace the earlier ones.

    ``declined_channels``: the customer wants no messages by these (退订).
    """

    language: Language = "zh"
    email: Annotated[Email | None, Field(description="电子邮箱")] = None
    wecom_id: WecomId | None = None
    preferred_channel: Channel | None = None
    declined_channels: Annotated[list[Declinable], Field(max_length=4)] = []


class Preferences(BaseModel):
    """Contact preferences without the addresses.

    ``reachable_by``: channels for which there is an address, whether declined or not.
    """

    customer_ref: str
    language: Language
    preferred_channel: Channel | None
    declined_channels: list[Declinable]
    reachable_by: list[Channel]
    version: Version


class ContactView(Preferences):
    email: str | None
    wecom_id: str | None


async def set_contact_preferences(
    uow: UnitOfWork, customer_ref: str, command: ContactPreferencesRequest, deps: Deps
) -> Preferences:
    """Store a customer's contact preferences; messages follow them when they are sent.

    Calls that the customer now refuses are cancelled.

    Responses are stored for repeated requests, so this one leaves out the addresses.

    Raises:
        RuleViolation: the store knows no such customer, or the preferences have changed since they
            were seen.
    """
    person = await _lock_person(uow, customer_ref, deps)
    require_version(person, command.version)
    wanted = replace(
        person,
        language=command.language,
        email=command.email,
        wecom_id=command.wecom_id,
        preferred_channel=command.preferred_channel,
        declined_channels=tuple(sorted(set(command.declined_channels))),
    )
    return preferences_of(await _save(uow, person, wanted, deps))


async def decline_channel(
    uow: UnitOfWork, customer_ref: str, channel: Declinable, deps: Deps
) -> None:
    """Record that a customer wants no messages by a channel any more (退订).

    Raises:
        RuleViolation: the store knows no such customer.
    """
    person = await _lock_person(uow, customer_ref, deps)
    declined = tuple(sorted({*person.declined_channels, channel}))
    await _save(uow, person, replace(person, declined_channels=declined), deps)


async def _lock_person(uow: UnitOfWork, customer_ref: str, deps: Deps) -> Person:
    await persistence.lock_follow_ups_of(uow.connection, uow.store_id, [customer_ref])
    await persistence.lock_customer(uow.connection, uow.store_id, customer_ref)
    return await find_person(uow.connection, deps.personal, uow.store_id, customer_ref)


async def _save(uow: UnitOfWork, person: Person, wanted: Person, deps: Deps) -> Person:
    async def write(persons: Sequence[Person]) -> None:
        (saved,) = persons
        await save_preferences(uow.connection, deps.personal, uow.store_id, person, saved)

    (saved,) = await uow.save([wanted], write)
    await cancel_refused_follow_ups(uow, person.customer_ref)
    return saved


async def get_contact_preferences(
    store_id: str, customer_ref: str, principal: Principal, deps: Deps
) -> ContactView:
    """Return a customer's contact preferences.

    Raises:
        RuleViolation: the store knows no such customer.
    """
    async with deps.uow_factory.read(store_id) as connection:
        person = await find_person(connection, deps.personal, store_id, customer_ref)
        await note_reads(
            connection, store_id, [customer_ref], principal, "get_contact_preferences", deps
        )
    preferences = preferences_of(person).model_dump()
    return ContactView(**preferences, email=person.email, wecom_id=person.wecom_id)


def preferences_of(person: Person) -> Preferences:
    """Return how a customer wants to be told, without the addresses."""
    return Preferences(
        customer_ref=person.customer_ref,
        language=person.language,
        preferred_channel=person.preferred_channel,
        declined_channels=list(person.declined_channels),
        reachable_by=list(person.contact.addresses),
        version=str(person.version),
    )
