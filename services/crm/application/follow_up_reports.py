"""Summary reports of calls (回访总结报告), by month, and their filing."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from services.crm import persistence
from services.crm.application.deps import Deps
from services.crm.domain import errors
from services.crm.domain.follow_up_report import FollowUpSummary, require_fileable
from shared.group import Store
from shared.unit_of_work import UnitOfWork

Month = Annotated[str, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", description="YYYY-MM")]


class FollowUpReport(FollowUpSummary):
    """Report of a store's calls that were due in a month.

    One that is filed stays as it was then; another shows the numbers of now. ``filed_months`` are
    those whose reports are filed.
    """

    month: str
    filed_by: str | None
    filed_at: datetime | None
    filed_months: list[str]


async def get_follow_up_report(store_id: str, month: str, deps: Deps) -> FollowUpReport:
    """Return the report of a month, as it was filed, else as it is now."""
    async with deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        months = await persistence.filed_months(connection, store_id)
        filed = await persistence.filed_report(connection, store_id, month)
        if filed is None:
            since, until = _bounds(store, month)
            summary = await persistence.summary_of_calls(connection, store_id, since, until)
            filed = {"content": summary.model_dump(), "filed_by": None, "filed_at": None}
    return FollowUpReport(
        **filed["content"],
        filed_by=filed["filed_by"],
        filed_at=filed["filed_at"],
        month=month,
        filed_months=list(months),
    )


async def file_follow_up_report(uow: UnitOfWork, month: str, deps: Deps) -> FollowUpReport:
    """File the report of a month that is over (归档); it stays as it is from then on.

    Raises:
        RuleViolation: the month is not over, or its report is filed already.
    """
    connection, store_id = uow.connection, uow.store_id
    store = await deps.group.store(connection, store_id)
    since, until = _bounds(store, month)
    filed = await persistence.filed_report(connection, store_id, month)
    require_fileable(month, until, filed, uow.now)
    summary = await persistence.summary_of_calls(connection, store_id, since, until)
    if not await persistence.file_report(connection, store_id, month, summary, uow.person, uow.now):
        raise errors.report_filed(month, None, uow.now)
    return FollowUpReport(
        **summary.model_dump(),
        month=month,
        filed_by=uow.person,
        filed_at=uow.now,
        filed_months=list(await persistence.filed_months(connection, store_id)),
    )


def _bounds(store: Store, month: str) -> tuple[datetime, datetime]:
    """Return the first moment of a month on the store's clocks, and of the month after."""
    first = date.fromisoformat(f"{month}-01")
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return store.day_bounds(first)[0], store.day_bounds(following)[0]
