"""Checklists of delivery (交车检查单) and of the premises (日常检查单) in a transaction."""

from collections.abc import Sequence
from datetime import date
from typing import TypeVar

from pydantic import BaseModel

from services.reception.application.deps import Deps
from services.reception.domain import checklists
from services.reception.domain.delivery import Checklist
from services.reception.domain.facility_check import FacilityChecklist
from shared.contracts.management import (
    ChecklistStep,
    DeliveryChecklistRules,
    FacilityArea,
    FacilityChecklistRules,
)
from shared.db import Connection
from shared.master_data import NotDefinedError

R = TypeVar("R", DeliveryChecklistRules, FacilityChecklistRules)


class ChecklistsView(BaseModel):
    """Steps of delivery and areas of the premises as they hold in a store today, with names."""

    delivery_steps: Sequence[ChecklistStep]
    facility_areas: Sequence[FacilityArea]


async def todays_checklists(store_id: str, deps: Deps) -> ChecklistsView:
    """Return the checklists of a store on its present day, empty where none holds."""
    async with deps.uow_factory.read(store_id) as connection:
        today = deps.today(await deps.group.store(connection, store_id))
        delivery = await _rules(connection, DeliveryChecklistRules, store_id, today, deps)
        facility = await _rules(connection, FacilityChecklistRules, store_id, today, deps)
    return ChecklistsView(
        delivery_steps=delivery.steps if delivery else (),
        facility_areas=facility.areas if facility else (),
    )


async def delivery_checklist(
    connection: Connection, store_id: str, day: date, deps: Deps
) -> Checklist:
    """Return a store's checklist of delivery on ``day``.

    Raises:
        NotDefinedError: there is none.
    """
    rules = await _rules(connection, DeliveryChecklistRules, store_id, day, deps)
    if rules is None:
        raise NotDefinedError("checklists of delivery")
    return checklists.delivery_checklist(rules)


async def facility_checklists(
    connection: Connection, store_id: str, day: date, deps: Deps
) -> tuple[FacilityChecklist, ...]:
    """Return the checklist of each area of a store on ``day``.

    Raises:
        NotDefinedError: there is none.
    """
    rules = await _rules(connection, FacilityChecklistRules, store_id, day, deps)
    if rules is None:
        raise NotDefinedError("checklists of the premises")
    return checklists.facility_checklists(rules)


async def _rules(
    connection: Connection, kind: type[R], store_id: str, day: date, deps: Deps
) -> R | None:
    """Return what holds on ``day``: the store's own checklist, else the group's, if any."""
    own, of_group = await deps.group.rules(connection, kind, store_id, day)
    return own or of_group
