"""KPIs, daily reports and rebuilds, on real Kafka and PostgreSQL (R30, R33, R40)."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import chain

import asyncpg
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.embedded.platform import Platform
from services.reporting.app import create_app
from services.reporting.entrypoints.events import REACTIONS
from services.reporting.persistence import facts
from shared.clock import SimulatedClock
from shared.contracts import Event
from shared.contracts.reception import (
    CreditNoteIssued,
    DepositReceived,
    InvoiceIssued,
    PaymentReceived,
    RefundIssued,
)
from shared.contracts.reporting import DailyReportPublished
from shared.db import transaction
from shared.security import Role
from tests.support.event_scenarios import ZONE, Told, event_scenario, expected_kpis, flat, local
from tests.support.harness import InProcess, in_process, published, publisher
from tests.support.master_data import PARTITIONS

TOPIC = "aftersales.reporting.store.v1"
DAY = date(2026, 3, 4)
STORES = ("S01", "S02", "S03")
TABLES = (
    "event_log, order_fact, invoice_fact, payment_fact, credit_note_fact, job_fact, "
    "follow_up_fact, feedback_fact, survey_fact, attendance_fact, corrective_action_fact, "
    "business_day, daily_report, stream_position, applied_digests, timer"
)


def business_day(day: date) -> tuple[datetime, datetime]:
    return local(day - timedelta(days=1), 18), local(day, 18)


def payment(name: str, at: datetime, cents: int) -> PaymentReceived:
    return PaymentReceived(
        store_id="S01",
        order_id=f"S01-{name}",
        payment_id=f"p-{name}",
        invoice_id=f"i-{name}",
        method="cash",
        amount_cents=cents,
        balance_cents=0,
        received_at=at,
    )


@pytest_asyncio.fixture(scope="module")
async def told(servers: Platform, clock: SimulatedClock) -> dict[str, list[Told]]:
    """Publish a day of three stores, up to nine in the evening."""
    events = {store: event_scenario(11, store, DAY, 25) for store in STORES}
    evening = local(DAY, 18, 5)
    events["S01"].append((evening, payment("evening", evening, 11_300)))
    async with publisher(servers) as outside:
        for at, event in sorted(chain(*events.values()), key=lambda each: each[0]):
            await outside.publish(event, at=at)
    return events


@pytest_asyncio.fixture(scope="module")
async def reporting(
    servers: Platform, clock: SimulatedClock, told: dict[str, list[Told]]
) -> AsyncIterator[InProcess]:
    async with in_process(servers, "reporting", create_app) as running:
        await running.wait_until_idle()
        yield running


async def reports_on_topic(servers: Platform, store: str) -> list[DailyReportPublished]:
    return [
        received.event
        for received in await published(servers, [TOPIC])
        if isinstance(received.event, DailyReportPublished) and received.event.store_id == store
    ]


@pytest.mark.parametrize("day", [DAY + timedelta(days=days) for days in (-1, 0, 1, 20)])
async def test_live_kpis_equal_sums_of_events(
    reporting: InProcess, told: dict[str, list[Told]], day: date
) -> None:
    response = await reporting.get("/stores/S01/daily-kpis", "service_manager", day=day.isoformat())
    expected = expected_kpis(told["S01"], *business_day(day))
    shown = response.json()
    assert flat({name: shown[name] for name in expected}) == pytest.approx(flat(expected))
    assert shown["published_at"] is None


async def test_day_without_events_has_no_rates(reporting: InProcess) -> None:
    shown = (
        await reporting.get("/stores/S01/daily-kpis", "service_manager", day="2020-01-01")
    ).json()
    assert shown["arrived"] == shown["invoiced_cents"] == 0
    assert shown["on_time_rate_initial"] is shown["greet_wait_p90_s"] is shown["efficiency"] is None


async def test_report_is_not_published_before_closing_time(
    reporting: InProcess, clock: SimulatedClock
) -> None:
    clock.set(local(DAY, 17, 59).astimezone(UTC))
    await reporting.wait_until_idle()
    response = await reporting.get(
        "/stores/S01/daily-reports", "service_manager", day=DAY.isoformat()
    )
    assert response.json() == []


async def test_store_report_is_published_once_at_closing(
    reporting: InProcess, servers: Platform, clock: SimulatedClock, told: dict[str, list[Told]]
) -> None:
    clock.set(local(DAY, 18).astimezone(UTC))
    await reporting.wait_until_idle()
    for store in STORES:
        expected = expected_kpis(told[store], *business_day(DAY))
        day_reports = [
            report
            for report in await reports_on_topic(servers, store)
            if report.day == DAY.isoformat()
        ]
        (report,) = day_reports
        assert (report.covers_from, report.covers_until) == business_day(DAY)
        assert (report.published_at, report.revision) == (local(DAY, 18), 1)
        assert flat(report.model_dump(include=set(expected))) == pytest.approx(flat(expected))
    stored = await reporting.get(
        "/stores/S01/daily-reports", "service_manager", day=DAY.isoformat()
    )
    assert [DailyReportPublished.model_validate(each) for each in stored.json()] == [
        each for each in await reports_on_topic(servers, "S01") if each.day == DAY.isoformat()
    ]


@pytest.mark.parametrize("role", ["dispatcher", "quality_inspector"])
@pytest.mark.parametrize("path", ["daily-kpis", "daily-reports"])
async def test_workshop_roles_read_counts_only(reporting: InProcess, role: Role, path: str) -> None:
    asked = f"/stores/S01/{path}", {"day": DAY.isoformat()}
    answers = [
        (await reporting.get(asked[0], each, **asked[1])).json()
        for each in (role, "customer_care_agent")
    ]
    mine, office = (each[0] if isinstance(each, list) else each for each in answers)
    hidden = {name for name in office if name.endswith("_cents") or name.startswith("feedback")}
    hidden |= {
        "collection_rate",
        "collection_rate_by_age",
        "csi",
        "effective_labor_rate",
        "revenue_per_ro",
    }
    assert {name: mine[name] for name in hidden} == dict.fromkeys(hidden)
    assert {name: mine[name] for name in mine.keys() - hidden} == {
        name: office[name] for name in office.keys() - hidden
    }
    assert office["received_cents"]
    assert office["feedback"]


async def test_clock_jump_reports_each_active_day_once(
    reporting: InProcess, servers: Platform, clock: SimulatedClock, told: dict[str, list[Told]]
) -> None:
    clock.set(local(DAY + timedelta(days=9), 3).astimezone(UTC))
    await reporting.wait_until_idle()
    days = [report.day for report in await reports_on_topic(servers, "S01")]
    active = {(at.astimezone(ZONE) + timedelta(hours=6)).date() for at, _ in told["S01"]}
    assert len(active) > 2
    assert sorted(days) == sorted(day.isoformat() for day in active)


@pytest.mark.parametrize(
    ("kpi", "field", "kinds"),
    [
        ("invoiced_cents", "total_cents", (InvoiceIssued,)),
        ("credited_cents", "total_cents", (CreditNoteIssued,)),
        ("received_cents", "amount_cents", (PaymentReceived, DepositReceived)),
        ("refunded_cents", "amount_cents", (RefundIssued,)),
    ],
)
async def test_daily_reports_sum_to_all_money(
    reporting: InProcess,
    servers: Platform,
    told: dict[str, list[Told]],
    kpi: str,
    field: str,
    kinds: tuple[type[Event], ...],
) -> None:
    reports = [each for store in STORES for each in await reports_on_topic(servers, store)]
    events = [event for store in STORES for _, event in told[store] if isinstance(event, kinds)]
    moved = sum(getattr(event, field) for event in events)
    assert sum(getattr(report, kpi) for report in reports) == moved > 0


async def test_late_payment_revises_daily_report(
    reporting: InProcess, servers: Platform, told: dict[str, list[Told]]
) -> None:
    async def answered() -> DailyReportPublished:
        response = await reporting.get(
            "/stores/S01/daily-reports", "service_manager", day=DAY.isoformat()
        )
        (report,) = response.json()
        return DailyReportPublished.model_validate(report)

    first = await answered()
    at = local(DAY, 17, 59)
    async with publisher(servers) as outside:
        await outside.publish(payment("late", at, 4_711), at=at)
    await reporting.wait_until_idle()
    revised = await answered()
    assert revised.received_cents == first.received_cents + 4_711
    assert (revised.revision, revised.covers_until) == (2, first.covers_until)


async def test_group_manager_sees_reports_of_all_stores(reporting: InProcess) -> None:
    async def ask(*roles: Role, stores: Sequence[str]) -> list[str] | int:
        token = reporting.token(*roles, stores=stores)
        response = await reporting.client.get(
            "/group/daily-reports",
            params={"day": DAY.isoformat()},
            headers={"Authorization": f"Bearer {token}"},
        )
        return (
            [each["store_id"] for each in response.json()]
            if response.is_success
            else response.status_code
        )

    assert await ask("group_manager", stores=STORES) == list(STORES)
    assert await ask("group_manager", stores=["S02"]) == ["S02"]
    assert await ask("service_manager", stores=STORES) == 403


async def test_order_history_is_complete_and_ordered(
    reporting: InProcess, told: dict[str, list[Told]]
) -> None:
    order_id = next(
        event.order_id for _, event in told["S01"] if isinstance(event, PaymentReceived)
    )
    of_order = [
        type(event).__name__
        for _, event in told["S01"]
        if getattr(event, "order_id", None) == order_id
    ]
    response = await reporting.get(f"/stores/S01/orders/{order_id}/history", "service_manager")
    shown = response.json()
    assert sorted(entry["type"].split(".")[2] for entry in shown) == sorted(of_order)
    for topic in {entry["topic"] for entry in shown}:
        sequences = [entry["sequence"] for entry in shown if entry["topic"] == topic]
        assert sequences == sorted(sequences)
    assert [entry["time"] for entry in shown] == sorted(entry["time"] for entry in shown)
    assert shown[0]["type"] == "aftersales.reception.VehicleArrived.v1"
    assert shown[0]["data"]["order_id"] == order_id


async def test_order_of_another_store_has_no_history(
    reporting: InProcess, told: dict[str, list[Told]]
) -> None:
    order_id = next(event.order_id for _, event in told["S02"] if hasattr(event, "order_id"))
    response = await reporting.get(f"/stores/S01/orders/{order_id}/history", "service_manager")
    assert (response.status_code, response.json()["errors"][0]["rule"]) == (404, "unknown_order")


@pytest.mark.parametrize(
    ("path", "role", "status"),
    [
        ("/stores/S01/daily-kpis?day=4.3.2026", "service_manager", 422),
        ("/stores/S01/daily-reports", "service_manager", 422),
        ("/stores/S02/daily-kpis", "service_manager", 403),
        ("/stores/S99/daily-kpis", "service_manager", 404),
        ("/stores/S01/daily-kpis", "technician", 403),
        ("/stores/S01/orders/x/history", "operator", 403),
        ("/group/daily-reports?day=2026-03-04", "service_advisor", 403),
    ],
)
async def test_unauthorized_or_invalid_requests_are_rejected(
    reporting: InProcess, path: str, role: Role, status: int
) -> None:
    assert (await reporting.get(path, role)).status_code == status


async def test_rows_of_another_store_are_not_accessible(
    reporting: InProcess, servers: Platform
) -> None:
    connection = await asyncpg.connect(servers.database_url("reporting"))
    await connection.execute("SELECT set_config('app.stores', 'S02', false)")
    try:
        for table in TABLES.split(", "):
            foreign = await connection.fetchval(
                f"SELECT count(*) FROM {table} WHERE store_id <> 'S02'"
            )
            assert foreign == 0
        assert await connection.fetchval("SELECT count(*) FROM order_fact") == 25
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("INSERT INTO business_day VALUES ('S01', '2026-01-01')")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("DELETE FROM event_log")
    finally:
        await connection.close()


async def test_rebuild_gives_identical_facts_without_second_report(
    servers: Platform, clock: SimulatedClock, reporting: InProcess
) -> None:
    uow_factory = reporting.app.state.service.uow_factory
    async with transaction(uow_factory.pool, STORES) as connection:
        before = await facts.fingerprint(connection)
    reports_before = await reports_on_topic(servers, "S01")
    await reporting.wait_until_idle()
    await empty_tables(servers, reporting)
    async with in_process(servers, "reporting", create_app) as rebuilt:
        await rebuilt.wait_until_idle()
        async with transaction(rebuilt.app.state.service.pool, STORES) as connection:
            after = await facts.fingerprint(connection)
    assert after == before
    assert await reports_on_topic(servers, "S01") == reports_before


async def empty_tables(servers: Platform, reporting: InProcess) -> None:
    """Stop reading, empty reporting's tables, and go back to the start of every topic."""
    await reporting.app.state.service.consumer.stop()
    connection = await asyncpg.connect(servers.admin_url)
    await connection.execute(
        f"TRUNCATE {', '.join(f'reporting.{table}' for table in TABLES.split(', '))}"
    )
    await connection.close()
    group = AIOKafkaConsumer(**servers.kafka.client, group_id="reporting", enable_auto_commit=False)
    await group.start()
    try:
        places = [
            TopicPartition(topic, partition)
            for topic in {contract.topic for contract in REACTIONS.subscriptions}
            for partition in range(PARTITIONS)
        ]
        group.assign(places)
        await group.commit(dict.fromkeys(places, 0))
    finally:
        await group.stop()
