"""KPIs of a business day, and the published daily reports (日报) of it (R30)."""

from collections.abc import Collection, Mapping, Sequence, Set
from datetime import date, datetime, timedelta
from typing import Any

from pydantic import BaseModel, create_model

from services.reporting.application.business_days import BusinessDays
from services.reporting.application.deps import Deps
from services.reporting.domain import daily_report
from services.reporting.domain.confidential import CONFIDENTIAL_KPIS, as_seen
from services.reporting.domain.daily_report import BusinessDay
from services.reporting.persistence import reports
from shared import timers
from shared.contracts.management import StoreDefined
from shared.contracts.reporting import DailyKpis, DailyReportPublished
from shared.db import Connection
from shared.envelope import Causation, ReceivedEvent
from shared.master_data import NotDefinedError
from shared.timers import Timer
from shared.unit_of_work import UnitOfWork

CLOSING = "closing"


class _Covered(BaseModel):
    store_id: str
    day: date
    covers_from: datetime | None
    covers_until: datetime | None


class _Live(_Covered):
    """The KPIs of a day so far.

    ``published_at`` is absent, as they are not published. Money and opinions are absent for roles
    that read none.
    """

    published_at: datetime | None = None


class _Report(_Covered):
    """The KPIs of a published report (日报).

    Money and opinions are absent for roles that read none.
    """

    revision: int
    published_at: datetime


def _with_kpis(name: str, view: type[BaseModel]) -> type[BaseModel]:
    """Return the view with each KPI of a day, of which confidential ones may be absent."""
    kpis: dict[str, Any] = {}
    for kpi, field in DailyKpis.model_fields.items():
        kind: Any = field.annotation
        kpis[kpi] = (kind | None if kpi in CONFIDENTIAL_KPIS else kind, ...)
    return create_model(name, __base__=view, __doc__=view.__doc__, **kpis)


LiveKpis = _with_kpis("LiveKpis", _Live)
DailyReport = _with_kpis("DailyReport", _Report)


async def keep_daily_reports(uow: UnitOfWork, batch: Sequence[ReceivedEvent], _: Deps) -> None:
    """Store the published reports, so that no replay publishes one again."""
    published = [
        received.event for received in batch if isinstance(received.event, DailyReportPublished)
    ]
    if published:
        await reports.keep(uow.connection, published)


async def schedule_closings(uow: UnitOfWork, batch: Sequence[ReceivedEvent], deps: Deps) -> None:
    """Schedule the closing of each business day with events (R30).

    The timers follow from the events alone, so neither a restart nor a clock that jumps can lose a
    day. A late event sets the timer of its day once more.
    """
    moments = {
        (received.envelope.store_id, received.envelope.time.replace(second=0, microsecond=0))
        for received in batch
        if not isinstance(received.event, DailyReportPublished)
    }
    stores = await _business_days(uow.connection, {store_id for store_id, _ in moments}, deps)
    days = {(store_id, stores[store_id].day_of(moment)) for store_id, moment in moments}
    for store_id, day in await reports.open_days(uow.connection, sorted(days)):
        name = f"{store_id}/{day}"
        await timers.schedule(
            uow.caused_by(Causation(correlation_id=name, causation_id=name), uow.now),
            CLOSING,
            name,
            store_id=store_id,
            due_at=stores[store_id].bounds(day)[1],
            data={"day": day.isoformat()},
        )


async def publish_daily_report(uow: UnitOfWork, timer: Timer, deps: Deps) -> None:
    """Publish the store's daily report (日报), or a revision when a total has changed since."""
    connection = uow.connection
    store = await deps.group.store(connection, timer.store_id)
    days = await _business_days(connection, {store.id}, deps)
    day = date.fromisoformat(timer.data["day"])
    await reports.close_day(connection, store.id, day)
    before = await reports.latest(connection, store.id, day - timedelta(days=1))
    begin = (before and before.covers_until) or days[store.id].bounds(day)[0]
    events = daily_report.report(
        BusinessDay(store.id, day, begin, timer.due_at),
        await reports.kpis(connection, store, begin, timer.due_at),
        await reports.latest(connection, store.id, day),
        uow.now,
    )
    await reports.keep(connection, events)
    uow.publish(events)


async def get_live_kpis(
    store_id: str, day: date | None, deps: Deps, *, sees_money: bool
) -> BaseModel:
    """Compute the KPIs of a business day so far, from closing to closing.

    The default is the store's present day.
    """
    async with deps.uow_factory.read(store_id) as connection:
        store = await deps.group.store(connection, store_id)
        days = await _business_days(connection, {store_id}, deps)
        wanted = day or store.local_day(deps.uow_factory.clock.now())
        begin, end = days[store_id].bounds(wanted)
        kpis = await reports.kpis(connection, store, begin, end)
    seen = as_seen(kpis, sees_money=sees_money)
    return LiveKpis(store_id=store_id, day=wanted, covers_from=begin, covers_until=end, **seen)


async def daily_reports(
    store_id: str, day: date, deps: Deps, *, sees_money: bool
) -> list[BaseModel]:
    """Return the store's published report of a day (日报); none before closing time."""
    return [
        DailyReport(**as_seen(report, sees_money=sees_money))
        for report in await group_daily_reports([store_id], day, deps)
    ]


async def group_daily_reports(
    stores: Collection[str], day: date, deps: Deps
) -> list[DailyReportPublished]:
    """List the published reports of a day, one for each of ``stores`` that has one."""
    async with deps.uow_factory.read(*stores) as connection:
        return await reports.of_day(connection, day)


async def _business_days(
    connection: Connection, store_ids: Set[str], deps: Deps
) -> Mapping[str, BusinessDays]:
    """Return the business days of each store.

    Raises:
        NotDefinedError: one of them is not announced yet.
    """
    states = await deps.group.master_data.get(connection, StoreDefined, store_ids)
    if unknown := sorted(store_ids - states.keys()):
        raise NotDefinedError(f"profiles of the stores {', '.join(unknown)}")
    return {store_id: BusinessDays(state) for store_id, state in states.items()}
