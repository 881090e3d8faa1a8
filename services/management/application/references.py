"""Records that content may name, as they are stored (引用)."""

from collections.abc import Sequence

from services.management.domain.kinds import Content
from services.management.domain.known import Known, Named, shifts_record
from services.management.persistence import records
from shared.contracts.base import GROUP
from shared.unit_of_work import UnitOfWork


async def known_for(uow: UnitOfWork, contents: Sequence[Content]) -> Known:
    """Return the records, shifts and rates that ``contents`` name, as they are decided."""
    named = Named.of(contents)
    if named == Named():
        return Known()
    owners = sorted(named.stores_with_shifts)
    async with uow.limited_to(GROUP, *owners) as seen:
        found = await records.ended_from(seen.connection, named.records)
        rated = await records.rated_skills(seen.connection, named.skills)
        shifts = await records.versions_of(
            seen.connection, [("rules", shifts_record(owner)) for owner in owners]
        )
    return Known(
        found,
        {owner: shifts.get(("rules", shifts_record(owner)), ()) for owner in owners},
        rated,
    )
