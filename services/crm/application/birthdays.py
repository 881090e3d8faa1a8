"""Birthdays of customers (生日): taken down where they say it, and the calls on that day."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from pydantic import BaseModel

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.application.follow_ups import CallingRules, Occasion
from services.crm.domain.birthday import MonthDay, celebrated_on
from services.crm.persistence import birthday as records
from services.crm.persistence.birthday import Birthday
from shared.request_model import RequestModel
from shared.unit_of_work import UnitOfWork

_REFERENCE = "birthday"


class SetBirthdayRequest(RequestModel):
    """Month and day; without them, the birthday is no longer kept."""

    month_day: MonthDay | None


class BirthdaySet(BaseModel):
    """Whether a customer's birthday is kept; the day itself stands in no stored response."""

    customer_ref: str
    is_kept: bool


class BirthdayView(BaseModel):
    """Month and day of a customer's birthday, absent where it is not known."""

    customer_ref: str
    month_day: str | None


async def set_birthday(
    uow: UnitOfWork, customer_ref: str, command: SetBirthdayRequest, deps: Deps
) -> BirthdaySet:
    """Take down a customer's birthday (登记生日), or keep it no longer.

    Raises:
        RuleViolation: the store knows no such customer.
    """
    connection, store_id = uow.connection, uow.store_id
    await persistence.lock_customer(connection, store_id, customer_ref)
    if command.month_day is None:
        await records.delete_birthday(connection, store_id, customer_ref)
    else:
        await _save(uow, {customer_ref: command.month_day}, deps)
    return BirthdaySet(customer_ref=customer_ref, is_kept=command.month_day is not None)


async def add_birthdays(uow: UnitOfWork, month_days: Mapping[str, str], deps: Deps) -> None:
    """Take down birthdays by customer; one that is known already is left."""
    known = await records.customers_with_birthday(uow.connection, uow.store_id, month_days)
    await _save(uow, {ref: each for ref, each in month_days.items() if ref not in known}, deps)


async def get_birthday(store_id: str, customer_ref: str, deps: Deps) -> BirthdayView:
    """Return the birthday of a customer.

    Raises:
        RuleViolation: the store knows no such customer.
    """
    async with deps.uow_factory.read(store_id) as connection:
        customer_ref = await persistence.require_customer(connection, store_id, customer_ref)
        found = await records.find_birthday(connection, store_id, customer_ref)
        month_day = None
        if found is not None:
            month_day = await deps.personal.decrypt(
                connection, store_id, found.customer_ref, found.month_day
            )
    return BirthdayView(customer_ref=customer_ref, month_day=month_day)


async def birthdays_to_call_about(
    uow: UnitOfWork, rules: CallingRules, deps: Deps
) -> Sequence[Occasion]:
    """Return the calls of today about birthdays, where the store calls for them (生日关怀)."""
    rule = rules.reasons.reasons.get("birthday")
    if rule is None:
        return []
    today = rules.store.local_day(uow.now)
    day = today - timedelta(days=rule.after_days or 0)
    references = [deps.personal.reference(_REFERENCE, each) for each in celebrated_on(day)]
    born = await records.customers_born_on(uow.connection, rules.store.id, references)
    due_at = rules.store.at(today, rules.calls.calls_at)
    return [Occasion("birthday", ref, f"birthday-{day.year}", due_at=due_at) for ref in born]


async def _save(uow: UnitOfWork, month_days: Mapping[str, str], deps: Deps) -> None:
    encrypted = await deps.personal.encrypt_all(
        uow.connection, [(uow.store_id, ref, each) for ref, each in month_days.items()]
    )
    await records.save_birthdays(
        uow.connection,
        [
            Birthday(
                uow.store_id,
                ref,
                content,
                deps.personal.reference(_REFERENCE, month_day),
                uow.person,
                uow.now,
            )
            for (ref, month_day), content in zip(month_days.items(), encrypted, strict=True)
        ],
    )
