"""Records that content may name, as they are stored (引用)."""

from collections.abc import Sequence
from datetime import date

from services.management.domain.known import Given, Known, Named, shifts_record
from services.management.persistence import records
from shared.contracts.base import GROUP
from shared.unit_of_work import UnitOfWork

_NEVER = date.min
_MOST_LACKING = 100
"""Largest number of unknown records for each of which others are found that may be meant."""


async def known_for(uow: UnitOfWork, given: Sequence[Given]) -> Known:
    """Return the records, shifts, rates and costs that contents name, as they are decided."""
    named = Named.of(given)
    if named == Named():
        return Known()
    owners = sorted(named.stores_with_shifts)
    async with uow.limited_to(GROUP, *owners) as seen:
        found = await records.ended_from(seen.connection, named.records)
        rated = await records.rated_skills(seen.connection, named.skills)
        parts = await records.versions_of(seen.connection, named.costs)
        lacking = [key for key in named.records if found.get(key, _NEVER) is not None]
        beside = await records.ids_beside(seen.connection, lacking[:_MOST_LACKING])
        used = await records.used_price_lists(seen.connection) if named.price_lists else set()
        stores = await records.stores_alike(seen.connection, named.stores)
        shifts = await records.versions_of(
            seen.connection, [("rules", shifts_record(owner)) for owner in owners]
        )
    return Known(
        found,
        {owner: shifts.get(("rules", shifts_record(owner)), ()) for owner in owners},
        rated,
        {key: parts.get(key, ()) for key in named.costs},
        used,
        stores,
        beside,
    )
