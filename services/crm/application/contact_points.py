"""Contact points of a customer (联系方式): telephone numbers, e-mail addresses and WeCom ids."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, ValidationInfo, field_validator

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.application.registration import person_reference
from services.crm.domain import errors
from services.crm.domain.customer import ContactHolder, ContactKind
from services.crm.domain.search_term import terms_of_phone
from services.crm.persistence import EncryptedContactPoint
from services.crm.persistence.persons import find_person
from services.crm.persistence.search_token import end_findability, make_findable
from shared.formats import valid_email, valid_phone
from shared.ids import new_id
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork

_WECOM_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _valid_wecom_id(text: str) -> str:
    if not _WECOM_ID.fullmatch(text):
        raise ValueError("not a WeCom id: up to 64 letters, digits, _ and -")
    return text


WecomId = Annotated[
    str, AfterValidator(_valid_wecom_id), Field(description="企业微信外部联系人, external_userid")
]

_FORMS: Mapping[ContactKind, Callable[[str], str]] = {
    "phone": valid_phone,
    "email": valid_email,
    "wecom": _valid_wecom_id,
}


class AddContactPointRequest(RequestModel):
    """Another telephone number, e-mail address or WeCom id, and whose it is."""

    kind: ContactKind
    holder: ContactHolder = "own"
    value: Annotated[str, Field(min_length=1, max_length=254)]

    @field_validator("value")
    @classmethod
    def _in_its_form(cls, value: str, info: ValidationInfo) -> str:
        kind = info.data.get("kind")
        return _FORMS[kind](value) if kind else value


class ChangeContactPointRequest(RequestModel):
    """Whose a contact point is, whether the customer declines it, and whether it has ended."""

    holder: ContactHolder
    declined: bool
    ended: bool = False


class ContactPointChanged(BaseModel):
    """A contact point that was changed, without its value."""

    contact_point_id: str


async def add_contact_point(
    uow: UnitOfWork, customer_ref: str, command: AddContactPointRequest, deps: Deps
) -> ContactPointChanged:
    """Add a contact point of a customer; the latest of their own is used first.

    Raises:
        RuleViolation: the store knows no such customer.
    """
    connection, store_id = uow.connection, uow.store_id
    await persistence.lock_customer(connection, store_id, customer_ref)
    point = EncryptedContactPoint(
        contact_point_id=str(new_id()),
        customer_ref=customer_ref,
        kind=command.kind,
        holder=command.holder,
        value=await deps.personal.encrypt(connection, store_id, customer_ref, command.value),
        value_ref=deps.personal.reference(command.kind, command.value),
        set_by=uow.person,
        set_at=uow.now,
    )
    if command.kind == "phone":
        terms = terms_of_phone(command.value)
        await make_findable(
            connection, deps.personal, store_id, "phone", point.contact_point_id, terms
        )
    return await _save(uow, point, deps)


async def change_contact_point(
    uow: UnitOfWork,
    customer_ref: str,
    contact_point_id: str,
    command: ChangeContactPointRequest,
    deps: Deps,
) -> ContactPointChanged:
    """Change whose a contact point is, whether it is declined (拒收), or end it (停用).

    Raises:
        RuleViolation: the customer has no such contact point, it has ended, or it is their last own
            telephone number.
    """
    connection, store_id = uow.connection, uow.store_id
    await persistence.lock_customer(connection, store_id, customer_ref)
    point = await persistence.lock_contact_point(
        connection, store_id, customer_ref, contact_point_id
    )
    if point.ended_at is not None:
        raise errors.contact_point_ended(contact_point_id)
    changed = replace(point, holder=command.holder, declined=command.declined)
    if command.ended:
        changed = replace(changed, ended_by=uow.person, ended_at=uow.now)
        await end_findability(connection, store_id, "phone", [contact_point_id])
    if changed.holder != "own" or changed.ended_at is not None:
        others = await persistence.contact_points_of(connection, store_id, customer_ref)
        left = [each for each in others if each.kind == "phone" and each.holder == "own"]
        if [each.contact_point_id for each in left] == [contact_point_id]:
            raise errors.last_telephone()
    return await _save(uow, changed, deps)


async def _save(uow: UnitOfWork, point: EncryptedContactPoint, deps: Deps) -> ContactPointChanged:
    """Store a contact point, and by which name and number the customer is the same elsewhere."""
    connection, store_id = uow.connection, uow.store_id
    await persistence.save_contact_points(connection, store_id, [point])
    if point.kind == "phone":
        person = await find_person(connection, deps.personal, store_id, point.customer_ref)
        reference = person_reference(person.name, person.phone, deps.personal)
        await persistence.save_person_ref(connection, store_id, person.customer_ref, reference)
    return ContactPointChanged(contact_point_id=point.contact_point_id)
