"""One timeline per customer and per vehicle (往来记录), over the stores that may be seen."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.persistence import timeline
from services.crm.persistence.timeline import EntryKind, Place, TimelineRow
from shared.security import Principal
from shared.sharing import log_cross_store_access

_PAGE = 30
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class TimelineEntry(BaseModel):
    """What happened (往来): a visit, call, complaint, survey, message, conversation, policy, ….

    ``entry_id`` is that of its kind. ``code`` says what it is: of a visit and of a survey what
    came of it, of a call its reason, of a complaint its severity, of a message its type, of a
    conversation the channel, of a policy the insurer, of an invitation what is needed, of a
    campaign that the customer was invited or what they answered.
    """

    kind: EntryKind
    entry_id: str
    store_id: str
    at: datetime
    code: str
    order_id: str | None
    customer_ref: str | None


class Timeline(BaseModel):
    """Entries, newest first; ``next_page`` continues them, absent on the last page."""

    entries: list[TimelineEntry]
    next_page: str | None


async def get_customer_timeline(
    store_id: str,
    customer_ref: str,
    after: str | None,
    stores: Collection[str],
    principal: Principal,
    deps: Deps,
) -> Timeline:
    """Read what happened with a customer, newest first (客户往来记录).

    Entries of the same person in the reader's other stores are among them, which is logged.

    Raises:
        RuleViolation: the store knows no such customer.
    """
    async with deps.uow_factory.read(*stores) as connection:
        await persistence.require_customer(connection, store_id, customer_ref)
        rows = await timeline.timeline_of_customer(
            connection, store_id, customer_ref, _place_of(after), _PAGE + 1
        )
    log_cross_store_access(
        "timeline seen",
        principal,
        store_id,
        {each.store_id for each in rows},
        customer=customer_ref,
    )
    return _timeline(rows)


async def get_vehicle_timeline(
    store_id: str,
    vehicle_ref: str,
    after: str | None,
    stores: Collection[str],
    principal: Principal,
    deps: Deps,
) -> Timeline:
    """Read what happened with a vehicle in the reader's stores, newest first (车辆往来记录).

    Raises:
        RuleViolation: the store knows no such vehicle.
    """
    async with deps.uow_factory.read(*stores) as connection:
        await persistence.find_vehicle_row(connection, store_id, vehicle_ref)
        rows = await timeline.timeline_of_vehicle(
            connection, stores, vehicle_ref, _place_of(after), _PAGE + 1
        )
    log_cross_store_access(
        "timeline seen", principal, store_id, {each.store_id for each in rows}, vehicle=vehicle_ref
    )
    return _timeline(rows)


def _timeline(rows: Sequence[TimelineRow]) -> Timeline:
    shown = rows[:_PAGE]
    last = shown[-1] if len(rows) > _PAGE else None
    return Timeline(
        entries=[TimelineEntry.model_validate(each, from_attributes=True) for each in shown],
        next_page=f"{(last.at - _EPOCH) // _MICROSECOND}~{last.entry_id}" if last else None,
    )


def _place_of(after: str | None) -> Place:
    """Return the place behind which a page begins, given its name: microseconds and an id."""
    if after is None:
        return None, ""
    microseconds, _, entry_id = after.partition("~")
    return _EPOCH + int(microseconds) * _MICROSECOND, entry_id
